import type { Tensor2D } from '@tensorflow/tfjs';
import { decoderLayer, layerWeights } from './decoder.js';
import type { GenerateRequest } from './generate.js';
import { KeyValueCache, lastTokens, paddingMask, TAIL } from './key-value-cache.js';
import { layOutVision, visionIndex } from './media.js';
import { signedSine } from './ops.js';
import type { Policy } from './policy.js';
import { mropePositions, mropeTable } from './positions.js';

/** What decoding starts from; the caller disposes of `cache` and `logits`. */
export interface Prefilled {
  readonly cache: KeyValueCache;
  /** [sequences, vocabulary]: after each prompt's last token. */
  readonly logits: Tensor2D;
  /** Per sequence, the position of its first token. */
  readonly next: number[];
}

/** Reads every distinct prompt once and spreads its cache over the sequences that share it. */
export function prefill(
  policy: Policy,
  {
    prompts,
    vision,
    media = [],
    shows: given,
  }: Pick<GenerateRequest, 'prompts' | 'vision' | 'media' | 'shows'>,
): Prefilled {
  const { config } = policy;
  const { tf } = policy.backend;
  const shows = given ?? prompts.map((_, sequence) => (media.length === 0 ? [] : [sequence]));
  const { firsts, owner } = distinct(prompts, shows);
  const rows = firsts.length;
  const lengths = firsts.map((sequence) => prompts[sequence]!.length);
  // A multiple of the tail's length, so that prompts of many lengths share few decoding graphs.
  const length = Math.ceil(Math.max(...lengths) / TAIL) * TAIL;
  const layout = layOutVision(media, config.vision.spatialMergeSize);
  const ids = new Int32Array(rows * length).fill(config.tokens.pad);
  const index = new Int32Array(rows * length).fill(-1);
  const cos = new Float32Array(rows * length * config.headDim);
  const sin = new Float32Array(rows * length * config.headDim);
  const next = firsts.map((sequence, row) => {
    const prompt = prompts[sequence]!;
    const own = shows[sequence]!;
    ids.set(prompt, row * length);
    index.set(visionIndex(config, prompt, media, own, layout), row * length);
    const at = mropePositions(
      prompt,
      config,
      own.map((which) => media[which]!),
    );
    const table = mropeTable(config, at.positions);
    cos.set(table.cos, row * length * config.headDim);
    sin.set(table.sin, row * length * config.headDim);
    return at.next;
  });
  const cache = new KeyValueCache(tf, paddingMask(tf, lengths, length));
  const logits = tf.tidy(() => {
    const shape: [number, number, number, number] = [rows, 1, length, config.headDim];
    const rotary = {
      cos: tf.tensor4d(cos, shape),
      signedSin: tf.tensor4d(signedSine(sin, config.headDim), shape),
    };
    const reader = policy.reader();
    let x = policy.embed(tf.tensor1d(ids, 'int32'), vision, tf.tensor1d(index, 'int32'));
    for (let layer = 0; layer < config.layers; layer++) {
      const input = x;
      x = tf.tidy(() => {
        const out = decoderLayer(tf, config, layerWeights(reader, layer), input, rows, rotary);
        cache.addLayer(out.k, out.v);
        return out.x;
      });
    }
    const last = policy.head(lastTokens(tf, x, lengths, length));
    return rows === prompts.length ? last : tf.gather(last, tf.tensor1d(Int32Array.from(owner), 'int32'));
  });
  if (rows !== prompts.length) cache.select(owner);
  return { cache, logits, next: owner.map((row) => next[row]!) };
}

/** The first sequence of every distinct prompt with its media, and which of them each sequence repeats. */
function distinct(
  prompts: readonly (readonly number[])[],
  shows: readonly (readonly number[])[],
): { firsts: number[]; owner: number[] } {
  const rowOf = new Map<string, number>();
  const firsts: number[] = [];
  const owner = prompts.map((prompt, sequence) => {
    const key = `${shows[sequence]!.join(',')}:${prompt.join(',')}`;
    const known = rowOf.get(key);
    if (known !== undefined) return known;
    rowOf.set(key, firsts.length);
    return firsts.push(sequence) - 1;
  });
  return { firsts, owner };
}
