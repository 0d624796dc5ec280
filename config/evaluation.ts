import { z } from 'zod';
import { splits } from './dataset.js';
import { samplingConfig } from './training.js';

/** Stages that end in a checkpoint, in pipeline order. */
export const checkpointStages = ['sft', 'reflection-sft', 'grpo'] as const;
export type CheckpointStage = (typeof checkpointStages)[number];

export const EvaluationConfig = z.strictObject({
  checkpoints: z
    .array(z.enum(checkpointStages))
    .min(1)
    .default([...checkpointStages])
    .describe('which checkpoints answer the benchmark'),
  split: z.enum(splits).default('test').describe('held-out split that is answered: `test` or `val`'),
  sampling: samplingConfig({ temperature: 0 }).prefault({}).describe('how answers are drawn'),
  bootstrapResamples: z.int().min(100).default(2000).describe('resamples over videos behind every interval'),
  confidence: z.number().gt(0.5).lt(1).default(0.95).describe('coverage of the intervals'),
});
export type EvaluationConfig = z.infer<typeof EvaluationConfig>;
