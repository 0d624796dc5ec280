import { problemId } from '../problem-id.js';
import type { RunListEntry, RunSnapshot, StageSnapshot } from '../run-api.js';
import { branchStage } from './branch-stage.js';
import { columns, cut, wrap } from './columns.js';
import { age, duration } from './duration.js';
import { problemMark } from './problem-mark.js';
import { problemText, reasonText } from './run-lines.js';
import { stageProgress } from './stage-progress.js';

/** A run as `show` prints it: status, stages, what keeps it from moving; `width` is that of the screen, if it is one. */
export function runText(snapshot: RunSnapshot, width = Infinity): string {
  const { runId, status, reason, stages, problems } = snapshot;
  const head = `${runId}  ${status}\n`;
  const why = reason === null ? '' : `\n${wrap(reasonText(reason, runId), width)}\n`;
  const stuck = problems.map((problem) => `${wrap(`! ${problemText(problem)}`, width, '  ')}\n`).join('');
  const next =
    status === 'awaiting' || status === 'failed' || status === 'cancelled'
      ? `\ngo on with: hindsight resume ${runId}\n`
      : '';
  return `${head}\n${stageTable(stages, width)}${why}${stuck === '' ? '' : `\n${stuck}`}${next}`;
}

/** The run's own stages; of its variants those that they do not share, with how many of them are done. */
function stageTable(stages: readonly StageSnapshot[], width: number): string {
  const shown = stages.filter(
    ({ variant, status, outcome }) => variant === null || !(status === 'waiting' || outcome === 'reused'),
  );
  const rows = shown.map((stage) =>
    stage.progress === null
      ? [
          branchStage(stage),
          stage.status,
          stage.outcome ?? '-',
          stage.seconds === null ? '-' : duration(stage.seconds),
          stage.attempts === 0 ? '-' : String(stage.attempts),
          stage.key?.slice(0, 12) ?? '-',
        ]
      : // What the other columns say is known at the end only.
        [branchStage(stage), stage.status, stageProgress(stage.progress)],
  );
  const table = fitted(columns([['stage', 'status', 'outcome', 'time', 'attempts', 'key'], ...rows]), width);
  const variants = [...new Set(stages.flatMap(({ variant }) => variant ?? []))];
  const done = variants.filter((name) =>
    stages.every(({ variant, status }) => variant !== name || status === 'done'),
  );
  return variants.length === 0 ? table : `${table}\nvariants done: ${done.length} of ${variants.length}\n`;
}

/** All runs by id, each with what keeps it from moving. `now` is in milliseconds, `width` that of the screen, if it is one. */
export function listText(runs: readonly RunListEntry[], now: number, width = Infinity): string {
  const rows = [...runs]
    .sort((a, b) => (a.runId < b.runId ? -1 : 1))
    .map((run) => [
      run.runId,
      age((now - Date.parse(run.startedAt)) / 1000),
      run.name,
      [run.status, ...marks(run)].join(', '),
    ]);
  return fitted(columns([['run', 'age', 'name', 'status'], ...rows]), width);
}

/** What to do about the problems of all runs, each once: many runs may miss the same worker. */
export function listProblemsText(runs: readonly RunListEntry[], width = Infinity): string {
  const fixable = runs.flatMap(({ problems }) => problems.filter(({ fix }) => fix !== null));
  const distinct = new Map(fixable.map((problem) => [problemId(problem), problem]));
  return [...distinct.values()]
    .map((problem) => `${wrap(`! ${problemText(problem)}`, width, '  ')}\n`)
    .join('');
}

/** The worst problem of a run that runs, the reason of one that does not. */
function marks({ runId, status, reason, problems }: RunListEntry): string[] {
  const found = problems.flatMap((problem) => problemMark(problem) ?? []);
  if (found.length > 0)
    return [...found.slice(0, 2), ...(found.length > 2 ? [`${found.length - 2} more`] : [])];
  const short = status === 'failed' && reason !== null ? reasonText(reason, runId).split('\n')[0]! : null;
  return short === null ? [] : [short];
}

/** A table whose lines do not break over the screen. */
function fitted(table: string, width: number): string {
  return table
    .split('\n')
    .map((line) => cut(line, width))
    .join('\n');
}
