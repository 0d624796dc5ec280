import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { TerminalError } from '../core/errors.js';
import { uniformAt, type RandomKey } from '../core/random.js';
import { Decoding, decodeWeights, rowBucket } from './decode-step.js';
import { decoderLayer, decoderRotary, layerWeights, type LayerWeights } from './decoder.js';
import { KeyValueCache, lastTokens, paddingMask, TAIL } from './key-value-cache.js';
import { signedSine } from './ops.js';
import type { Policy } from './policy.js';
import { mropePositions, mropeTable } from './positions.js';
import type { Grid } from './processor.js';
import { sample } from './sampling.js';

export interface GenerateRequest {
  /** One per sequence; sequences with equal prompt and video share its prefill. */
  readonly prompts: readonly (readonly number[])[];
  /** [videos, tokens, hidden], or null for text alone. */
  readonly vision: Tensor3D | null;
  /** The videos' grid; needed with `vision`. */
  readonly grid?: Grid;
  /** Which video each sequence shows; 0, 1, 2, ... when absent. */
  readonly visionRow?: readonly number[];
  /** One per sequence; token i of a sequence is drawn at position i of its stream. Unused when greedy. */
  readonly keys?: readonly RandomKey[];
  /** 0 is greedy (the default). */
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxTokens: number;
  /** Ends a sequence beside the end of the turn: more stop tokens, or a look at the ids so far. */
  readonly stop?: readonly number[] | ((ids: readonly number[], sequence: number) => boolean);
  readonly onToken?: (sequence: number, id: number) => void;
}

export interface Generated {
  /** Per sequence, with the token that ended it. */
  readonly ids: number[][];
  readonly finish: ('stop' | 'length')[];
}

/**
 * Samples completions. Prompts are read once each; finished sequences leave the batch every 32 tokens; the event loop
 * runs between tokens. Equal requests give equal results; a sequence alone and in a batch may differ where two tokens
 * are within rounding of each other.
 *
 * @throws TerminalError `policy.bad-request` when counts disagree
 */
