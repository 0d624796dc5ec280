import type { Backend } from '../policy/backend.js';
import { runAnswer } from './answer.js';
import { runGrpo } from './grpo.js';
import type { JobControl, TrainerJob } from './job.js';
import { PolicyShelf } from './policy-shelf.js';
import { runReflectionSft } from './reflection-sft.js';
import type { StepRow } from './run-phases.js';
import { runSft } from './sft.js';

export { JobStopped } from './job-stopped.js';

/** One per process and backend: answer jobs follow each other, and reading a model each time would cost seconds. */
const shelves = new WeakMap<Backend, PolicyShelf>();

function shelfOf(backend: Backend): PolicyShelf {
  let shelf = shelves.get(backend);
  if (shelf === undefined) {
    shelf = new PolicyShelf(backend);
    shelves.set(backend, shelf);
  }
  return shelf;
}

/**
 * Runs one job of the trainer child to its end: see training/job.ts for what it leaves and says. It gives way to the event
 * loop between micro-steps and tokens. Throws {@link JobStopped} after saving when it was asked to stop, a TerminalError
 * where trying again cannot help.
 */
export async function runJob(job: TrainerJob, backend: Backend, control: JobControl): Promise<void> {
  const metrics = await dispatch(job, backend, control);
  control.emit({ type: 'done', metrics });
}

async function dispatch(job: TrainerJob, backend: Backend, control: JobControl): Promise<StepRow> {
  const shelf = shelfOf(backend);
  // Training needs the device for itself.
  if (job.kind !== 'answer') shelf.clear();
  switch (job.kind) {
    case 'sft':
      return runSft(job, backend, control);
    case 'reflection-sft':
      return runReflectionSft(job, backend, control);
    case 'grpo':
      return runGrpo(job, backend, control);
    case 'answer':
      return runAnswer(job, await shelf.take(job), control);
  }
}
