import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Tensor2D } from '@tensorflow/tfjs';
import { deriveKey, uniformAt } from '../../core/random.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { prepareBatch } from '../../policy/batch.js';
import { generate } from '../../policy/generate.js';
import { tokenLogProbabilities } from '../../policy/ops.js';
import { batchTensors } from '../../policy/batch-tensors.js';
import { Policy } from '../../policy/policy.js';
import { sample } from '../../policy/sampling.js';
import { tinyConfig, tinyMedia, tinyPrompt, tinySegments } from './tiny.js';

let backend: Backend;
let policy: Policy;
let vision: Tensor2D;
const media = tinyMedia(2);

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  backend = await loadBackend();
  policy = Policy.initialise(backend, tinyConfig, deriveKey(3, 'policy'));
  const patches = Float32Array.from({ length: 2 * 32 * 24 }, (_, i) => uniformAt([1, 2], i) * 2 - 1);
  vision = policy.vision(backend.tf.tensor2d(patches, [64, 24]), tinySegments(2));
});
afterAll(() => policy.dispose());

/** Log-probabilities of whole completions from the training forward pass. */
async function scored(prompts: number[][], completions: number[][], shows: number[][]): Promise<number[][]> {
  const { tf } = backend;
  const batch = prepareBatch(tinyConfig, { prompts, completions, media, shows });
  const tensors = batchTensors(backend, tinyConfig, batch);
  const logits = policy.logits(tensors, vision);
  const logp = await tokenLogProbabilities(backend, logits, tensors.targets).data();
  tf.dispose([logits, ...Object.values(tensors)]);
  return prompts.map((prompt, row) =>
    [...logp.subarray(row * batch.predicted, (row + 1) * batch.predicted)].slice(
      prompt.length - batch.from,
      prompt.length - batch.from + completions[row]!.length,
    ),
  );
}

