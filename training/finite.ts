import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TerminalError } from '../core/errors.js';

/**
 * Stops a job at the first number that is not finite, or at a gradient of exactly zero where there should be one. What led
 * to it is written to `bad-batch/batch.json`. TerminalErrors `training.not-finite` and `training.no-gradient`.
 */
export async function requireFinite(
  workDir: string,
  found: {
    readonly step: number;
    readonly loss: number;
    readonly gradNorm: number;
    readonly expectGradient: boolean;
  },
  batch: unknown,
): Promise<void> {
  const { step, loss, gradNorm, expectGradient } = found;
  const finite = Number.isFinite(loss) && Number.isFinite(gradNorm);
  if (finite && (gradNorm > 0 || !expectGradient)) return;
  const folder = join(workDir, 'bad-batch');
  await mkdir(folder, { recursive: true });
  const shown = { step, loss: String(loss), gradNorm: String(gradNorm), batch };
  await writeFile(join(folder, 'batch.json'), JSON.stringify(shown, null, 1) + '\n');
  const fields = { step, loss: String(loss), gradNorm: String(gradNorm) };
  if (finite) {
    throw new TerminalError(
      'training.no-gradient',
      `step ${step}: the gradient is zero, nothing can be learnt`,
      {
        fields,
      },
    );
  }
  throw new TerminalError('training.not-finite', `step ${step}: loss ${loss}, gradient norm ${gradNorm}`, {
    fields,
    fix: 'lower the learning rate, or look at the batch that is saved in bad-batch/',
  });
}
