import type { RunRecord } from '../artifacts/runs.js';
import { checkpointStages, type CheckpointStage } from '../config/evaluation.js';
import { TerminalError } from '../core/errors.js';
import { ownRow } from './own-row.js';

/**
 * The checkpoint of a stage of the run itself, or the last one that is there.
 * @throws TerminalError `run.no-checkpoint` that names those there are
 */
export function chooseCheckpoint(
  { runId, stages }: Pick<RunRecord, 'runId' | 'stages'>,
  wanted: CheckpointStage | null,
): { readonly name: CheckpointStage; readonly digest: string } {
  const there = checkpointStages.flatMap((name) => {
    const digest = ownRow(stages, name)?.outputs['checkpoint'];
    return digest === undefined ? [] : [{ name, digest }];
  });
  const found = wanted === null ? there.at(-1) : there.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const names = there.map(({ name }) => name);
  const others = names.length === 0 ? '' : `, but ${names.join(' and ')}`;
  const trains = stages.some((stage) => stage.name === wanted) || wanted === null;
  throw new TerminalError(
    'run.no-checkpoint',
    `run ${runId} ${trains ? 'has' : 'trains'} no checkpoint${wanted === null ? '' : ` ${wanted}`}${trains ? ' yet' : ''}${others}`,
    { fix: names.length > 0 ? `name one of ${names.join(', ')}` : `hindsight show ${runId}` },
  );
}
