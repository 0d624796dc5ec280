import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSpace } from '../../bench/load/measure.js';
import { writeRandomCheckpoint } from '../../bench/load/random-checkpoint.js';
import { SHAPES } from '../../bench/load/shapes.js';
import { packageRoot } from '../../core/package-root.js';
import { toHuggingFace } from '../../policy/config.js';
import { readModelFolder } from '../../policy/model-folder.js';
import { tinyConfig } from '../policy/tiny.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bench-'));
});
afterEach(() => rm(root, { recursive: true }));

const bench = (...args: string[]) =>
  execa(process.execPath, [join(packageRoot, 'dist', 'bench', 'main.js'), 'load', ...args], {
    reject: false,
  });

describe('bench load', () => {
  it('loads a model with little more than its float32 size, and runs it', async () => {
    const folder = join(root, 'model');
    const { stdout, stderr, exitCode } = await bench(
      '--shape',
      'small',
      '--folder',
      folder,
      '--keep',
      '--json',
    );
    expect(stderr).toMatch(
      /written .* GB of .* GB.*\n(.*\n)*loading .*\n(.*\n)*loaded in .*\nthe model stays in/,
    );
    const result = JSON.parse(stdout) as Record<string, number>;
    const { parameters, float32Bytes, residentBefore, peakLoading, peak } = result as Record<
      string,
      number
    > & {
      [name in 'parameters' | 'float32Bytes' | 'residentBefore' | 'peakLoading' | 'peak']: number;
    };
    expect(result).toMatchObject({
      model: 'random small',
      finite: true,
      withinLimit: true,
      limit: float32Bytes + 3e9,
    });
    expect(float32Bytes).toBe(4 * parameters);
    expect(result['bytesOnDisk']! / (2 * parameters)).toBeCloseTo(1, 2);
    // Loading holds the model and one slice of 16 MiB, in JavaScript and on its way to the device.
    expect(peakLoading - residentBefore).toBeGreaterThan(0.9 * float32Bytes);
    expect(peakLoading - residentBefore).toBeLessThan(float32Bytes + 120e6);
    expect(result['used']).toBe(peak - residentBefore);
    expect(peak).toBeGreaterThanOrEqual(peakLoading);
    // Weights of .02 through normed layers, and an output head of 512 such weights.
    expect(result['largestLogit']).toBeGreaterThan(0.5);
    expect(result['largestLogit']).toBeLessThan(10);
    expect(exitCode).toBe(0);

    const again = await bench('--model', folder);
    expect(again.stdout).toMatch(/^parameters +46,587,456\n/m);
    expect(again.stdout).toMatch(/: kept\n.*was there\n/);
    expect(again.exitCode).toBe(0);
    expect(await readdir(folder)).toContain('config.json');
    const busy = await bench('--shape', 'small', '--folder', folder);
    expect(busy).toMatchObject({ exitCode: 1, stdout: '' });
    expect(busy.stderr).toMatch(/is not empty \[bench.folder-in-use\]\n {2}fix: /);
    expect(await readdir(folder)).toContain('config.json');
  }, 120_000);

  it('says beforehand what does not fit', async () => {
    const huge = { ...SHAPES['3b'], num_hidden_layers: 100_000 };
    await writeFile(join(root, 'config.json'), JSON.stringify(huge));
    const { stderr, exitCode } = await bench('--model', root);
    expect(stderr).toMatch(/GB of memory available; loading may take \d+\.\d\d GB \[bench.no-memory\]/);
    expect(exitCode).toBe(1);
    await expect(checkSpace(root, 1e18)).rejects.toMatchObject({ code: 'bench.no-space' });
    await checkSpace(root, 1);
    expect(await bench('--shape', 'tiny')).toMatchObject({ exitCode: 2, stdout: '' });
    expect(await bench('--model', root, '--keep')).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

describe('a random checkpoint', () => {
  it('is the same every time, and starts as a fresh model does', async () => {
    const config = { ...toHuggingFace(tinyConfig), vocab_size: 400 };
    const folders = ['a', 'b'].map((name) => join(root, name));
    const steps: number[] = [];
    await writeRandomCheckpoint(folders[0]!, config, (bytes) => steps.push(bytes));
    await writeRandomCheckpoint(folders[1]!, config);
    for (const name of await readdir(folders[0]!)) {
      const [one, other] = await Promise.all(folders.map((folder) => readFile(join(folder, name))));
      expect(one!.equals(other!), name).toBe(true);
    }
    const model = await readModelFolder(folders[0]!);
    const embedding = new Float32Array(400 * 32);
    await model.readInto('model.embed_tokens.weight', 0, embedding);
    const mean = embedding.reduce((a, b) => a + b, 0) / embedding.length;
    const deviation = Math.sqrt(embedding.reduce((a, b) => a + b * b, 0) / embedding.length);
    // Of 12,800 draws with deviation .3: both within four standard errors.
    expect(Math.abs(mean)).toBeLessThan(0.011);
    expect(Math.abs(deviation - 0.3)).toBeLessThan(0.0076);
    const norm = new Float32Array(32);
    await model.readInto('model.norm.weight', 0, norm);
    expect([...norm]).toEqual(new Array(32).fill(1));
    await model.readInto('model.layers.0.self_attn.q_proj.bias', 0, norm);
    expect([...norm]).toEqual(new Array(32).fill(0));
    await model.close();
    expect(steps.length).toBeGreaterThan(10);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
  });
});
