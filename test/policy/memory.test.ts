import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Tensor2D } from '@tensorflow/tfjs';
import { deriveKey, uniformAt } from '../../core/random.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { generate } from '../../policy/generate.js';
import { Policy } from '../../policy/policy.js';
import { tinyConfig, tinyMedia, tinyPrompt, tinySegments } from './tiny.js';

vi.setConfig({ testTimeout: 240_000 });

let backend: Backend;
let policy: Policy;
let vision: Tensor2D;
const media = tinyMedia(2);
beforeAll(async () => {
  backend = await loadBackend();
  policy = Policy.initialise(backend, tinyConfig, deriveKey(4, 'memory'));
  const patches = Float32Array.from({ length: 64 * 24 }, (_, i) => uniformAt([1, 2], i) * 2 - 1);
  vision = policy.vision(backend.tf.tensor2d(patches, [64, 24]), tinySegments(2));
});
afterAll(() => policy.dispose());

// Three rows decode eagerly, ten as a graph.
it.each([3, 10])('200 generations of %i sequences leave no tensor behind', async (rows) => {
  const { tf } = backend;
  const prompts = Array.from({ length: rows }, (_, i) =>
    tinyPrompt(8 + (i % 4), ...(i % 3 === 0 ? [9] : [])),
  );
  const shows = prompts.map((_, i) => [i % 2]);
  const once = (round: number) =>
    generate(policy, {
      prompts,
      vision,
      media,
      shows,
      keys: prompts.map((_, row) => deriveKey(5, round, row)),
      temperature: 1,
      topP: 0.9,
      // Every tenth one fills a cache block.
      maxTokens: round % 10 === 0 ? 40 : 4,
    });
  const first = await once(0);
  const before = tf.memory().numTensors;
  const bytes = backend.memory();
  for (let round = 1; round <= 200; round++) {
    const { ids } = await once(round);
    if (round % 50 !== 0) continue;
    expect(ids).not.toEqual(first.ids);
    expect(tf.memory().numTensors, `after ${round}`).toBe(before);
    expect(backend.memory(), `after ${round}`).toBe(bytes);
  }
});

it('a generation that fails leaves no tensor behind', async () => {
  const { tf } = backend;
  const request = { prompts: [tinyPrompt(8), tinyPrompt(9)], vision, media, maxTokens: 6 };
  await generate(policy, request);
  const before = tf.memory().numTensors;
  const onToken = (_: number, id: number) => {
    throw new Error(`no room for ${id}`);
  };
  await expect(generate(policy, { ...request, onToken })).rejects.toThrow(/no room/);
  expect(tf.memory().numTensors).toBe(before);
});
