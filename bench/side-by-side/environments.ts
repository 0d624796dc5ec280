import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { TerminalError } from '../../core/errors.js';
import { packageRoot } from '../../core/package-root.js';
import { trainerEnvironment } from '../../workers/trainer-environment.js';

/** Threads that every participant may use. */
export const THREADS = 2;

/** Where this project's participants run: as a trainer, on the processor alone. */
export const ourEnvironment = (): Record<string, string> => ({
  ...trainerEnvironment(),
  OMP_NUM_THREADS: String(THREADS),
  TF_NUM_INTRAOP_THREADS: String(THREADS),
  CUDA_VISIBLE_DEVICES: '',
});

/** Where PyTorch runs: on the processor alone, and without a network. */
export const referenceEnvironment = (): Record<string, string> => ({
  OMP_NUM_THREADS: String(THREADS),
  CUDA_VISIBLE_DEVICES: '',
  HF_HUB_OFFLINE: '1',
  TOKENIZERS_PARALLELISM: 'false',
});

/** The Python of the reference environment, which is made on first use; what that says goes to stderr. */
export function referencePython(): string {
  const script = join(packageRoot, 'bench', 'reference', 'environment.mjs');
  const { status, stdout } = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) {
    throw new TerminalError('bench.no-reference', 'the reference environment could not be made', {
      fix: 'see the lines above; --python PATH uses an environment of your own',
    });
  }
  return stdout.trim();
}
