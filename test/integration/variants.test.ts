import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { RunApi, RunSnapshot } from '../../cli/run-api.js';
import { connectRunApi } from '../../cli/run-client.js';
import { loadConfig } from '../../config/load.js';
import { renderMicroClips } from '../../bench/pipeline/micro-clips.js';

/** As small as it can be: what is tested is that branches share what they can and that each is answered for. */
// A training seed of its own: other tests on this stack train the micro preset too.
const set = [
  'seed.train=41',
  'sft.steps=2',
  'reflection.sft.steps=2',
  'grpo.epochs=1',
  'grpo.stepsPerEpoch=1',
  'grpo.sampling.maxTokens=16',
  'evaluation.sampling.maxTokens=16',
  'variants={one-stage: {stages: [sft]}, two-pass: {reflection: {marks: false}}, direct: {reasoning: false, grpo: {preset: vad-r1}}, taught: {stages: [sft], teacher: {trimmedViews: 2}}}',
];

let folder: string;
let api: RunApi;
let sources: string;

beforeAll(async () => {
  process.env['HINDSIGHT_HOME'] = inject('home');
  folder = await mkdtemp(join(tmpdir(), 'variants-'));
  const annotations = await renderMicroClips(join(folder, 'clips'));
  sources = `dataset.sources=[{kind: jsonl, annotations: ${JSON.stringify(annotations)}}]`;
  api = await connectRunApi();
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

it('a run goes through its variants, which share what does not differ', async () => {
  const loaded = await loadConfig('micro', { set: [sources, ...set] });
  const planned = await api.plan(loaded);
  const of = (variant: string) => planned.stages.filter((stage) => stage.variant === variant);
  expect(of('one-stage').map(({ name }) => name)).not.toContain('grpo');
  // Whether its inputs are there depends on what ran on this stack before; its result is not.
  expect(of('direct').find(({ name }) => name === 'sft')!.plan.action).not.toBe('reuse');

  const id = await api.start(loaded, {});
  const run: RunSnapshot = await api.watch(id, {
    onUpdate: () => undefined,
    signal: AbortSignal.timeout(240_000),
  });
  expect(run).toMatchObject({ status: 'done', reason: null });
  const outcomes = (variant: string | null) =>
    Object.fromEntries(
      run.stages.filter((stage) => stage.variant === variant).map(({ name, outcome }) => [name, outcome]),
    );
  expect(outcomes(null)).toMatchObject({ sft: 'ran', grpo: 'ran', compare: 'ran', report: 'ran' });
  expect(outcomes('one-stage')).toEqual({
    ingest: 'reused',
    frames: 'reused',
    captions: 'reused',
    reasoning: 'reused',
    sft: 'reused',
    predictions: 'reused',
    evaluate: 'ran',
  });
  expect(outcomes('two-pass')).toMatchObject({ reflections: 'reused', 'reflection-sft': 'ran', grpo: 'ran' });
  expect(outcomes('direct')).toMatchObject({ reasoning: 'reused', sft: 'ran', grpo: 'ran' });
  expect(outcomes('taught')).toMatchObject({
    frames: 'reused',
    captions: 'reused',
    reasoning: 'ran',
    sft: 'ran',
  });

  const again = await api.plan(loaded);
  expect(again.stages.filter(({ variant, plan }) => variant !== null && plan.action !== 'reuse')).toEqual([]);
}, 300_000);
