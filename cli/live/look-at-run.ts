import type { StageProgress } from '../../activities/contract.js';
import type { RunRecord } from '../../artifacts/runs.js';
import { problemId } from '../problem-id.js';
import type { RunProblem } from '../run-api.js';
import { currentRecord } from './current-record.js';
import { endedRecord } from './ended.js';
import type { Pending } from './pending.js';
import { queueProblems } from './queue-problems.js';
import type { TemporalView } from './temporal-view.js';

/** Child workflows by the stages they work on. */
const phases: Readonly<Record<string, readonly string[]>> = {
  ingest: ['ingest'],
  annotation: ['frames', 'captions', 'reasoning'],
  reflection: ['drafts', 'reflections'],
  predictions: ['predictions'],
};

/** What a look at runs is made with, the same for all of them. */
export interface Look {
  readonly view: TemporalView;
  /** The run's record as the store has it now. */
  readonly read: (runId: string) => Promise<RunRecord | null>;
  /** What is wrong with this machine, where the stack is a local one. */
  readonly machine: () => Promise<readonly RunProblem[]>;
  /** What a look says that Temporal does not answer, or not in words that can be read here. */
  readonly away: (error: unknown) => Promise<RunProblem>;
  /** Whether workflows are asked, too: a worker has to answer that, which takes its time. */
  readonly queries: boolean;
}

/** A run as its record, its workflows and its activities tell it. */
export interface LiveRun {
  readonly record: RunRecord;
  /** By stage. */
  readonly progress: ReadonlyMap<string, StageProgress>;
  /** What keeps it from moving, the worst first. */
  readonly problems: readonly RunProblem[];
}

/** Looks at a run; Temporal is asked only about one that the store says is open, and its being away costs the live part only. */
export async function lookAtRun(look: Look, record: RunRecord): Promise<LiveRun> {
  if (!isOpen(record)) return { record, progress: new Map(), problems: [] };
  const machine = await look.machine();
  try {
    const live = await openRun(look, record);
    if (!isOpen(live.record)) return live;
    // A worker on this machine sees the disk that was looked at from here.
    const seen = new Set(machine.map(({ subject }) => subject));
    const others = live.problems.filter(
      ({ kind, subject }) => kind !== 'disk-nearly-full' || !seen.has(subject),
    );
    return { ...live, problems: [...inOrder(others), ...machine] };
  } catch (error) {
    return { record, progress: new Map(), problems: [await look.away(error), ...machine] };
  }
}

async function openRun(look: Look, stored: RunRecord): Promise<LiveRun> {
  const { view } = look;
  const execution = await view.execution(stored.runId);
  if (execution?.status.name !== 'RUNNING') {
    // Between the two looks it may have ended by itself.
    const now = (await look.read(stored.runId)) ?? stored;
    const ended = isOpen(now) ? await endedRecord(view, now, execution) : now;
    return { record: ended, progress: new Map(), problems: [] };
  }
  const own = await view.pending(execution);
  const record = look.queries ? await currentRecord(view, stored) : stored;
  // A parked run waits for a person, not for a worker.
  if (record.status === 'awaiting') return { record, progress: new Map(), problems: own.problems };
  const below = await Promise.all(phasesAtWork(record).map((id) => phase(look, id)));
  const all = [own, ...below];
  const served = new Set(all.flatMap((one) => [...one.served]));
  const waiting = new Map(all.flatMap((one) => [...one.waiting]).filter(([queue]) => !served.has(queue)));
  return {
    record,
    progress: new Map(all.flatMap((one) => [...one.progress])),
    problems: [...(await queueProblems(view, waiting)), ...all.flatMap((one) => one.problems)],
  };
}

function isOpen({ status }: RunRecord): boolean {
  return status === 'running' || status === 'awaiting';
}

/** Ids of the child workflows behind what runs. Branches follow one another: what runs belongs to one of them. */
function phasesAtWork({ runId, stages }: RunRecord): string[] {
  const atWork = stages.filter((stage) => stage.status === 'running');
  const branch = atWork[0]?.variant ?? null;
  return Object.entries(phases)
    .filter(([, names]) => atWork.some(({ name }) => names.includes(name)))
    .map(([name]) => `${runId}/${branch === null ? '' : `${branch}/`}${name}`);
}

/** A phase's pending work; its progress is counted in shards, not by what one of them says. */
async function phase({ view, queries }: Look, id: string): Promise<Pending> {
  const child = await view.execution(id);
  const nothing = { progress: new Map(), problems: [], waiting: new Map(), served: new Set<string>() };
  if (child?.status.name !== 'RUNNING') return nothing;
  const counted = queries ? await view.shardsDone(id) : {};
  const progress = Object.entries(counted).map(([stage, { done, total }]): [string, StageProgress] => [
    stage,
    { phase: 'shards', step: done, steps: total, metrics: {} },
  ]);
  return { ...(await view.pending(child)), progress: new Map(progress) };
}

const worstFirst: readonly RunProblem['kind'][] = [
  'temporal-unreachable',
  'payload-unreadable',
  'queue-without-worker',
  'workflow-task-failing',
  'no-progress',
  'activity-retrying',
  'queue-busy',
  'disk-nearly-full',
  'training-warning',
];

/** The worst first, each once: shards and activities of a stage tend to say the same. */
function inOrder(problems: readonly RunProblem[]): RunProblem[] {
  const distinct = new Map(problems.map((problem) => [problemId(problem), problem]));
  return [...distinct.values()].sort((a, b) => worstFirst.indexOf(a.kind) - worstFirst.indexOf(b.kind));
}
