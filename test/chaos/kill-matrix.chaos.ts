import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSnapshot } from '../../cli/run-api.js';
import { parseJsonl } from '../../core/jsonl.js';
import { Random } from '../../core/random.js';
import { homePaths } from '../../stack/home.js';
import { ensureUp } from '../../stack/up.js';
import { halfWritten, transientObjects } from './leftovers-of.js';
import { renderMicroClips } from '../../bench/pipeline/micro-clips.js';
import { OwnStack } from '../../bench/pipeline/own-stack.js';
import { processesOf } from '../../bench/pipeline/processes.js';
import { digestsOf } from './digests-of.js';

/**
 * The local stack has no `llm` worker: the embedded teacher's work runs on `media`. One is started beside it to be killed; it
 * polls its queue, and nothing starts it again.
 */
const kinds = ['orchestrate', 'media', 'llm', 'gpu', 'trainer', 'temporal', 's3', 'supervisor'] as const;
type Kind = (typeof kinds)[number];

/** `HINDSIGHT_KILLS`: how many moments per kind of process; `HINDSIGHT_KILL_SEED`: another seed, other moments. */
const perKind = Number(process.env['HINDSIGHT_KILLS'] ?? 5);
const seed = Number(process.env['HINDSIGHT_KILL_SEED'] ?? 20261128);
const limitMs = 180_000;

const kills = Array.from({ length: perKind }, (_, index) => index).flatMap((index) =>
  kinds.map((kind) => ({ kind, index, share: Random.from(seed, 'kill', kind, index).uniform(0, 0.9) })),
);

interface Row {
  readonly kind: Kind;
  readonly moment: string;
  outcome: string;
  seconds: number | null;
}

describe('a run of the micro preset', () => {
  const rows: Row[] = [];
  let clips: string;
  let annotations: string;
  let undisturbed: RunSnapshot;
  /** How long it took, and after how long it came to its first training. */
  const reference = { ms: 0, trainingMs: 0 };

  beforeAll(async () => {
    clips = await mkdtemp(join(tmpdir(), 'hindsight-clips-'));
    annotations = await renderMicroClips(clips);
    const stack = await OwnStack.start();
    try {
      const startedAt = Date.now();
      const runId = await stack.run(annotations);
      await stack.reach(runId, 'sft');
      reference.trainingMs = Date.now() - startedAt;
      undisturbed = await stack.finish(runId);
      reference.ms = Date.now() - startedAt;
      expect(undisturbed).toMatchObject({ status: 'done', reason: null });
      await expectNoDoubledRows(stack, undisturbed);
    } finally {
      await stack.stop();
    }
  });

  afterAll(async () => {
    process.stdout.write(tableOf(rows, reference.ms));
    await rm(clips, { recursive: true, force: true });
  });

  it.each(kills)('ends well after kill -9 of $kind, moment $index ($share of its time)', async (kill) => {
    const stack = await OwnStack.start();
    const trainers = countTrainers(stack.home);
    const llm = kill.kind === 'llm' ? stack.startWorker('llm') : null;
    try {
      const runId = await stack.run(annotations);
      const startedAt = Date.now();
      await sleep(momentOf(kill, reference));
      const pid = llm?.pid ?? (await stack.pidOf(kill.kind));
      // One that had ended by itself would be no kill.
      if (llm !== null) expect(llm.exitCode).toBeNull();
      const during = (await stack.api.snapshot(runId)).stages.filter((stage) => stage.status === 'running');
      const at = ((Date.now() - startedAt) / 1000).toFixed(1);
      const row: Row = {
        kind: kill.kind,
        moment: `${at} s, ${during.map(({ name }) => name).join(' ') || 'between stages'}`,
        outcome: 'did not end well',
        seconds: null,
      };
      rows.push(row);
      process.kill(pid, 'SIGKILL');
      // What a person does where nothing is left that could start anything again.
      if (kill.kind === 'supervisor') await ensureUp({ home: homePaths(stack.home) });
      const ended = await stack.finish(runId, limitMs);
      row.seconds = (Date.now() - startedAt) / 1000;
      expect(ended).toMatchObject({ status: 'done', reason: null });
      expect(digestsOf(ended)).toEqual(digestsOf(undisturbed));
      expect(await transientObjects(stack.store)).toEqual([]);
      expect(trainers.most()).toBeLessThanOrEqual(1);
      await stack.halt();
      expect(processesOf(stack.home)).toEqual([]);
      expect(halfWritten(stack.home)).toEqual([]);
      row.outcome = 'done, same digests, nothing left';
    } finally {
      const last = rows.at(-1);
      process.stdout.write(
        `${rows.length} of ${kills.length}: ${last?.kind}, ${last?.moment}: ${last?.outcome}\n`,
      );
      trainers.stop();
      await stack.halt();
      await stack.remove();
    }
  });
});

/** Milliseconds after the start of the run; a trainer lives only once there is something to train. */
function momentOf(
  { kind, share }: { readonly kind: Kind; readonly share: number },
  { ms, trainingMs }: { readonly ms: number; readonly trainingMs: number },
): number {
  const from = kind === 'trainer' ? trainingMs : 0;
  return from + share * (ms - from);
}

/** Looks again and again how many trainers of a home live at once. */
function countTrainers(home: string): { most(): number; stop(): void } {
  let most = 0;
  const timer = setInterval(() => {
    const trainers = processesOf(home).filter(({ command }) => command.includes('workers/trainer.js'));
    most = Math.max(most, trainers.length);
  }, 250);
  return { most: () => most, stop: () => clearInterval(timer) };
}

/** The logs of all trainings hold each step of an epoch once; equal digests then say the same of other runs. */
async function expectNoDoubledRows(stack: OwnStack, run: RunSnapshot): Promise<void> {
  const logs = run.stages.flatMap(({ outputs }) => outputs['log'] ?? []);
  expect(logs.length).toBeGreaterThanOrEqual(3);
  for (const digest of logs) {
    const rows = parseJsonl(await stack.store.blobs.getText(digest), 'log.jsonl') as {
      readonly phase?: string;
      readonly epoch?: number;
      readonly step: number;
    }[];
    const places = rows.map(({ phase, epoch, step }) => [phase, epoch, step].join('/'));
    expect(places.length).toBeGreaterThan(0);
    expect(new Set(places).size, places.join(' ')).toBe(places.length);
  }
}

function tableOf(rows: readonly Row[], undisturbedMs: number): string {
  const cells = [
    ['killed', 'moment', 'outcome', 'time to the end'],
    ...rows.map(({ kind, moment, outcome, seconds }) => [
      kind,
      moment,
      outcome,
      seconds === null ? 'never' : `${seconds.toFixed(1)} s`,
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const lines = cells.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join('  '));
  return `\n${lines.join('\n')}\nundisturbed: ${(undisturbedMs / 1000).toFixed(1)} s\n`;
}
