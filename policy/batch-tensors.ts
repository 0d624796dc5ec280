import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import type { Backend } from './backend.js';
import type { PolicyBatch } from './batch.js';
import type { PolicyConfig } from './config.js';
import { signedSine } from './ops.js';
import { mropeTable } from './positions.js';

/**
 * A batch on the device. All that a forward pass depends on is in these tensors and their shapes, so a compiled step
 * can take them as its inputs.
 */
export type BatchTensors = {
  /** int32 [rows, length] */
  readonly ids: Tensor2D;
  /** int32 [rows, length]: row of the vision tensor, -1 for text */
  readonly visionIndex: Tensor2D;
  /** [length, headDim], or [rows, 1, length, headDim] where rows differ in their positions */
  readonly cos: Tensor;
  /** As `cos`, the first half of every head negated. */
  readonly signedSin: Tensor;
  /** int32 [rows, predicted] */
  readonly targets: Tensor2D;
  /** [rows, predicted] */
  readonly mask: Tensor2D;
  /** int32 [rows, length]: which sequence of its row a token belongs to; absent when no row is packed. */
  readonly sequenceIds?: Tensor2D;
};

/** Puts a batch on the device; the caller disposes of the tensors. */
export function batchTensors({ tf }: Backend, config: PolicyConfig, batch: PolicyBatch): BatchTensors {
  const { rows, length, predicted, positions, positionsAgree, sequenceIds } = batch;
  const axes = [0, 1, 2].map((axis) => axis * rows * length);
  const shared = Int32Array.from(axes.flatMap((start) => [...positions.subarray(start, start + length)]));
  const table = mropeTable(config, positionsAgree ? shared : positions);
  const shape = positionsAgree ? [length, config.headDim] : [rows, 1, length, config.headDim];
  return {
    ids: tf.tensor2d(batch.ids, [rows, length], 'int32'),
    visionIndex: tf.tensor2d(batch.visionIndex, [rows, length], 'int32'),
    cos: tf.tensor(table.cos, shape),
    signedSin: tf.tensor(signedSine(table.sin, config.headDim), shape),
    targets: tf.tensor2d(batch.targets, [rows, predicted], 'int32'),
    mask: tf.tensor2d(batch.mask, [rows, predicted]),
    ...(sequenceIds === null ? {} : { sequenceIds: tf.tensor2d(sequenceIds, [rows, length], 'int32') }),
  };
}
