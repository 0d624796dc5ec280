import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { lastStep, trainedStep } from '../../../bench/pipeline/trained-step.js';
import { homePaths } from '../../../stack/home.js';

const row = (phase: string, step: number): string => `${JSON.stringify({ step, phase, loss: 1 })}\n`;

it('reads the last whole row of a log', () => {
  expect(lastStep(row('sft', 1) + row('sft', 2), 'sft')).toBe(2);
  expect(lastStep(`${row('sft', 1)}{"step": 2, "pha`, 'sft')).toBe(1);
  expect(lastStep(row('vision warm-up', 4) + row('sft', 5), 'vision warm-up')).toBeNull();
  expect(lastStep(row('vision warm-up', 4), 'sft')).toBeNull();
  for (const nothing of ['', '{"step": 1']) expect(lastStep(nothing, 'sft')).toBeNull();
});

it('takes the furthest of all work folders, whoever left them', async () => {
  const home = homePaths(mkdtempSync(join(tmpdir(), 'trained-step-')));
  onTestFinished(() => rmSync(home.root, { recursive: true, force: true }));
  expect(await trainedStep(home, 'sft')).toBeNull();
  const logs = {
    killed: row('sft', 7) + row('sft', 8),
    living: row('sft', 5),
    other: row('grpo', 90),
    empty: '',
  };
  for (const [name, text] of Object.entries(logs)) {
    mkdirSync(join(home.cacheDir, 'work', name), { recursive: true });
    writeFileSync(join(home.cacheDir, 'work', name, 'log.jsonl'), text);
  }
  mkdirSync(join(home.cacheDir, 'work', 'not-yet'));
  expect(await trainedStep(home, 'sft')).toBe(8);
  expect(await trainedStep(home, 'grpo')).toBe(90);
  expect(await trainedStep(home, 'reflection sft')).toBeNull();
});
