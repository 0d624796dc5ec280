import type { Tensor2D } from '@tensorflow/tfjs';
import { TerminalError } from '../core/errors.js';
import { uniformAt, type RandomKey } from '../core/random.js';
import { Decoding, draw, rowBucket, type Drawn } from './decode-step.js';
import { decodeWeights } from './decode-weights.js';
import type { Media } from './media.js';
import type { Policy } from './policy.js';
import { prefill } from './prefill.js';

export interface GenerateRequest {
  /** One per sequence; sequences with equal prompt and media share its prefill. */
  readonly prompts: readonly (readonly number[])[];
  /** [tokens, hidden] of `media`, as {@link Policy.vision} gives it; null for text alone. */
  readonly vision: Tensor2D | null;
  /** The media of the vision tensor. */
  readonly media?: readonly Media[];
  /** Which media each sequence shows, in the order in which they appear; sequence s shows medium s when absent. */
  readonly shows?: readonly (readonly number[])[];
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
  /** Log-probability of every token at the sampling temperature (1 when greedy), before top-p. */
  readonly logProbs: number[][];
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
  const logProbs: number[][] = Array.from({ length: count }, () => []);
  const finish: ('stop' | 'length')[] = new Array<'length'>(count).fill('length');
  if (count === 0 || maxTokens === 0) return { ids, finish, logProbs };

  const rule = { temperature, topP };
  const decoding = new Decoding(policy, rule);
  const { cache, logits, next } = prefill(policy, request);
  const weights = decodeWeights(policy);
  const done = new Array<boolean>(count).fill(false);
  const draws = (sequences: readonly number[], step: number): number[] =>
    sequences.map((at) => (temperature === 0 ? 0 : uniformAt(request.keys![at]!, step)));
  /** The sequence of each row. Finished ones stay until the next fixed point, and the first fills up the batch. */
  let rows = fill([...request.prompts.keys()]);
  try {
    if (rows.length > count) cache.select(rows);
    const first = tf.tidy(() => {
      const uniforms = tf.tensor2d(Float32Array.from(draws(rows.slice(0, count), 0)), [count, 1]);
      return draw(policy.backend, logits, uniforms, rule);
    });
    logits.dispose();
    let drawn = at(await fetch(policy, first), rows);
    for (let step = 0; ; step++) {
      const seen = new Set<number>();
      rows.forEach((sequence, row) => {
        if (done[sequence] || seen.has(sequence)) return;
        seen.add(sequence);
        const id = drawn.tokens[row]!;
        ids[sequence]!.push(id);
        logProbs[sequence]!.push(drawn.logProbs[row]!);
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
          drawn = at(drawn, kept);
          rows = kept.map((row) => rows[row]!);
        }
      }
      const positions = rows.map((sequence) => next[sequence]! + step);
      const uniforms = draws(rows, step + 1);
      drawn = await fetch(policy, decoding.next(weights, cache, drawn.tokens, positions, uniforms));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  } finally {
    cache.dispose();
    weights.dispose();
  }
  return { ids, finish, logProbs };
}

interface DrawnRows {
  readonly tokens: readonly number[];
  readonly logProbs: readonly number[];
}

/** Brings a draw to the host and frees it. */
async function fetch({ backend }: Policy, drawn: Drawn): Promise<DrawnRows> {
  const [tokens, logProbs] = await Promise.all([drawn.tokens.data(), drawn.logProbs.data()]);
  backend.tf.dispose(drawn);
  return { tokens: [...tokens], logProbs: [...logProbs] };
}

/** The given rows of a draw, in that order. */
const at = ({ tokens, logProbs }: DrawnRows, rows: readonly number[]): DrawnRows => ({
  tokens: rows.map((row) => tokens[row]!),
  logProbs: rows.map((row) => logProbs[row]!),
});

/** Repeats the first sequence until the batch has a size that decoding is compiled for. */
function fill(sequences: readonly number[]): number[] {
  const padding = rowBucket(sequences.length) - sequences.length;
  return [...sequences, ...new Array<number>(padding).fill(sequences[0]!)];
}

function check(
  { config }: Policy,
  { prompts, vision, media = [], shows, keys, temperature = 0 }: GenerateRequest,
): void {
  const bad = (message: string) => new TerminalError('policy.bad-request', message);
  if (shows !== undefined && shows.length !== prompts.length) {
    throw bad(`${prompts.length} prompts but ${shows.length} lists of what they show`);
  }
  if (temperature < 0 || !Number.isFinite(temperature)) throw bad(`a temperature of ${temperature}`);
  if (temperature > 0 && keys?.length !== prompts.length) {
    throw bad(`${prompts.length} prompts but ${keys?.length ?? 0} random keys`);
  }
  if (prompts.some((prompt) => prompt.length === 0)) throw bad('an empty prompt');
  if (vision !== null && media.length === 0) throw bad('videos without their grids');
  const isMedia = (id: number) => id === config.tokens.video || id === config.tokens.image;
  if (vision === null && prompts.some((prompt) => prompt.some(isMedia))) {
    throw bad('prompts with video placeholders but no videos');
  }
}
