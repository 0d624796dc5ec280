import type { TrainingWarning } from '../job.js';
import { Watch } from './watch.js';
import type { Watcher } from './watcher.js';

/** A row of `log.jsonl`. */
export type LogRow = Readonly<Record<string, unknown>>;

/**
 * Follows a job's log, phase by phase. Rows that were written before are shown to it again when the job goes on, so that a
 * resumed job warns of exactly what an undisturbed one does.
 */
export class JobWatch {
  readonly #phases = new Map<string, Watch>();

  constructor(private readonly watchers: readonly Watcher[]) {}

  /** Takes the next row; gives back what it makes worth a warning. Rows without a step or a phase say nothing. */
  see(row: LogRow): TrainingWarning[] {
    const { step, phase } = row;
    if (typeof step !== 'number' || typeof phase !== 'string') return [];
    const numbers = Object.entries(row).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number',
    );
    const watch = this.#phases.get(phase) ?? new Watch(this.watchers);
    this.#phases.set(phase, watch);
    return watch.see(step, Object.fromEntries(numbers)).map((crossing) => ({ phase, ...crossing }));
  }
}
