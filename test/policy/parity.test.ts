import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { batchTensors } from '../../policy/batch-tensors.js';
import { generate, type Generated } from '../../policy/generate.js';
import { layOutVision } from '../../policy/media.js';
import { tokenLogProbabilities } from '../../policy/ops.js';
import { loadParityCase, relativeDifference, unpaddedLogits, type ParityCase } from './parity-case.js';

vi.setConfig({ testTimeout: 120_000 });

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend();
});

/** A gradient smaller than this is compared with it: it is rounding alone. */
const GRADIENT_FLOOR = 1e-7;
/** Where the two best tokens are closer than this, rounding may draw either. */
const SURE_MARGIN = 1e-3;

/** Compares generated rows with the reference up to the first unsure token; returns how many tokens that were. */
function compareGreedy(
  { wanted }: ParityCase,
  { ids, logProbs, finish }: Generated,
  rows: readonly number[],
): number {
  let compared = 0;
  for (const [at, row] of rows.entries()) {
    const unsure = wanted.margins[row]!.findIndex((margin) => margin <= SURE_MARGIN);
    const sure = unsure === -1 ? wanted.generated[row]!.length : unsure;
    expect(ids[at]!.length).toBe(64);
    expect(finish[at]).toBe('length');
    expect(ids[at]!.slice(0, sure), `row ${row}`).toEqual(wanted.generated[row]!.slice(0, sure));
    for (let i = 0; i < sure; i++) {
      const difference = Math.abs(logProbs[at]![i]! - wanted.logProbs[row]![i]!);
      expect(difference, `row ${row}, log-probability of token ${i}`).toBeLessThan(1e-4);
    }
    compared += sure;
  }
  return compared;
}

/** Embeddings of some of the media alone. */
function visionOf({ wanted, policy, patchesOf }: ParityCase, which: readonly number[]): Tensor2D {
  const media = which.map((at) => wanted.media[at]!);
  const patches = patchesOf(which);
  const seen = policy.vision(patches, layOutVision(media, policy.config.vision.spatialMergeSize).segments);
  patches.dispose();
  return seen;
}

describe.each([
  'grouped-tied',
  'partial-windows-untied',
  'odd-frames',
  'different-lengths',
  'different-sizes',
  'image-and-video',
  'two-videos',
])('parity with transformers: %s', (name) => {
  let loaded: ParityCase;
  beforeAll(async () => {
    loaded = await loadParityCase(backend, name);
  });
  afterAll(() => loaded.policy.dispose());

  it('gives the same positions', () => {
    const { wanted, batch } = loaded;
    const { rows, length, positions } = batch;
    for (const [row, axes] of wanted.positions.entries()) {
      for (const [axis, own] of axes.entries()) {
        const start = (axis * rows + row) * length;
        expect([...positions.subarray(start, start + own.length)], `row ${row}, axis ${axis}`).toEqual(own);
      }
    }
  });

  it('gives the same vision embeddings and logits', async () => {
    const { wanted, batch, policy, patchesOf, output } = loaded;
    const { tf } = backend;
    const { hiddenSize, vocabSize } = policy.config;
    const patches = patchesOf([...wanted.media.keys()]);
    const tensors = batchTensors(backend, policy.config, batch);
    const vision = policy.vision(patches, batch.layout.segments);
    const seen = await vision.data<'float32'>();
    for (const at of wanted.media.keys()) {
      const recorded = output(`vision.${at}`);
      const start = batch.layout.firstToken[at]! * hiddenSize;
      const own = seen.subarray(start, start + recorded.length);
      expect(relativeDifference(own, recorded), `medium ${at}`).toBeLessThan(1e-5);
    }
    const logits = policy.logits(tensors, vision);
    const own = unpaddedLogits(loaded, await logits.data<'float32'>(), vocabSize);
    expect(relativeDifference(own, output('logits'))).toBeLessThan(1e-4);
    tf.dispose([patches, tensors, vision, logits]);
  });

  it('gives the same loss and the gradient of every parameter', async () => {
    const { wanted, batch, policy, patchesOf, gradients } = loaded;
    const { tf } = backend;
    const patches = patchesOf([...wanted.media.keys()]);
    const tensors = batchTensors(backend, policy.config, batch);
    const names = [...policy.variables.keys()];
    expect([...gradients.keys()].sort()).toEqual([...names].sort());
    const loss = (...values: Tensor[]) => {
      const pass = { parameter: (parameter: string) => values[names.indexOf(parameter)]! };
      const seen = policy.vision(patches, batch.layout.segments, pass);
      const logits = policy.logits(tensors, seen, pass);
      const logProbs = tokenLogProbabilities(backend, logits, tensors.targets);
      return tf.neg<Scalar>(tf.div(tf.sum(tf.mul(logProbs, tensors.mask)), tf.sum(tensors.mask)));
    };
    const { value, grads } = tf.valueAndGrads(loss)([...policy.variables.values()]);
    expect(Math.abs((await value.data())[0]! - wanted.loss)).toBeLessThan(1e-5 * wanted.loss);
    for (const [i, parameter] of names.entries()) {
      const own = await grads[i]!.data();
      const reference = gradients.get(parameter)!;
      expect(own.length).toBe(reference.length);
      let difference = 0;
      let norm = 0;
      for (let j = 0; j < own.length; j++) {
        difference += (own[j]! - reference[j]!) ** 2;
        norm += reference[j]! ** 2;
      }
      const relative = Math.sqrt(difference) / Math.max(Math.sqrt(norm), GRADIENT_FLOOR);
      expect(relative, `gradient of ${parameter}`).toBeLessThanOrEqual(1e-3);
    }
    tf.dispose([value, grads, tensors, patches]);
  });

  it('draws the same 64 greedy tokens with the same log-probabilities, as one batch and each row alone', async () => {
    const { wanted, policy } = loaded;
    const { media, shows, prompts } = wanted;
    const vision = visionOf(loaded, [...media.keys()]);
    const together = await generate(policy, { prompts, vision, media, shows, maxTokens: 64 });
    const rows = [...prompts.keys()];
    const compared = compareGreedy(loaded, together, rows);
    // No recorded margin is unsure, so every token counts.
    expect(compared).toBe(64 * rows.length);
    vision.dispose();
    for (const row of rows) {
      const own = shows[row]!.map((at) => media[at]!);
      const seen = own.length === 0 ? null : visionOf(loaded, shows[row]!);
      const request = { prompts: [prompts[row]!], vision: seen, media: own, shows: [[...own.keys()]] };
      const alone = await generate(policy, { ...request, maxTokens: 64 });
      expect(compareGreedy(loaded, alone, [row])).toBe(64);
      seen?.dispose();
    }
  });

  // From eight rows on, decoding runs as a graph; fewer run eagerly.
  it('draws them in a batch of eight or more as well', async () => {
    const { wanted, policy } = loaded;
    const { media, shows, prompts } = wanted;
    const rows = Array.from({ length: 8 + prompts.length }, (_, at) => at % prompts.length);
    const vision = visionOf(loaded, [...media.keys()]);
    const many = await generate(policy, {
      prompts: rows.map((row) => prompts[row]!),
      vision,
      media,
      shows: rows.map((row) => shows[row]!),
      maxTokens: 64,
    });
    expect(compareGreedy(loaded, many, rows)).toBe(64 * rows.length);
    vision.dispose();
  });
});
