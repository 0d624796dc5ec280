import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunApi, RunSnapshot } from '../../../cli/run-api.js';
import { connectRunApi } from '../../../cli/run-client.js';
import { loadConfig, overrideConfig } from '../../../config/load.js';
import { packageRoot } from '../../../core/package-root.js';
import { loadEndpoints } from '../../../stack/endpoints.js';
import { bringDown } from '../../../stack/down.js';
import { checkPayloads } from '../../../stack/checks/payloads.js';
import { homePaths } from '../../../stack/home.js';
import { ensureUp } from '../../../stack/up.js';
import { renderMicroClips } from '../../../bench/pipeline/micro-clips.js';
import { OwnStack } from '../../../bench/pipeline/own-stack.js';
import { encodingsOf, rawHistories } from '../raw-histories.js';

/** One training stage that fails at its second step, since its first leaves numbers without end. */
const failing = [
  'name=nightjar',
  'stages=[sft]',
  'sft.steps=40',
  'sft.visionWarmup.steps=1',
  'sft.validationEvery=40',
  'evaluation.sampling.maxTokens=16',
  'sft.optimizer.learningRate=1e30',
];
/** Of inputs, of the failure, and of its stack trace; the config's digest comes to it. */
const texts = ['nightjar', '"stage"', 'step 2: loss', 'gradient norm', '.ts:'];
const main = join(packageRoot, 'dist', 'cli', 'main.js');
const variable = 'HINDSIGHT_PAYLOAD_KEYS';
const key = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const [autumn, winter] = [key('autumn'), key('winter')];

let clips: string;
let annotations: string;

beforeAll(async () => {
  clips = await mkdtemp(join(tmpdir(), 'hindsight-clips-'));
  annotations = await renderMicroClips(clips);
});
afterAll(() => rm(clips, { recursive: true, force: true }));

const load = (): ReturnType<typeof loadConfig> =>
  loadConfig('micro', {
    set: [`dataset.sources=[{kind: jsonl, annotations: ${JSON.stringify(annotations)}}]`, ...failing],
  });

const finish = (api: RunApi, runId: string): Promise<RunSnapshot> =>
  api.watch(runId, { onUpdate: () => undefined, signal: AbortSignal.timeout(120_000) });

const hindsight = (...args: string[]): ReturnType<typeof execa> =>
  execa(process.execPath, [main, ...args], { reject: false, env: process.env });

/** Everything that the server has on disk. */
const database = (home: string): Buffer =>
  Buffer.concat(
    readdirSync(home)
      .filter((name) => name.startsWith('temporal.db'))
      .map((name) => readFileSync(join(home, name))),
  );

/** Waits until a snapshot holds progress of a stage, which comes out of heartbeat details. */
async function progressOf(api: RunApi, runId: string, stage: string): Promise<number> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
    const row = (await api.snapshot(runId)).stages.find(({ name }) => name === stage);
    if (row?.progress != null) return row.progress.steps;
  }
  throw new Error(`no progress of ${stage} was seen`);
}

it('the server can read nothing of an encrypted run, and its owner all', async () => {
  process.env[variable] = autumn;
  const stack = await OwnStack.start();
  let { api } = stack;
  try {
    const home = homePaths(stack.home);
    expect(checkPayloads(home)).toMatchObject({
      ok: true,
      found: 'on, AES-256-GCM with the key autumn',
    });
    const loaded = await load();
    await api.start(loaded, { runId: 'secret' });
    const parked = await finish(api, 'secret');
    expect(parked).toMatchObject({ status: 'awaiting' });
    const reason = parked.reason!;
    expect(reason).toMatch(/gradient norm .*\[training\.not-finite\] \(fix: lower the learning rate/);

    // The same bundle, so the parked execution is woken by an update; it fails once more.
    await api.resume('secret', {});
    expect((await finish(api, 'secret')).reason).toBe(reason);
    const shown = await hindsight('show', 'secret', '--json');
    expect(JSON.parse(String(shown.stdout))).toMatchObject({ status: 'awaiting', reason, problems: [] });
    expect((await hindsight('list')).stdout).toContain('nightjar');

    // A rotation: the workers are restarted with both keys, and what the old one encrypted goes on.
    process.env[variable] = `${winter},${autumn}`;
    const said: string[] = [];
    await ensureUp({ home, onProgress: (line) => said.push(line) });
    expect(said[0]).toBe('restarting the stack: its workers hold other payload keys');
    await api.close();
    api = await connectRunApi();
    const mended = await overrideConfig(await api.configOf('secret'), ['sft.optimizer.learningRate=1e-3'], {
      label: 'run secret',
    });
    await api.resume('secret', { resolved: mended });
    expect(await progressOf(api, 'secret', 'sft')).toBe(41);
    expect(await finish(api, 'secret')).toMatchObject({ status: 'done', reason: null });

    // A client without the keys is told so, before it starts a run that anybody could read.
    for (const held of [undefined, winter]) {
      if (held === undefined) delete process.env[variable];
      else process.env[variable] = held;
      const refused = await hindsight('show', 'secret');
      expect(refused.exitCode).toBe(2);
      expect(refused.stderr).toContain('HINDSIGHT_PAYLOAD_KEYS lacks keys of it:');
      expect(refused.stderr).toMatch(/autumn \[stack\.keys-missing\]\n {2}fix: set HINDSIGHT_PAYLOAD_KEYS/);
      expect(checkPayloads(home).ok).toBe('warning');
    }

    const store = stack.store;
    const digest = (await store.runs.read('secret'))!.config;
    const needles = [digest, ...texts];
    const encrypted = await rawHistories(await loadEndpoints());
    expect(encrypted.map(({ workflowId }) => workflowId)).toContain('secret/annotation');
    for (const { events, bytes } of encrypted) {
      expect(new Set(encodingsOf(events))).toEqual(new Set(['binary/encrypted']));
      for (const text of needles) expect(bytes.includes(text), text).toBe(false);
    }
    await bringDown({ home });
    for (const text of needles) expect(database(stack.home).includes(text), text).toBe(false);
    for (const secret of [autumn, winter].map((entry) => entry.split(':')[1]!)) {
      expect(readFileSync(home.stackFile, 'utf8')).not.toContain(secret);
    }

    // The same run without keys: the search finds what it looks for.
    delete process.env[variable];
    const endpoints = await ensureUp({ home });
    await api.close();
    api = await connectRunApi();
    await api.start(loaded, { runId: 'open' });
    expect(await finish(api, 'open')).toMatchObject({
      status: 'awaiting',
      reason: reason.replace('runs/secret/', 'runs/open/'),
    });
    const plain = (await rawHistories(endpoints)).filter(({ workflowId }) => workflowId.startsWith('open'));
    const all = Buffer.concat(plain.map(({ bytes }) => bytes));
    for (const text of [(await store.runs.read('open'))!.config, ...texts]) {
      expect(all.includes(text), text).toBe(true);
      expect(database(stack.home).includes(text), text).toBe(true);
    }
    expect(new Set(plain.flatMap(({ events }) => encodingsOf(events)))).not.toContain('binary/encrypted');
    // Without its keys the encrypted one cannot be resumed, and the error names the key.
    await expect(api.resume('secret', {})).rejects.toMatchObject({
      code: 'payload.key-unknown',
      fields: { id: 'winter' },
    });
  } finally {
    await api.close();
    await stack.stop();
    delete process.env[variable];
  }
});
