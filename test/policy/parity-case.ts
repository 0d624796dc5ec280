import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor2D } from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../core/package-root.js';
import type { Backend } from '../../policy/backend.js';
import { prepareBatch, type PolicyBatch } from '../../policy/batch.js';
import { layOutVision, type Media } from '../../policy/media.js';
import { Policy } from '../../policy/policy.js';
import { patchify } from '../../policy/processor.js';
import { SafetensorsFile } from '../../policy/safetensors.js';

/** Outputs of transformers 4.57.6, see scripts/fixtures/policy_parity.py. */
export const policyFixtures = join(packageRoot, 'test/fixtures/policy');

export const GridFields = z.object({ t: z.number(), h: z.number(), w: z.number() });

/** A medium as the fixtures spell it. */
export const MediumFields = z
  .object({
    kind: z.enum(['video', 'image']),
    grid: GridFields,
    secondsPerGrid: z.number().optional(),
  })
  .transform(({ secondsPerGrid, ...rest }): Media =>
    secondsPerGrid === undefined ? rest : { ...rest, secondsPerGrid },
  );

const rows = z.array(z.array(z.number()));
const CaseFile = z.object({
  media: z.array(MediumFields),
  shows: rows,
  prompts: rows,
  completions: rows,
  /** Frames of each medium where the patches are the processor's; see {@link frameBytes}. */
  frames: z.array(z.object({ count: z.number(), height: z.number(), width: z.number() })).optional(),
  /** Per row, [3][tokens]. */
  positions: z.array(rows),
  loss: z.number(),
  generated: rows,
  logProbs: rows,
  /** Per row and generated token, the difference of the two largest logits. */
  margins: rows,
});

/** Byte i of the fixtures' frames. */
export const frameBytes = (count: number, height: number, width: number): Uint8Array =>
  Uint8Array.from({ length: count * height * width * 3 }, (_, i) => (i * 7919 + (i >> 8) * 104729) % 256);

/** A model of the fixtures on a backend, with one batch and what the reference makes of it. */
export interface ParityCase {
  readonly wanted: z.infer<typeof CaseFile>;
  readonly policy: Policy;
  readonly batch: PolicyBatch;
  /** Patches of some of the media, in the order in which the vision tower takes them. */
  readonly patchesOf: (media: readonly number[]) => Tensor2D;
  /** Recorded values of outputs.safetensors. */
  readonly output: (name: string) => Float32Array;
  /** By parameter. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** Loads a case; the caller disposes of the policy. */
export async function loadParityCase(backend: Backend, name: string): Promise<ParityCase> {
  const folder = join(policyFixtures, name);
  const wanted = CaseFile.parse(JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')));
  const policy = await Policy.load(backend, folder);
  const outputs = await readSafetensors(join(folder, 'outputs.safetensors'));
  const output = (key: string) => outputs.get(key)!;
  const { media, shows, prompts, completions } = wanted;
  const { vision } = policy.config;
  const patches = media.map((medium, at) => {
    const recorded = output(`patches.${at}`);
    const size = wanted.frames?.[at];
    if (size === undefined) return recorded;
    const own = patchify(frameBytes(size.count, size.height, size.width), size, vision);
    expect(own.grid).toEqual(medium.grid);
    expect(relativeDifference(own.patches, recorded)).toBeLessThan(1e-6);
    return own.patches;
  });
  const width = 3 * vision.temporalPatchSize * vision.patchSize ** 2;
  return {
    wanted,
    policy,
    batch: prepareBatch(policy.config, { prompts, completions, media, shows }),
    patchesOf: (which) => {
      const { order } = layOutVision(
        which.map((at) => media[at]!),
        vision.spatialMergeSize,
      );
      const values = order.flatMap((at) => [...patches[which[at]!]!]);
      return backend.tf.tensor2d(Float32Array.from(values), [values.length / width, width]);
    },
    output,
    gradients: await readSafetensors(join(folder, 'gradients.safetensors')),
  };
}

/** Every tensor of a safetensors file, as float32. */
export async function readSafetensors(path: string): Promise<Map<string, Float32Array>> {
  const file = await SafetensorsFile.open(path);
  const values = new Map<string, Float32Array>();
  for (const key of file.tensors.keys()) values.set(key, await file.read(key));
  await file.close();
  return values;
}

/** max |difference| / max |wanted| */
export function relativeDifference(got: ArrayLike<number>, wanted: Float32Array): number {
  expect(got.length).toBe(wanted.length);
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < wanted.length; i++) {
    difference = Math.max(difference, Math.abs(got[i]! - wanted[i]!));
    scale = Math.max(scale, Math.abs(wanted[i]!));
  }
  // NaN compares as neither larger nor smaller, and would pass for no difference.
  for (let i = 0; i < got.length; i++) if (Number.isNaN(got[i]!)) return NaN;
  return difference / scale;
}

/** The recorded part of logits [rows, predicted, vocabulary]: every row without its padding. */
export function unpaddedLogits(
  { wanted, batch }: ParityCase,
  logits: Float32Array,
  vocabulary: number,
): Float32Array {
  const parts = wanted.prompts.map((prompt, row) => {
    const start = row * batch.predicted;
    const tokens = prompt.length + wanted.completions[row]!.length - batch.from;
    return logits.subarray(start * vocabulary, (start + tokens) * vocabulary);
  });
  return Float32Array.from(parts.flatMap((part) => [...part]));
}
