/** Silence that is longer than usual, in seconds. */
export interface Quiet {
  readonly seconds: number;
  /** Median time between two signs of life; null before there is one. */
  readonly usualSeconds: number | null;
  /** Silence after which the process is ended and its work tried again. */
  readonly limitSeconds: number;
}

/** A process is given up after this many times its median interval, but not before the floor. */
const stalledIntervals = 20;
/** It is worth a word after this many intervals, but not before a tenth of the floor. */
const quietIntervals = 5;
const remembered = 101;

/** Signs of life of a process that works in steps, and how long it may go without. Times are in milliseconds of one clock. */
export class Pulse {
  readonly #intervals: number[] = [];
  #last: number;

  constructor(
    /** No silence below this counts as a stall. */
    private readonly floorMs: number,
    now: number,
  ) {
    this.#last = now;
  }

  beat(now: number): void {
    this.#intervals.push(now - this.#last);
    if (this.#intervals.length > remembered) this.#intervals.shift();
    this.#last = now;
  }

  /** The silence so far if it is longer than usual, else null. */
  quiet(now: number): Quiet | null {
    const silence = now - this.#last;
    const median = this.#median();
    if (silence < Math.max(this.floorMs / 10, quietIntervals * (median ?? 0))) return null;
    return {
      seconds: silence / 1000,
      usualSeconds: median === null ? null : median / 1000,
      limitSeconds: this.#limit() / 1000,
    };
  }

  isStalled(now: number): boolean {
    return now - this.#last >= this.#limit();
  }

  #limit(): number {
    return Math.max(this.floorMs, stalledIntervals * (this.#median() ?? 0));
  }

  #median(): number | null {
    return [...this.#intervals].sort((a, b) => a - b)[Math.floor(this.#intervals.length / 2)] ?? null;
  }
}
