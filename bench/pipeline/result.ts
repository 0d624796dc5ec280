import { columns } from '../../cli/render/columns.js';
import { machineText, type Machine } from '../side-by-side/machine.js';
import { spreadText, type Spread } from '../side-by-side/statistics.js';
import { outcomeText } from '../side-by-side/verdict.js';
import type { KillsResult } from './kills.js';
import type { MemoryResult } from './memory.js';
import type { OverheadResult } from './overhead.js';
import type { ReuseResult } from './reuse.js';
import type { Measured, Verdict } from './targets.js';
import type { TrafficResult } from './traffic.js';

export const parts = ['reuse', 'overhead', 'kills', 'traffic', 'memory'] as const;
export type PartName = (typeof parts)[number];

/** What `bench pipeline --json` prints: the parts that were asked for. */
export interface PipelineResult {
  readonly schema: 2;
  readonly machine: Machine;
  readonly reuse?: ReuseResult;
  readonly overhead?: OverheadResult;
  readonly kills?: KillsResult;
  readonly traffic?: TrafficResult;
  readonly memory?: MemoryResult;
}

const meaning: Readonly<Record<Measured, string>> = {
  list: 'hindsight list, from start to end of its process',
  show: 'hindsight show of a finished run, likewise',
  plan: 'hindsight run --plan, likewise',
  run: 'a new run that finds everything in the store',
  resume: 'resume of a run that is done',
};

/** The result as text: the machine, then a table for each part. */
export function pipelineText(result: PipelineResult): string {
  const { machine, reuse, overhead, kills, traffic, memory } = result;
  return [
    `${machineText(machine)}\n`,
    'Where a range stands in brackets, the number before it is the median.\n',
    reuse === undefined ? '' : `\n${reuseText(reuse)}`,
    overhead === undefined ? '' : `\n${overheadText(overhead)}`,
    kills === undefined ? '' : `\n${killsText(kills)}`,
    traffic === undefined ? '' : `\n${trafficText(traffic)}`,
    memory === undefined ? '' : `\n${memoryText(memory)}`,
  ].join('');
}

function reuseText({ samples, rounds, seconds, verdicts }: ReuseResult): string {
  const rows = Object.entries(seconds).map(([name, of]) => [
    name,
    spreadText(of, 2),
    meaning[name as Measured],
  ]);
  return [
    `reuse: a recorded run of ${samples} samples, ${counted(rounds, 'round')}\n`,
    columns([['', 'seconds', ''], ...rows]),
    ...verdictLines(verdicts, 2),
  ].join('');
}

function overheadText(result: OverheadResult): string {
  const { samples, rounds, storeConcurrency, shardSize, shardsAtOnce } = result;
  const ms = (of: Spread): string => spreadText(scaled(of, 1000), 1);
  const seconds = (of: Spread): string => spreadText(of, 2);
  return [
    `overhead: Temporal alone, wall time of a run of ${samples} samples over its activities, which answer from memory;\n`,
    `  ${counted(rounds, 'round')}, the workers in one process; at once: of each queue\n`,
    columns([
      ['at once', 'activities', 'ms an activity'],
      ...result.temporal.map((one) => [String(one.concurrency), String(one.activities), ms(one.seconds)]),
    ]),
    `overhead: the store, time within an activity without the stage's own work (key, lookup, publishing), ${storeConcurrency} activities\n`,
    '  at once on one thread, all calls of all rounds\n',
    columns([
      ['activity', 'calls', 'ms'],
      ...result.store.map((one) => [one.kind, String(one.calls), ms(one.seconds)]),
    ]),
    `overhead: both, shards of ${shardSize} real clips on the stack's media worker, ${shardsAtOnce} at once and none waiting; whole: from\n`,
    '  scheduled to noted by the workflow; work: from the note of what the shard uses to its first output in the store\n',
    columns([
      ['stage', 'shards', 'whole, s', 'work, s', 'added, ms'],
      ...result.shards.map((one) => [
        one.stage,
        String(one.shards),
        seconds(one.whole),
        seconds(one.work),
        ms(one.added),
      ]),
    ]),
  ].join('');
}

function killsText({ rounds, checkpointEvery, mediaShards, kills }: KillsResult): string {
  return [
    `kills: seconds after kill -9 until the run is further than it was at the kill, ${counted(rounds, 'round')}. media: while ${mediaShards} shards of 32\n`,
    `  clips are in work; the others: in a long SFT of the micro preset with a checkpoint every ${checkpointEvery} steps. After the kill of the\n`,
    '  supervisor `hindsight up` is called at once. work: a step in the log of the trainer, a shard in the store; told: the\n',
    "  same from heartbeats (sent every 2 s) or the phase's workflow, store and the run's workflow answering, too\n",
    columns([
      ['killed', 'work', 'told'],
      ...kills.map(({ victim, work, told }) => [victim, spreadText(work, 1), spreadText(told, 1)]),
    ]),
  ].join('');
}

function trafficText({ rounds, artifacts, traffic }: TrafficResult): string {
  const megabytes = (of: Spread): string => spreadText(scaled(of, 1e-6), 2);
  return [
    `traffic: TCP bytes between workers and S3 gateway in a micro run, cold and again with everything reused, ${counted(rounds, 'round')},\n`,
    `  each worker with caches of its own, checkpoints on the way included; artifacts of the run: ${artifacts.blobs} blobs, ${megabytes(artifacts.bytes)} MB\n`,
    columns([
      ['pass', 'worker', 'sent, MB', 'received, MB', 'both / artifacts'],
      ...traffic.map((one) => [
        one.pass,
        one.worker,
        megabytes(one.sent),
        megabytes(one.received),
        spreadText(one.share, 2),
      ]),
    ]),
  ].join('');
}

function memoryText({ minutes, warmUpRuns, runs, shards, processes, verdicts }: MemoryResult): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return [
    `memory: resident MB once a second over ${minutes} min of micro runs of ever new clips and seeds: ${counted(runs, 'run')}, ${shards} shards\n`,
    `  after ${counted(warmUpRuns, 'run')} of warm-up; start and end: medians of the first and last tenth; slope: least squares\n`,
    columns([
      ['process', 'samples', 'start', 'end', 'median (least to most)', 'MB an hour', 'growth'],
      ...Object.entries(processes).map(([name, course]) => [
        name,
        String(course.samples),
        mb(course.start),
        mb(course.end),
        spreadText(scaled(course.resident, 1e-6), 1),
        mb(course.perHour),
        `${(100 * course.growth).toFixed(1)}%`,
      ]),
    ]),
    ...verdictLines(verdicts, 3),
  ].join('');
}

const counted = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

const scaled = ({ median, min, max }: Spread, by: number): Spread => ({
  median: by * median,
  min: by * min,
  max: by * max,
});

const verdictLines = (verdicts: readonly Verdict[], digits: number): string[] =>
  verdicts.map(
    (verdict) => `${verdict.target}: ${verdict.reached.toFixed(digits)}, ${outcomeText(verdict)}\n`,
  );
