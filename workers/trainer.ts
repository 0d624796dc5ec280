/**
 * The trainer child: loads TensorFlow, then takes one job at a time over IPC. It knows neither Temporal nor the store,
 * and it exits when its parent is gone, so that a killed worker never leaves a second trainer on a GPU.
 */
import { join } from 'node:path';
import { diskFull } from '../core/disk-full.js';
import { HindsightError } from '../core/errors.js';
import { loadBackend } from '../policy/backend.js';
import { createHome, homePaths } from '../stack/home.js';
import { waitForLock } from '../stack/lock.js';
import { JobStopped, runJob } from '../training/run-job.js';
import type { TrainerCommand, TrainerMessage } from '../activities/trainer.js';
import type { TrainerJob } from '../training/job.js';

function say(message: TrainerMessage): void {
  if (process.connected) process.send?.(message);
}

process.on('disconnect', () => process.exit(1));
// Whoever stops a service or presses Ctrl-C signals the whole process group. The worker then asks for a checkpoint, and ends
// this process when it has it, or is gone itself: dying here would lose the steps since the last one.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined);

/** A predecessor that lost its parent leaves at its next yield; so long its GPU is not free. */
const predecessorMs = 120_000;

const home = homePaths();
createHome(home);
await waitForLock(join(home.locks, `gpu-${process.env.CUDA_VISIBLE_DEVICES ?? '0'}.lock`), predecessorMs);
const backend = await loadBackend();
let stopRequested = false;

async function attend(job: TrainerJob): Promise<void> {
  stopRequested = false;
  try {
    await runJob(job, backend, { emit: say, stopRequested: () => stopRequested });
  } catch (thrown) {
    if (thrown instanceof JobStopped) {
      say({ type: 'stopped' });
      return;
    }
    const error = diskFull(thrown) ?? thrown;
    const known = error instanceof HindsightError;
    say({
      type: 'failed',
      code: known ? error.code : 'trainer.unexpected',
      message: error instanceof Error ? error.message : String(error),
      retryable: known ? error.retryable : true,
      fix: known ? (error.fix ?? null) : null,
      fields: known ? error.fields : {},
      stack: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

let last: Promise<void> = Promise.resolve();
process.on('message', (command: TrainerCommand) => {
  if (command.type === 'stop') stopRequested = true;
  else last = last.then(() => attend(command.job));
});

say({ type: 'ready', backend: backend.name, threads: backend.threads, versions: backend.versions });
