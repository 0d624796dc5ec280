import { short } from '../../core/short-number.js';
import type { StepRow } from '../run-phases.js';
import { judge, type Judgement, type Limit, type Watcher } from './watcher.js';

/** A limit at the step where it was crossed. */
export interface Crossing {
  readonly column: string;
  readonly side: Limit['side'];
  readonly step: number;
  /** e.g. `mean span width 0.62, above 0.48: ...`. */
  readonly text: string;
}

/** What a whole log says about one watcher. */
export interface Finding {
  readonly watcher: Watcher;
  /** At the last reading; null when there were too few. */
  readonly last: Judgement | null;
  /** Share of the judged steps beyond a limit. */
  readonly shareOutside: number;
  /** Every time a limit was crossed, in order. */
  readonly crossings: readonly Crossing[];
}

/** A limit counts as left, so that crossing it warns again, after so many judgements within it in a row. */
const judgementsToLeave = 5;

/**
 * Follows the rows of one phase and says when a limit is crossed: the first time, and again after it was left. What it says
 * follows from the rows alone.
 */
export class Watch {
  readonly #watched: Watched[];

  constructor(watchers: readonly Watcher[]) {
    this.#watched = watchers.map((watcher) => new Watched(watcher));
  }

  /** Takes the row of the next step; gives back the limits that it crosses. */
  see(step: number, row: StepRow): Crossing[] {
    return this.#watched.flatMap((each) => each.see(step, row));
  }

  /** By watcher, those without a single reading left out. */
  findings(): Finding[] {
    return this.#watched.flatMap((each) => each.finding() ?? []);
  }
}

class Watched {
  readonly #readings: number[] = [];
  readonly #crossings: Crossing[] = [];
  /** Judgements within the limit since it was beyond; by side, those only that are not left. */
  readonly #within = new Map<Limit['side'], number>();
  #last: Judgement | null = null;
  #judged = 0;
  #outside = 0;

  constructor(readonly watcher: Watcher) {}

  see(step: number, row: StepRow): Crossing[] {
    const { column, reading } = this.watcher;
    const value = reading === undefined ? row[column] : reading(row);
    if (value === undefined || value === null || !Number.isFinite(value)) return [];
    this.#readings.push(value);
    const judgement = judge(this.watcher, this.#readings);
    this.#last = judgement;
    if (judgement === null) return [];
    this.#judged++;
    if (judgement.crossed.length > 0) this.#outside++;
    for (const side of ['above', 'below'] as const) this.#leave(side, judgement);
    const fresh = judgement.crossed.filter(({ side }) => !this.#within.has(side));
    const crossings = fresh.map((limit) => this.#crossing(step, judgement.value, limit));
    for (const { side } of judgement.crossed) this.#within.set(side, 0);
    this.#crossings.push(...crossings);
    return crossings;
  }

  finding(): Finding | null {
    if (this.#readings.length === 0) return null;
    return {
      watcher: this.watcher,
      last: this.#last,
      shareOutside: this.#judged === 0 ? 0 : this.#outside / this.#judged,
      crossings: this.#crossings,
    };
  }

  #leave(side: Limit['side'], { crossed }: Judgement): void {
    const within = this.#within.get(side);
    if (within === undefined || crossed.some((limit) => limit.side === side)) return;
    if (within + 1 >= judgementsToLeave) this.#within.delete(side);
    else this.#within.set(side, within + 1);
  }

  #crossing(step: number, value: number, { value: limit, side, meaning }: Limit): Crossing {
    const { column, name } = this.watcher;
    return { column, side, step, text: `${name} ${short(value)}, ${side} ${short(limit)}: ${meaning}` };
  }
}
