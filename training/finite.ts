import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TerminalError } from '../core/errors.js';
import type { Group } from './rollout.js';

/** Folder and file, in a job's work folder, of what led to numbers that are not finite. */
export const badBatchFile = join('bad-batch', 'batch.json');

/**
 * Stops a job at the first number that is not finite, or at a gradient of exactly zero where there should be one. What led
 * to it is written to {@link badBatchFile}, where numbers that are not finite stand as text. TerminalErrors
 * `training.not-finite` and `training.no-gradient`.
 */
export async function requireFinite(
  workDir: string,
  found: {
    readonly step: number;
    readonly loss: number;
    readonly gradNorm: number;
    readonly learningRate: number;
    readonly expectGradient: boolean;
  },
  batch: unknown,
): Promise<void> {
  const { step, loss, gradNorm, learningRate, expectGradient } = found;
  const finite = Number.isFinite(loss) && Number.isFinite(gradNorm);
  if (finite && (gradNorm > 0 || !expectGradient)) return;
  await writeBadBatch(workDir, { step, loss, gradNorm, learningRate, batch });
  const fields = { step, loss: String(loss), gradNorm: String(gradNorm) };
  if (finite) {
    throw new TerminalError(
      'training.no-gradient',
      `step ${step}: the gradient is zero, nothing can be learnt`,
      { fields, fix: 'look at what led to it' },
    );
  }
  throw new TerminalError('training.not-finite', `step ${step}: loss ${loss}, gradient norm ${gradNorm}`, {
    fields,
    fix: 'lower the learning rate, or look at what led to it',
  });
}

/**
 * Stops GRPO before the update when a log-probability or a reward of the generation is not finite: the weights it was
 * sampled with are spoiled already. As {@link requireFinite}.
 */
export async function requireFiniteRollouts(
  workDir: string,
  found: { readonly step: number; readonly learningRate: number },
  groups: readonly Group[],
): Promise<void> {
  for (const { sample, rollouts } of groups) {
    for (const [completion, { logProbs, rewards, total }] of rollouts.entries()) {
      const paid = [total, ...Object.values(rewards)].filter((reward) => reward !== null);
      const what = !logProbs.every(Number.isFinite)
        ? 'a log-probability'
        : !paid.every(Number.isFinite)
          ? 'a reward'
          : null;
      if (what === null) continue;
      await writeBadBatch(workDir, { ...found, batch: generationRecord(groups) });
      const { step } = found;
      throw new TerminalError(
        'training.not-finite',
        `step ${step}: ${what} of ${sample.id}, completion ${completion}, is not finite`,
        {
          fields: { step, sampleId: sample.id, completion },
          fix: 'go on from weights of before with a lower learning rate, or look at what led to it',
        },
      );
    }
  }
}

/** All that an update of GRPO is made from, besides the weights: what is needed to do it again. */
export function generationRecord(groups: readonly Group[]): unknown {
  return groups.map(({ sample, prompt, rollouts }) => ({
    sampleId: sample.id,
    prompt,
    completions: rollouts.map(({ ids, logProbs, finish, rewards, total, advantage, text }) => ({
      ids,
      logProbs,
      finish,
      rewards,
      reward: total,
      advantage,
      text,
    })),
  }));
}

async function writeBadBatch(workDir: string, content: object): Promise<void> {
  const path = join(workDir, badBatchFile);
  await mkdir(join(path, '..'), { recursive: true });
  const text = JSON.stringify(content, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
  await writeFile(path, text + '\n');
}
