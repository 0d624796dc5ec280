import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';

/** New tokens are appended to a short tail; the tail joins the long part after this many. */
const BLOCK = 32;

/** Keys or values [rows, heads, tokens, dim] in two pieces, so that a new token does not copy the whole cache. */
interface Pieces {
  head: Tensor4D;
  tail: Tensor4D | null;
}

/**
 * Keys and values of every decoder layer for the sequences that are still running. Owns its tensors; methods that
 * replace them dispose of the old ones.
 */
export class KeyValueCache {
  #layers: { k: Pieces; v: Pieces }[] = [];

  constructor(
    private readonly tf: TensorFlow,
    /** [rows, 1, tokens of the head] or null: what hides the padding of shorter prompts. */
    private hidden: Tensor | null,
  ) {}

  /** Takes over a layer's keys and values of the prompts. */
  addLayer(k: Tensor4D, v: Tensor4D): void {
    this.#layers.push({ k: { head: this.tf.keep(k), tail: null }, v: { head: this.tf.keep(v), tail: null } });
  }

  /**
   * Attention of one new token per row: appends its keys and values, then softmax(Q K^T) V over all.
   *
   * @param q [rows, keyValueHeads, groups, dim], scaled; @param k, v [rows, keyValueHeads, 1, dim]
   * @returns as q
   */
  attend(layer: number, q: Tensor4D, k: Tensor4D, v: Tensor4D): Tensor4D {
    const { tf } = this;
    const cached = this.#layers[layer]!;
    this.#append(cached.k, k);
    this.#append(cached.v, v);
    const long = tf.matMul<Tensor4D>(q, cached.k.head, false, true);
    const shown = this.hidden === null ? long : tf.add<Tensor4D>(long, tf.expandDims(this.hidden, 1));
    const split = cached.k.head.shape[2];
    const scores = tf.concat([shown, tf.matMul<Tensor4D>(q, cached.k.tail!, false, true)], -1);
    const [a, b] = tf.split(tf.softmax(scores), [split, scores.shape[3] - split], -1);
    return tf.add(tf.matMul(a!, cached.v.head), tf.matMul(b!, cached.v.tail!));
  }

  /** Joins the tails when a block is full; true when it did. */
  joinFullBlock(): boolean {
    const { tf } = this;
    if ((this.#layers[0]?.k.tail?.shape[2] ?? 0) < BLOCK) return false;
    for (const { k, v } of this.#layers) {
      for (const pieces of [k, v]) {
        const joined = tf.keep(tf.concat([pieces.head, pieces.tail!], 2));
        tf.dispose([pieces.head, pieces.tail!]);
        pieces.head = joined;
        pieces.tail = null;
      }
    }
    if (this.hidden !== null) {
      const [rows, one] = this.hidden.shape as [number, number, number];
      const padding = tf.zeros([rows, one, BLOCK]);
      this.#replaceHidden(tf.concat([this.hidden, padding], -1));
      padding.dispose();
    }
    return true;
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
        if (pieces.tail !== null) pieces.tail = move(pieces.tail);
      }
    }
    if (this.hidden !== null) this.hidden = move(this.hidden);
    index.dispose();
  }

  dispose(): void {
    for (const { k, v } of this.#layers) {
      for (const { head, tail } of [k, v]) {
        head.dispose();
        tail?.dispose();
      }
    }
    this.#layers = [];
    this.hidden?.dispose();
    this.hidden = null;
  }

  #append(pieces: Pieces, added: Tensor4D): void {
    const { tf } = this;
    const tail = tf.keep(pieces.tail === null ? tf.clone(added) : tf.concat([pieces.tail, added], 2));
    pieces.tail?.dispose();
    pieces.tail = tail;
  }

  #replaceHidden(next: Tensor): void {
    this.hidden?.dispose();
    this.hidden = this.tf.keep(next);
  }
}

/** [rows, 1, length]: 0 on a prompt's tokens, a large negative number on its padding; null when none is padded. */
export function paddingMask(tf: TensorFlow, lengths: readonly number[], length: number): Tensor | null {
  if (lengths.every((own) => own === length)) return null;
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
