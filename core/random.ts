import { createHash } from 'node:crypto';

/** A 64-bit key of the generator, as two unsigned 32-bit words. */
export type RandomKey = readonly [number, number];

/**
 * One draw's own seed: hash(seed, stage, sample, epoch, completion, purpose). Any process that knows the parts gets the
 * same stream, whatever ran before it; that is what makes a killed run end with the same bytes.
 */
export function deriveKey(seed: number, ...parts: readonly (string | number)[]): RandomKey {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...parts]))
    .digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High 32 bits of the 64-bit product of two unsigned 32-bit numbers. */
function mulHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 0x10000);
  const carry = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/**
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): four 32-bit words that depend
 * on the counter and the key only.
 */
export function philox(
  counter: readonly [number, number, number, number],
  key: RandomKey,
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0, c0);
    const high1 = mulHigh(M1, c2);
    const low0 = Math.imul(M0, c0);
    const low1 = Math.imul(M1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Uniform in [0, 1) with 32 bits, at a position of the stream: the counter-based draw that sampling uses. */
export function uniformAt(key: RandomKey, position: number): number {
  const block = Math.floor(position / 4);
  return philox([block >>> 0, Math.floor(block / 2 ** 32), 0, 0], key)[position % 4]! / 2 ** 32;
}

/** A stream of draws from one key, in order. Never shared between purposes: derive a key for each. */
export class Random {
  #position = 0;
  #block: [number, number, number, number] = [0, 0, 0, 0];

  constructor(readonly key: RandomKey) {}

  static from(seed: number, ...parts: readonly (string | number)[]): Random {
    return new Random(deriveKey(seed, ...parts));
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    const lane = this.#position % 4;
    if (lane === 0) this.#block = philox([this.#position / 4, 0, 0, 0], this.key);
    this.#position++;
    return low + (this.#block[lane]! / 2 ** 32) * (high - low);
  }

  /** Integer in [0, n). */
  integer(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** True with probability p. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** One member; throws a RangeError on an empty list. */
  choice<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('choice from an empty list');
    return list[this.integer(list.length)]!;
  }

  /** Standard normal (Box-Muller, two uniforms a draw). */
  normal(): number {
    const u = 1 - this.uniform();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(list: readonly T[]): T[] {
    const copy = [...list];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [copy[i], copy[j]] = [copy[j]!, copy[i]!];
    }
    return copy;
  }
}
