import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';

/** Tokens that are written into one tail before it joins the long part. */
export const TAIL = 32;

/** Keys or values of one layer: [rows, heads, tokens, dim] in two pieces, so that a new token copies only the short one. */
interface Pieces {
  head: Tensor4D;
  /** Always TAIL tokens long, zero where nothing is written yet: its shape does not change with every token. */
  tail: Tensor4D;
}

/**
 * Keys and values of every decoder layer for the sequences that are still running. Owns its tensors; methods that
 * replace them dispose of the old ones.
 */
export class KeyValueCache {
  readonly #layers: { readonly k: Pieces; readonly v: Pieces }[] = [];
  #written = 0;

  constructor(
    private readonly tf: TensorFlow,
    /** [rows, 1, tokens of the head], 0 on a prompt's tokens and a large negative number on its padding. */
    private hidden: Tensor,
  ) {}

  /** Takes over a layer's keys and values of the prompts. */
  addLayer(k: Tensor4D, v: Tensor4D): void {
    const pieces = (head: Tensor4D): Pieces => {
      const [rows, heads, , dim] = head.shape;
      return { head: this.tf.keep(head), tail: this.tf.keep(this.tf.zeros([rows, heads, TAIL, dim])) };
    };
    this.#layers.push({ k: pieces(k), v: pieces(v) });
  }

  /** The place in the tail that the next token takes. */
  get slot(): number {
    return this.#written;
  }

  get isTailFull(): boolean {
    return this.#written === TAIL;
  }

  /** Everything a decoding step reads, by the names that {@link decodeStep} uses. */
  inputs(): Record<string, Tensor> {
    const named: Record<string, Tensor> = { hidden: this.hidden };
    this.#layers.forEach(({ k, v }, layer) => {
      named[`k${layer}`] = k.head;
      named[`v${layer}`] = v.head;
      named[`kTail${layer}`] = k.tail;
      named[`vTail${layer}`] = v.tail;
    });
    return named;
  }

  /** Takes over the tails with one more token written. */
  advance(tails: Readonly<Record<string, Tensor>>): void {
    this.#layers.forEach(({ k, v }, layer) => {
      k.tail.dispose();
      v.tail.dispose();
      k.tail = tails[`kTail${layer}`] as Tensor4D;
      v.tail = tails[`vTail${layer}`] as Tensor4D;
    });
    this.#written++;
  }

  /** Moves a full tail into the long part. */
  joinTail(): void {
    const { tf } = this;
    for (const { k, v } of this.#layers) {
      for (const pieces of [k, v]) {
        const joined = tf.keep(tf.concat([pieces.head, pieces.tail], 2));
        const empty = tf.keep(tf.zerosLike(pieces.tail));
        tf.dispose([pieces.head, pieces.tail]);
        pieces.head = joined;
        pieces.tail = empty;
      }
    }
    const shown = tf.zeros([this.hidden.shape[0], 1, TAIL]);
    const joined = tf.keep(tf.concat([this.hidden, shown], -1));
    tf.dispose([this.hidden, shown]);
    this.hidden = joined;
    this.#written = 0;
  }

  /** Keeps the given rows, in that order; rows may repeat. */
  select(rows: readonly number[]): void {
    const { tf } = this;
    const index = tf.tensor1d(Int32Array.from(rows), 'int32');
    const move = <T extends Tensor>(tensor: T): T => {
      const moved = tf.keep(tf.gather(tensor, index));
      tensor.dispose();
      return moved;
    };
    for (const { k, v } of this.#layers) {
      for (const pieces of [k, v]) {
        pieces.head = move(pieces.head);
        pieces.tail = move(pieces.tail);
      }
    }
    this.hidden = move(this.hidden);
    index.dispose();
  }

  dispose(): void {
    for (const { k, v } of this.#layers) this.tf.dispose([k.head, k.tail, v.head, v.tail]);
    this.#layers.length = 0;
    this.hidden.dispose();
  }
}

/** [rows, 1, length] for the {@link KeyValueCache}: what hides the padding behind prompts of these lengths. */
export function paddingMask(tf: TensorFlow, lengths: readonly number[], length: number): Tensor {
  const mask = new Float32Array(lengths.length * length);
  lengths.forEach((own, row) => mask.fill(-1e9, row * length + own, (row + 1) * length));
  return tf.tensor3d(mask, [lengths.length, 1, length]);
}

/** The rows' last prompt tokens: x [rows * length, dim] to [rows, dim]. */
export function lastTokens(
  tf: TensorFlow,
  x: Tensor2D,
  lengths: readonly number[],
  length: number,
): Tensor2D {
  const at = Int32Array.from(lengths, (own, row) => row * length + own - 1);
  return tf.gather(x, tf.tensor1d(at, 'int32'));
}
