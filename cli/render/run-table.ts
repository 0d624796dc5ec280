import type { RunListEntry, RunSnapshot, StageSnapshot } from '../run-api.js';
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

function stageTable(stages: readonly StageSnapshot[]): string {
  const rows = stages.map((stage) => [
    stage.name,
    stage.status,
    stage.outcome ?? '-',
    stage.seconds === null ? '-' : duration(stage.seconds),
    stage.attempts === 0 ? '-' : String(stage.attempts),
    stage.key?.slice(0, 12) ?? '-',
    stage.progress === null ? '' : stageProgress(stage.progress),
  ]);
  return columns([['stage', 'status', 'outcome', 'time', 'attempts', 'key', ''], ...rows]);
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
