import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../../evaluation/report/render-report.js';
import { inventedReportInput } from './report-input.js';

/** HINDSIGHT_CHROMIUM, else the usual names on PATH. */
function findChromium(): string | null {
  const named = process.env.HINDSIGHT_CHROMIUM;
  if (named !== undefined && named !== '') return named;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  return (
    folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path)) ??
    null
  );
}

const executablePath = findChromium();
if (executablePath === null) {
  process.stderr.write(
    'browser tests of the report are skipped: no Chromium found; set HINDSIGHT_CHROMIUM\n',
  );
}

describe.skipIf(executablePath === null)('the report in a browser', () => {
  let folder: string;
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hindsight-report-'));
    const file = join(folder, 'report.html');
    await writeFile(file, renderReport(await inventedReportInput()));
    url = pathToFileURL(file).href;
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(
    width: number,
    colorScheme: 'light' | 'dark',
    look: (page: Page) => Promise<void>,
    expected: readonly RegExp[] = [],
  ): Promise<void> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const trouble: string[] = [];
    page.on('console', (message) => trouble.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => trouble.push(error.message));
    page.on('request', (request) => {
      if (request.url() !== url && !request.url().startsWith('data:'))
        trouble.push(`asked for ${request.url()}`);
    });
    await page.goto(url);
    await look(page);
    expect(trouble).toEqual(expected.map((pattern) => expect.stringMatching(pattern) as string));
    await page.close();
  }

  it.each([
    [1280, 'light'],
    [1280, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)(
    'at %d pixels, %s: shows everything, complains of nothing, and does not scroll sideways',
    async (width, scheme) => {
      await open(width, scheme, async (page) => {
        for (const id of [
          'results',
          'gains',
          'reflection',
          'examples',
          'training',
          'strata',
          'data',
          'papers',
          'next',
        ]) {
          expect(await page.locator(`section#${id} h2`).isVisible()).toBe(true);
        }
        expect(await page.locator('.card .big').first().innerText()).toMatch(/^\d+\.\d%$/);
        expect(await page.locator('#results table.main').isVisible()).toBe(true);
        const box = await page.locator('.curve path').first().boundingBox();
        expect(box!.width).toBeGreaterThan(100);
        expect(box!.height).toBeGreaterThan(20);
        const sideways = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(sideways).toBeLessThanOrEqual(0);
        const pictures = await page.evaluate(
          '[...document.images].every((image) => image.complete && image.naturalWidth > 0)',
        );
        expect(pictures).toBe(true);
      });
    },
  );

  it('draws a dot where its value is', async () => {
    await open(1280, 'light', async (page) => {
      const track = page.locator('#results .track.c2').first();
      const box = (await track.boundingBox())!;
      const dot = (await track.locator('circle').boundingBox())!;
      const value =
        Number.parseFloat((await page.locator('.card .big').first().innerText()).replace('%', '')) / 100;
      expect((dot.x + dot.width / 2 - box.x) / box.width).toBeCloseTo(value, 2);
    });
  });

  it('reads out a curve under the pointer, and opens an answer', async () => {
    await open(1280, 'light', async (page) => {
      const curve = page.locator('#training .curve').first();
      await curve.locator('.area').hover();
      expect(await curve.locator('output').innerText()).toMatch(/^step \d+: training [\d.]+/);
      await page.mouse.move(0, 0);
      expect(await curve.locator('output').innerText()).toBe('');

      const closed = page.locator('.example details:not([open]) >> nth=0');
      const text = closed.locator('.completion');
      expect(await text.isVisible()).toBe(false);
      await page.locator('.example summary').first().click();
      expect(await page.locator('.example details .completion').first().isVisible()).toBe(true);
    });
  });

  it('runs no script but its own, even one that got into the page', async () => {
    await open(
      1280,
      'light',
      async (page) => {
        await page.evaluate(`
          const script = document.createElement('script');
          script.textContent = 'window.intruder = true';
          document.body.append(script);`);
        expect(await page.evaluate('window.intruder === true')).toBe(false);
      },
      [/^error: .*Content Security Policy/],
    );
  });
});
