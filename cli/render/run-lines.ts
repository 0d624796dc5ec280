import type { PaceReading } from '../pace.js';
import { problemId } from '../problem-id.js';
import type { RunProblem, RunSnapshot, StageSnapshot } from '../run-api.js';
import { branchStage } from './branch-stage.js';
import { cut } from './columns.js';
import { duration } from './duration.js';
import { stageProgress } from './stage-progress.js';

const nameWidth = 16;

/**
 * What happened to a run between two looks at it, a line each: stages that started or ended, new problems.
 *
 * @param told ids of problems that were told earlier; they are not new when they come back
 */
export function eventLines(
  before: RunSnapshot | null,
  after: RunSnapshot,
  told: ReadonlySet<string> = new Set(),
): string[] {
  const old = new Map(before?.stages.map((stage) => [branchStage(stage), stage]));
  const lines = after.stages.flatMap((stage) => stageLine(old.get(branchStage(stage)), stage, after.runId));
  const known = new Set([...told, ...(before?.problems.map(problemId) ?? [])]);
  for (const problem of after.problems) {
    if (!known.has(problemId(problem))) lines.push(`! ${problemText(problem)}`);
  }
  return lines;
}

function stageLine(before: StageSnapshot | undefined, after: StageSnapshot, runId: string): string[] {
  if (before?.status === after.status) return [];
  // A variant shares most stages with the run; only its own are worth a line.
  if (after.variant !== null && after.status === 'done' && after.outcome === 'reused') return [];
  const name = branchStage(after).padEnd(nameWidth);
  switch (after.status) {
    case 'waiting':
      return [];
    case 'running':
      return after.variant === null ? [`${name} started`] : [];
    case 'done':
      return [`${name} ${outcomeText(after)}`];
    case 'awaiting':
    case 'failed':
      return [
        `${name} ${after.status}${after.reason === null ? '' : `: ${reasonText(after.reason, runId)}`}`,
      ];
    case 'cancelled':
      return [`${name} cancelled`];
  }
}

/** `ran in 111 s`, `continued, 32 s, 2 attempts`, `reused`. */
export function outcomeText({ outcome, seconds, attempts }: StageSnapshot): string {
  if (outcome === 'reused') return 'reused';
  const took =
    seconds === null ? '' : outcome === 'continued' ? `, ${duration(seconds)}` : ` in ${duration(seconds)}`;
  const tries = attempts > 1 ? `, ${attempts} attempts` : '';
  return `${outcome ?? 'done'}${took}${tries}`;
}

/** What whoever watches a running stage has timed. */
export interface StageTimes {
  /** Since it was first seen running. */
  readonly seconds: number;
  readonly pace: PaceReading | null;
}

/** The line at the foot: what runs now, how far it is and for how long. Times are by the name of the stage. */
export function liveText(
  snapshot: RunSnapshot,
  times: ReadonlyMap<string, StageTimes>,
  width: number,
): string {
  const running = snapshot.stages.filter((stage) => stage.status === 'running');
  const parts = running.map((stage) => {
    const { progress } = stage;
    const name = branchStage(stage);
    const own = times.get(name);
    const since = own === undefined ? '' : ` (${duration(own.seconds)})`;
    return progress === null ? `${name}${since}` : `${name}: ${stageProgress(progress, own?.pace)}${since}`;
  });
  const done = snapshot.stages.filter((stage) => stage.status === 'done').length;
  return cut([`${done}/${snapshot.stages.length} stages`, ...parts].join(' | '), width);
}

/** Where there is no live line: how far the running stages are, a line each. */
export function progressLines(snapshot: RunSnapshot, times: ReadonlyMap<string, StageTimes>): string[] {
  return snapshot.stages.flatMap((stage) =>
    stage.status === 'running' && stage.progress !== null
      ? [
          `${branchStage(stage).padEnd(nameWidth)} ${stageProgress(stage.progress, times.get(branchStage(stage))?.pace)}`,
        ]
      : [],
  );
}

export function problemText({ message, fix }: RunProblem): string {
  return fix === null ? message : `${message}; ${fix}`;
}

/** Reasons are written before the run's id is at hand: `hindsight resume RUN ...`. */
export function reasonText(reason: string, runId: string): string {
  return reason.replaceAll(/\bRUN\b/g, runId);
}
