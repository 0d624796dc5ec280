import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { deriveKey, Random } from '../../core/random.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { prepareBatch, type PolicyBatch } from '../../policy/batch.js';
import { batchTensors } from '../../policy/batch-tensors.js';
import { compileStep } from '../../policy/compile.js';
import { layOutVision, type Media } from '../../policy/media.js';
import { tokenLogProbabilities } from '../../policy/ops.js';
import { Policy } from '../../policy/policy.js';
import { tinyConfig } from './tiny.js';

vi.setConfig({ testTimeout: 120_000 });

const { tokens, vocabSize } = tinyConfig;

interface Sequence {
  readonly prompt: readonly number[];
  readonly completion: readonly number[];
  readonly media: readonly (Media & { readonly patches: Float32Array })[];
}

/** Text, one video, an image and a video, or two videos, all of sizes and lengths of their own. */
function randomSequence(at: number): Sequence {
  const random = Random.from(11, 'batch-invariance', at);
  const side = () => 2 * (1 + random.integer(3));
  const words = (count: number) => Array.from({ length: count }, () => 7 + random.integer(vocabSize - 7));
  const kinds = [[], ['video'], ['image', 'video'], ['video', 'video']] as const;
  const media = kinds[at % 4]!.map((kind) => {
    const grid = { t: kind === 'image' ? 1 : 1 + random.integer(4), h: side(), w: side() };
    const patches = Float32Array.from({ length: grid.t * grid.h * grid.w * 24 }, () => random.normal());
    return { kind, grid, patches };
  });
  const shown = media.flatMap(({ kind, grid: { t, h, w } }) => [
    tokens.visionStart,
    ...new Array<number>((t * h * w) / 4).fill(kind === 'video' ? tokens.video : tokens.image),
    tokens.visionEnd,
  ]);
  return {
    prompt: [1, ...shown, ...words(1 + random.integer(8))],
    completion: words(1 + random.integer(24)),
    media,
  };
}

let backend: Backend;
let policy: Policy;
beforeAll(async () => {
  backend = await loadBackend();
  policy = Policy.initialise(backend, tinyConfig, deriveKey(2, 'batch-invariance'));
});
afterAll(() => policy.dispose());

/** Sequences as one batch, with the patches in the order in which the vision tower takes them. */
function together(sequences: readonly Sequence[]): { batch: PolicyBatch; patches: Tensor2D | null } {
  const media = sequences.flatMap((sequence) => sequence.media);
  let next = 0;
  const batch = prepareBatch(tinyConfig, {
    prompts: sequences.map(({ prompt }) => prompt),
    completions: sequences.map(({ completion }) => completion),
    media,
    shows: sequences.map((sequence) => sequence.media.map(() => next++)),
  });
  const values = layOutVision(media, 2).order.flatMap((at) => [...media[at]!.patches]);
  const rows = values.length / 24;
  return { batch, patches: rows === 0 ? null : backend.tf.tensor2d(values, [rows, 24]) };
}

/** Log-probabilities of every completion's tokens. */
async function scored(sequences: readonly Sequence[], isCompiled: boolean): Promise<number[][]> {
  const { tf } = backend;
  const { batch, patches } = together(sequences);
  const step = compileStep(isCompiled ? backend : { ...backend, name: 'plain-js' }, {
    state: policy.variables,
    step: (inputs, read) => {
      const pass = { parameter: read };
      const seen = inputs['patches'] as Tensor2D | undefined;
      const vision = seen === undefined ? null : policy.vision(seen, batch.layout.segments, pass);
      const logits = policy.logits(inputs as never, vision, pass);
      const logProbs = tokenLogProbabilities(backend, logits, inputs['targets']!);
      return { outputs: { logProbs }, updates: new Map() };
    },
  });
  expect(step.isCompiled).toBe(isCompiled);
  const inputs: Record<string, Tensor> = {
    ...batchTensors(backend, tinyConfig, batch),
    ...(patches === null ? {} : { patches }),
  };
  const { logProbs } = step.run(inputs);
  const values = await logProbs!.data();
  tf.dispose([inputs, logProbs!]);
  step.dispose();
  return sequences.map(({ prompt, completion }, row) => {
    const start = row * batch.predicted + prompt.length - batch.from;
    return [...values.subarray(start, start + completion.length)];
  });
}

it('a sequence has the same log-probabilities alone and in a batch of 32, eager and compiled', async () => {
  const sequences = Array.from({ length: 32 }, (_, at) => randomSequence(at));
  const lengths = sequences.map(({ prompt, completion }) => prompt.length + completion.length);
  expect(new Set(lengths).size).toBeGreaterThan(15);
  const eager = await scored(sequences, false);
  const compiled = await scored(sequences, true);
  let compared = 0;
  for (const [at, sequence] of sequences.entries()) {
    const alone = [await scored([sequence], false)];
    // Each compiles a graph of its own: a few are enough.
    if (at < 4) alone.push(await scored([sequence], true));
    for (const values of [eager, compiled]) {
      for (const [own] of alone) {
        for (const [i, value] of own!.entries()) {
          expect(Math.abs(value - values[at]![i]!), `sequence ${at}, token ${i}`).toBeLessThan(1e-4);
          compared++;
        }
      }
    }
  }
  expect(compared).toBeGreaterThan(500);
  // The tokens are not all equally likely, so that a row that was mixed up with another would show.
  expect(new Set(eager.flat().map((value) => value.toFixed(3))).size).toBeGreaterThan(200);
});
