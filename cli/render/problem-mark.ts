import type { RunProblem } from '../run-api.js';

/** A problem in a few words, for one row of a list; null for what keeps no run from moving. */
export function problemMark({ kind, subject }: RunProblem): string | null {
  switch (kind) {
    case 'temporal-unreachable':
      return 'Temporal does not answer';
    case 'payload-unreadable':
      return 'its payloads cannot be read';
    case 'queue-without-worker':
      return `no worker for ${subject}`;
    case 'workflow-task-failing':
      return 'its workflow code fails';
    case 'no-progress':
      return `no progress in ${subject}`;
    case 'activity-retrying':
      return `${subject} is tried again`;
    case 'queue-busy':
      return `waits for a ${subject} worker`;
    case 'disk-nearly-full':
      return 'disk nearly full';
    case 'training-warning':
      return null;
  }
}