describe('generate', () => {
  it('takes the tokens that the training forward pass finds most likely, past several cache blocks', async () => {
    const prompts = [tinyPrompt(8), tinyPrompt(9, 10, 11)];
    const out = await generate(policy, { prompts, vision, media, maxTokens: 80, stop: [] });
    const { tf } = backend;
    const batch = prepareBatch(tinyConfig, { prompts, completions: out.ids, media });
    const tensors = batchTensors(backend, tinyConfig, batch);
    const best = await tf.argMax(policy.logits(tensors, vision), -1).data();
    for (const [row, ids] of out.ids.entries()) {
      expect(ids.length).toBeGreaterThan(40);
      const start = row * batch.predicted + prompts[row]!.length - batch.from;
      expect([...best.subarray(start, start + ids.length)]).toEqual(ids);
    }
  });

  it('decodes larger batches as a graph with the same text, while rows leave and prompts differ in length', async () => {
    const prompts = Array.from({ length: 18 }, (_, i) => tinyPrompt(8 + i, ...(i % 3 === 0 ? [9, 10] : [])));
    const shows = prompts.map((_, i) => [i % 2]);
    const stop = (ids: readonly number[], sequence: number) => sequence % 4 !== 0 && ids.length >= 30;
    const request = { prompts, vision, media, shows, maxTokens: 72, stop };
    const out = await generate(policy, request);
    expect(await generate(policy, request)).toEqual(out);
    expect(Math.max(...out.ids.map((ids) => ids.length))).toBeGreaterThan(64);
    const { tf } = backend;
    const batch = prepareBatch(tinyConfig, { prompts, completions: out.ids, media, shows });
    const tensors = batchTensors(backend, tinyConfig, batch);
    const logits = policy.logits(tensors, vision);
    const { values, indices } = tf.topk(logits, 2);
    const [top, best] = [await values.data(), await indices.data()];
    let compared = 0;
    for (const [row, ids] of out.ids.entries()) {
      for (const [i, id] of ids.entries()) {
        const at = 2 * (row * batch.predicted + prompts[row]!.length - batch.from + i);
        if (top[at]! - top[at + 1]! < 1e-4) continue;
        expect(id, `sequence ${row}, token ${i}`).toBe(best[at]);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(400);
    const tensorsBefore = tf.memory().numTensors;
    await generate(policy, request);
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('repeats itself, draws by key and shares a prefill without changing results', async () => {
    const prompts = Array.from({ length: 6 }, () => tinyPrompt(8, 12));
    const shows = [0, 0, 0, 1, 1, 1].map((at) => [at]);
    const keys = prompts.map((_, i) => deriveKey(5, 'draw', i));
    const request = { prompts, vision, media, shows, keys, temperature: 1, maxTokens: 40 };
    const first = await generate(policy, request);
    expect(await generate(policy, request)).toEqual(first);
    expect(new Set(first.ids.map(String)).size).toBe(6);
    const other = await generate(policy, { ...request, keys: [...keys].reverse() });
    expect(other.ids).not.toEqual(first.ids);
    // Alone, a sequence has the same log-probabilities as in its batch.
    const together = await scored(prompts, first.ids, shows);
    for (const row of [0, 4]) {
      const [alone] = await scored([prompts[row]!], [first.ids[row]!], [shows[row]!]);
      alone!.forEach((value, i) => expect(Math.abs(value - together[row]![i]!)).toBeLessThan(1e-4));
    }
  });

  it('draws each token at its uniform number from the scored distribution', async () => {
    const prompt = tinyPrompt(8, 12);
    const key = deriveKey(6, 'one');
    const out = await generate(policy, {
      ...{
        prompts: [prompt],
        vision,
        media,
        keys: [key],
        temperature: 0.7,
        maxTokens: 12,
        stop: [],
      },
    });
    const { tf } = backend;
    const tensors = batchTensors(
      backend,
      tinyConfig,
      prepareBatch(tinyConfig, { prompts: [prompt], completions: out.ids, media }),
    );
    const logits = policy.logits(tensors, vision);
    const probabilities = await tf.softmax(tf.div(logits, 0.7)).data();
    for (const [i, id] of out.ids[0]!.entries()) {
      const row = probabilities.subarray(i * tinyConfig.vocabSize, (i + 1) * tinyConfig.vocabSize);
      const below = Array.from(row.slice(0, id)).reduce((a, b) => a + b, 0);
      const u = uniformAt(key, i);
      expect(u).toBeGreaterThan(below - 1e-5);
      expect(u).toBeLessThan(below + row[id]! + 1e-5);
    }
  });

  it('stops at the end of the turn, at stop tokens and where a function says', async () => {
    const prompts = [tinyPrompt(8), tinyPrompt(9)];
    const base = { prompts, vision, media, maxTokens: 70 };
    const free = await generate(policy, base);
    const token = free.ids[0]![3]!;
    const at = free.ids[0]!.indexOf(token);
    const stopped = await generate(policy, { ...base, stop: [token] });
    expect(stopped.ids[0]).toEqual(free.ids[0]!.slice(0, at + 1));
    expect(stopped.finish[0]).toBe('stop');
    const seen: number[] = [];
    const byRule = await generate(policy, {
      ...base,
      stop: (ids, sequence) => sequence === 1 && ids.length === 2,
      onToken: (sequence) => seen.push(sequence),
    });
    expect(byRule.ids[1]).toEqual(free.ids[1]!.slice(0, 2));
    // The row that runs on is not disturbed when the other leaves the batch.
    expect(byRule.ids[0]).toEqual(free.ids[0]);
    expect(byRule.finish[1]).toBe('stop');
    expect(seen.filter((sequence) => sequence === 1).length).toBe(2);
    expect((await generate(policy, { ...base, maxTokens: 1 })).finish).toEqual(['length', 'length']);
    expect((await generate(policy, { ...base, maxTokens: 0 })).ids).toEqual([[], []]);
  });

  it('lets other work run between tokens', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await generate(policy, { prompts: [tinyPrompt(8)], vision, media, maxTokens: 60 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  it('keeps the number of tensors constant', async () => {
    const { tf } = backend;
    const request = { vision, media, temperature: 1, topP: 0.8, maxTokens: 40 };
    const prompts = [tinyPrompt(8), tinyPrompt(9, 10), tinyPrompt(8)];
    const once = (i: number) =>
      generate(policy, {
        ...request,
        prompts,
        shows: [[0], [1], [0]],
        keys: prompts.map((_, r) => deriveKey(i, r)),
      });
    await once(0);
    const before = tf.memory().numTensors;
    for (let i = 1; i < 20; i++) await once(i);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses requests that contradict themselves', async () => {
    const base = { prompts: [tinyPrompt(8)], vision, media, maxTokens: 4 };
    await expect(generate(policy, { ...base, temperature: 1 })).rejects.toThrow(/0 random keys/);
    await expect(generate(policy, { ...base, shows: [[0], [1]] })).rejects.toThrow(/2 lists/);
    await expect(generate(policy, { ...base, vision: null })).rejects.toThrow(/no videos/);
    await expect(generate(policy, { ...base, prompts: [[]] })).rejects.toThrow(/empty prompt/);
    await expect(generate(policy, { prompts: [tinyPrompt(8)], vision, maxTokens: 4 })).rejects.toThrow(
      /grids/,
    );
  });
});

describe('sample', () => {
  it('draws with the frequencies of the distribution and keeps to the top-p set', async () => {
    const { tf } = backend;
    const probabilities = [0.05, 0.5, 0.15, 0.3];
    const rows = 4000;
    const logits = tf.tile<Tensor2D>(tf.log(tf.tensor2d([probabilities])), [rows, 1]);
    const uniforms = tf.tensor2d(
      Float32Array.from({ length: rows }, (_, i) => uniformAt([7, 7], i)),
      [rows, 1],
    );
    const counts = async (topP: number) => {
      const drawn = await sample(tf, logits, uniforms, { temperature: 1, topP }).data();
      return probabilities.map((_, id) => drawn.filter((d) => d === id).length / rows);
    };
    (await counts(1)).forEach((share, id) =>
      expect(Math.abs(share - probabilities[id]!)).toBeLessThan(0.025),
    );
    const [a, b, c, d] = await counts(0.7);
    expect([a, c]).toEqual([0, 0]);
    expect(Math.abs(b! - 0.625)).toBeLessThan(0.025);
    expect(b! + d!).toBeCloseTo(1, 6);
    const greedy = await sample(tf, logits, uniforms, { temperature: 0, topP: 1 }).data();
    expect(new Set(greedy)).toEqual(new Set([1]));
  });
});
