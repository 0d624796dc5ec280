import { Random } from '../core/random.js';

/**
 * Which of `count` items stands at position `position` of an endless sequence of shuffled epochs. It follows from the
 * arguments alone, so that a resumed run goes on exactly where the killed one stopped. Throws a RangeError when there is
 * nothing to draw from.
 */
export class DataOrder {
  readonly #count: number;
  readonly #seed: number;
  readonly #purpose: string;
  #epoch = -1;
  #order: number[] = [];

  constructor(count: number, seed: number, purpose: string) {
    if (count < 1) throw new RangeError(`no items to order for ${purpose}`);
    this.#count = count;
    this.#seed = seed;
    this.#purpose = purpose;
  }

  at(position: number): number {
    const epoch = Math.floor(position / this.#count);
    if (epoch !== this.#epoch) {
      const items = Array.from({ length: this.#count }, (_, i) => i);
      this.#order = Random.from(this.#seed, this.#purpose, 'order', epoch).shuffle(items);
      this.#epoch = epoch;
    }
    return this.#order[position % this.#count]!;
  }
}