export async function generate(policy: Policy, request: GenerateRequest): Promise<Generated> {
  const { temperature = 0, topP = 1, maxTokens, stop = [] } = request;
  check(policy, request);
  const { tf } = policy.backend;
  const count = request.prompts.length;
  const ids: number[][] = Array.from({ length: count }, () => []);
  const finish: ('stop' | 'length')[] = new Array<'length'>(count).fill('length');
  if (count === 0 || maxTokens === 0) return { ids, finish };

  const rule = { temperature, topP };
  // The joined matrices are made once for all steps; the rest are the policy's own variables.
  const layers = Array.from({ length: policy.config.layers }, (_, at) =>
    layerWeights(tf, policy.parameter, at),
  );
  const weights = decodeWeights(policy, layers);
  const decoding = new Decoding(policy, rule);
  const { cache, logits, next } = prefill(policy, layers, request);
  const done = new Array<boolean>(count).fill(false);
  const draws = (sequences: readonly number[], step: number): number[] =>
    sequences.map((at) => (temperature === 0 ? 0 : uniformAt(request.keys![at]!, step)));
  /** The sequence of each row. Finished ones stay until the next fixed point, and the first fills up the batch. */
  let rows = fill([...request.prompts.keys()]);
  if (rows.length > count) cache.select(rows);
  let drawn = tf.tidy(() => {
    const uniforms = tf.tensor2d(Float32Array.from(draws(rows.slice(0, count), 0)), [count, 1]);
    return [...sample(tf, logits, uniforms, rule).dataSync()];
  });
  drawn = rows.map((sequence) => drawn[sequence]!);
  logits.dispose();
  try {
    for (let step = 0; ; step++) {
      const seen = new Set<number>();
      rows.forEach((sequence, row) => {
        if (done[sequence] || seen.has(sequence)) return;
        seen.add(sequence);
        const id = drawn[row]!;
        ids[sequence]!.push(id);
        request.onToken?.(sequence, id);
        const isStop = typeof stop === 'function' ? stop(ids[sequence]!, sequence) : stop.includes(id);
        if (id === policy.config.tokens.eos || isStop) {
          done[sequence] = true;
          finish[sequence] = 'stop';
        }
      });
      if (step + 1 === maxTokens || done.every(Boolean)) break;
      if (cache.isTailFull) {
        cache.joinTail();
        const running = [...seen].filter((sequence) => !done[sequence]);
        if (rowBucket(running.length) < rows.length) {
          const kept = fill(running).map((sequence) => rows.indexOf(sequence));
          cache.select(kept);
          drawn = kept.map((row) => drawn[row]!);
          rows = kept.map((row) => rows[row]!);
        }
      }
      const positions = rows.map((sequence) => next[sequence]! + step);
      const tokens = decoding.next(weights, cache, drawn, positions, draws(rows, step + 1));
      drawn = [...tokens.dataSync()];
      tokens.dispose();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  } finally {
    cache.dispose();
    for (const { keyValue, keyValueBias } of layers) tf.dispose([keyValue, keyValueBias]);
  }
  return { ids, finish };
}

/** Repeats the first sequence until the batch has a size that decoding is compiled for. */
function fill(sequences: readonly number[]): number[] {
  const padding = rowBucket(sequences.length) - sequences.length;
  return [...sequences, ...new Array<number>(padding).fill(sequences[0]!)];
}

function check(
  { config }: Policy,
  { prompts, vision, grid, visionRow, keys, temperature = 0 }: GenerateRequest,
): void {
  const bad = (message: string) => new TerminalError('policy.bad-request', message);
  if (visionRow !== undefined && visionRow.length !== prompts.length) {
    throw bad(`${prompts.length} prompts but ${visionRow.length} vision rows`);
  }
  if (temperature < 0 || !Number.isFinite(temperature)) throw bad(`a temperature of ${temperature}`);
  if (temperature > 0 && keys?.length !== prompts.length) {
    throw bad(`${prompts.length} prompts but ${keys?.length ?? 0} random keys`);
  }
  if (prompts.some((prompt) => prompt.length === 0)) throw bad('an empty prompt');
  if (vision !== null && grid === undefined) throw bad('videos without their grid');
  if (vision === null && prompts.some((prompt) => prompt.includes(config.tokens.video))) {
    throw bad('prompts with video placeholders but no videos');
  }
}

/** Reads every distinct prompt once and spreads its cache over the sequences that share it. */
function prefill(
  policy: Policy,
  weights: readonly LayerWeights[],
  { prompts, vision, grid, visionRow }: GenerateRequest,
): { cache: KeyValueCache; logits: Tensor2D; next: number[] } {
  const { config } = policy;
  const { tf } = policy.backend;
  const rowOf = new Map<string, number>();
  const firsts: number[] = [];
  const owner = prompts.map((prompt, sequence) => {
    const key = `${visionRow?.[sequence] ?? sequence}:${prompt.join(',')}`;
    const known = rowOf.get(key);
    if (known !== undefined) return known;
    rowOf.set(key, firsts.length);
    return firsts.push(sequence) - 1;
  });
  const rows = firsts.length;
  // A multiple of the tail's length, so that prompts of many lengths share few decoding graphs.
  const length = Math.ceil(Math.max(...firsts.map((sequence) => prompts[sequence]!.length)) / TAIL) * TAIL;
  const lengths = firsts.map((sequence) => prompts[sequence]!.length);
  const ids = new Int32Array(rows * length).fill(config.tokens.pad);
  const index = new Int32Array(rows * length).fill(-1);
  const table = {
    cos: new Float32Array(rows * length * config.headDim),
    sin: new Float32Array(rows * length * config.headDim),
  };
  const next = firsts.map((sequence, row) => {
    const prompt = prompts[sequence]!;
    ids.set(prompt, row * length);
    let seen = (visionRow?.[sequence] ?? sequence) * (vision?.shape[1] ?? 0);
    prompt.forEach((id, i) => {
      if (id === config.tokens.video) index[row * length + i] = seen++;
    });
    const at = mropePositions(prompt, config, {
      videos: prompt.includes(config.tokens.video) ? [grid!] : [],
    });
    const own = mropeTable(config, at.positions);
    table.cos.set(own.cos, row * length * config.headDim);
    table.sin.set(own.sin, row * length * config.headDim);
    return at.next;
  });
  const cache = new KeyValueCache(tf, paddingMask(tf, lengths, length));
  const logits = tf.tidy(() => {
    const shape: [number, number, number, number] = [rows, 1, length, config.headDim];
    const rotaries = decoderRotary(
      tf,
      config,
      tf.tensor4d(table.cos, shape),
      tf.tensor4d(signedSine(table.sin, config.headDim), shape),
    );
    let x = policy.embed(tf.tensor1d(ids, 'int32'), vision, tf.tensor1d(index, 'int32'));
    for (const layer of weights) {
      const out = decoderLayer(tf, config, layer, x, rows, rotaries);
      cache.addLayer(out.k, out.v);
      x = out.x;
    }
    const last = policy.head(lastTokens(tf, x, lengths, length));
    return rows === prompts.length ? last : tf.gather(last, tf.tensor1d(Int32Array.from(owner), 'int32'));
  });
  if (rows !== prompts.length) cache.select(owner);
  return { cache, logits, next: owner.map((row) => next[row]!) };
}
