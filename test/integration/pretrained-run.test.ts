import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ExportReport } from '../../cli/render/export.js';
import { runCli } from '../../cli/program.js';
import type { RunApi, RunSnapshot } from '../../cli/run-api.js';
import { connectRunApi } from '../../cli/run-client.js';
import { loadConfig } from '../../config/load.js';
import { sha256File } from '../../core/digest.js';
import { readModelFolder } from '../../policy/model-folder.js';
import { renderMicroClips } from '../../bench/pipeline/micro-clips.js';
import { digestsOf } from '../chaos/digests-of.js';
import { RecordingTerminal } from '../cli/recording-terminal.js';

/** Everything is as small as it can be: what is tested is that the parts fit each other. */
const small = [
  'sft.steps=2',
  'reflection.sft.steps=2',
  'grpo.epochs=2',
  'grpo.stepsPerEpoch=1',
  'grpo.sampling.maxTokens=16',
  'evaluation.sampling.maxTokens=16',
];

let folder: string;
let api: RunApi;
let sources: string;

beforeAll(async () => {
  process.env['HINDSIGHT_HOME'] = inject('home');
  folder = await mkdtemp(join(tmpdir(), 'pretrained-run-'));
  const annotations = await renderMicroClips(join(folder, 'clips'));
  sources = `dataset.sources=[{kind: jsonl, annotations: ${JSON.stringify(annotations)}}]`;
  api = await connectRunApi();
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(set: readonly string[]): Promise<RunSnapshot> {
  const id = await api.start(await loadConfig('micro', { set: [sources, ...small, ...set] }), {});
  return api.watch(id, { onUpdate: () => undefined, signal: AbortSignal.timeout(240_000) });
}

async function exported(...args: string[]): Promise<ExportReport> {
  const terminal = new RecordingTerminal();
  const code = await runCli(['export', ...args, '--json'], terminal);
  expect(terminal.stderr).toContain('writing');
  expect(code).toBe(0);
  return JSON.parse(terminal.stdout) as ExportReport;
}

const lora = (path: string, revision: string) => [
  `model={kind: pretrained, path: ${JSON.stringify(path)}, revision: ${JSON.stringify(revision)}, ` +
    'freezeVision: true, tuning: {kind: lora, rank: 2, alpha: 4, dropout: 0.1, targets: [q_proj, v_proj]}}',
];

describe('a run on pretrained weights', () => {
  let base: string;
  let revision: string;
  let trained: RunSnapshot;

  it('starts from what another run exported', async () => {
    const scratch = await run(['grpo.preset=vad-r1', 'grpo.epochs=1']);
    expect(scratch).toMatchObject({ status: 'done', reason: null });
    base = join(folder, 'weights');
    const report = await exported(scratch.runId, 'sft', base);
    expect(report).toMatchObject({ kind: 'model', checkpoint: 'sft', folder: base, base: null });
    revision = await sha256File(join(base, 'model.safetensors'));
    expect((await exported(scratch.runId, join(folder, 'last'))).checkpoint).toBe('grpo');
  }, 240_000);

  it('goes through every stage with adapters alone', async () => {
    trained = await run(lora(base, revision));
    expect(trained).toMatchObject({ status: 'done', reason: null });
    const outcomes = Object.fromEntries(trained.stages.map(({ name, outcome }) => [name, outcome]));
    // What does not depend on the model was made by the run before.
    expect(outcomes).toMatchObject({ frames: 'reused', reasoning: 'reused', sft: 'ran', grpo: 'ran' });
    const report = await readFile((await api.fetchReport(trained.runId))!, 'utf8');
    expect(report).toContain('LoRA of rank 2');
    expect(report).not.toContain(folder);
  }, 240_000);

  it('ends in adapters that are exported as such, or merged into their base', async () => {
    for (const checkpoint of ['sft', 'reflection-sft', 'grpo']) {
      const report = await exported(trained.runId, checkpoint, join(folder, checkpoint));
      expect(report).toMatchObject({ checkpoint, kind: 'adapter', base, rank: 2, seesVision: false });
      expect(report.files).toContain('adapter_model.safetensors');
    }
    const digest = (name: string) => sha256File(join(folder, name, 'adapter_model.safetensors'));
    const digests = await Promise.all(['sft', 'reflection-sft', 'grpo'].map(digest));
    expect(new Set(digests).size).toBe(3);
    const merged = await exported(trained.runId, join(folder, 'merged'), '--merge', '--dtype', 'bf16');
    expect(merged).toMatchObject({ kind: 'model', checkpoint: 'grpo', dtype: 'bf16' });
    const [before, after] = await Promise.all([base, join(folder, 'merged')].map(readModelFolder));
    expect(after!.config).toEqual(before!.config);
    await Promise.all([before!.close(), after!.close()]);
  }, 60_000);

  it('is found again when the weights have moved, which an export has to be told', async () => {
    const moved = join(folder, 'moved', 'weights');
    await mkdir(dirname(moved));
    await rename(base, moved);
    const homeless = join(folder, 'homeless');
    const terminal = new RecordingTerminal();
    expect(await runCli(['export', trained.runId, homeless], terminal)).toBe(2);
    expect(terminal.stderr).toContain(`model.path: on `);
    expect(terminal.stderr).toContain('HINDSIGHT_WEIGHTS');
    const again = await run(lora(moved, revision));
    expect(again.stages.map(({ outcome }) => outcome)).toEqual(again.stages.map(() => 'reused'));
    expect(digestsOf(again)).toEqual(digestsOf(trained));
  }, 120_000);
});
