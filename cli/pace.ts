import type { StageProgress } from './run-api.js';

/** How fast a stage goes, and when it will be done if it goes on like that. */
export interface PaceReading {
  readonly stepsPerSecond: number;
  /** Null where the steps to come are of another kind. */
  readonly secondsLeft: number | null;
}

/** Before that the first steps, which compile, would decide. */
const leastSeconds = 5;
/** Its steps are counted together with those of the phase after it, which take longer. */
const prelude = 'vision-warmup';

/** The pace of one stage by the clock of whoever watches it. Times never enter the rows of a log, so they are taken here. */
export class Pace {
  #phase = '';
  #steps = 0;
  /** The first step that was seen to end: what a stage waited for before says nothing about its pace. */
  #first: { readonly step: number; readonly at: number } | null = null;
  #last = { step: 0, at: 0 };

  /** @param now in milliseconds. A new phase and a stage that fell back to a checkpoint start it afresh. */
  see({ phase, step, steps }: StageProgress, now: number): void {
    if (phase !== this.#phase || step < this.#last.step || steps !== this.#steps) {
      this.#phase = phase;
      this.#steps = steps;
      this.#first = null;
      this.#last = { step, at: now };
    }
    if (step > this.#last.step) {
      this.#last = { step, at: now };
      this.#first ??= this.#last;
    }
  }

  /** Null until enough steps were seen. */
  reading(now: number): PaceReading | null {
    if (this.#first === null) return null;
    const seconds = (this.#last.at - this.#first.at) / 1000;
    if (seconds < leastSeconds) return null;
    const stepsPerSecond = (this.#last.step - this.#first.step) / seconds;
    const left = (this.#steps - this.#last.step) / stepsPerSecond - (now - this.#last.at) / 1000;
    return { stepsPerSecond, secondsLeft: this.#phase === prelude ? null : Math.max(0, left) };
  }
}
