import type { RunListEntry, RunSnapshot, StageSnapshot } from '../run-api.js';
import { branchStage } from './branch-stage.js';
import { columns } from './columns.js';
import { age, duration } from './duration.js';
import { problemText, reasonText } from './run-lines.js';
import { stageProgress } from './stage-progress.js';

/** A run as `show` prints it: status, stages, what keeps it from moving. */
export function runText(snapshot: RunSnapshot): string {
  const { runId, status, reason, stages, problems } = snapshot;
  const head = `${runId}  ${status}\n`;
  const why = reason === null ? '' : `\n${reasonText(reason, runId)}\n`;
  const stuck = problems.map((problem) => `! ${problemText(problem)}\n`).join('');
  const next =
    status === 'awaiting' || status === 'failed' || status === 'cancelled'
      ? `\ngo on with: hindsight resume ${runId}\n`
      : '';
  return `${head}\n${stageTable(stages)}${why}${stuck === '' ? '' : `\n${stuck}`}${next}`;
}

/** The run's own stages; of its variants those that they do not share, with how many of them are done. */
function stageTable(stages: readonly StageSnapshot[]): string {
  const shown = stages.filter(
    ({ variant, status, outcome }) => variant === null || !(status === 'waiting' || outcome === 'reused'),
  );
  const rows = shown.map((stage) => [
    branchStage(stage),
    stage.status,
    stage.outcome ?? '-',
    stage.seconds === null ? '-' : duration(stage.seconds),
    stage.attempts === 0 ? '-' : String(stage.attempts),
    stage.key?.slice(0, 12) ?? '-',
    stage.progress === null ? '' : stageProgress(stage.progress),
  ]);
  const table = columns([['stage', 'status', 'outcome', 'time', 'attempts', 'key', ''], ...rows]);
  const variants = [...new Set(stages.flatMap(({ variant }) => variant ?? []))];
  const done = variants.filter((name) =>
    stages.every(({ variant, status }) => variant !== name || status === 'done'),
  );
  return variants.length === 0 ? table : `${table}\nvariants done: ${done.length} of ${variants.length}\n`;
}

/** All runs by id. `now` is in milliseconds. */
export function listText(runs: readonly RunListEntry[], now: number): string {
  const rows = [...runs]
    .sort((a, b) => (a.runId < b.runId ? -1 : 1))
    .map(({ runId, status, startedAt, name }) => [
      runId,
      status,
      age((now - Date.parse(startedAt)) / 1000),
      name,
    ]);
  return columns([['run', 'status', 'age', 'name'], ...rows]);
}
