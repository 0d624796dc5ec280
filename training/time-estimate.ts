import { trainedCheckpoints } from '../config/cross-checks.js';
import type { RunConfig } from '../config/schema.js';
import type { PolicyConfig } from '../policy/config.js';
import { parameterCounts, videoTokens } from './model-shape.js';
import { tuningOf } from './model-tuning.js';

/** How fast a device works: rough figures, good for telling minutes from days. */
export interface DeviceSpeed {
  /** Useful floating-point operations a second in training. */
  readonly flops: number;
  /** Bytes a second at which weights are read when one token is written. */
  readonly bandwidth: number;
  /** Seconds that one decode step takes whatever the model. */
  readonly stepSeconds: number;
}

/** Measured on two cores: 45 GFLOP/s in training steps of tiny models, 16 ms a decode step. */
export function cpuSpeed(cores: number): DeviceSpeed {
  return { flops: 22e9 * cores, bandwidth: 20e9, stepSeconds: 0.016 };
}

/** Not measured: float32 on a large accelerator at a fifth of its peak. */
export const gpuSpeed: DeviceSpeed = { flops: 12e12, bandwidth: 1.5e12, stepSeconds: 0.02 };

export interface StageTime {
  readonly stage: string;
  readonly seconds: number;
}

/** Answers written at once. */
const answersAtOnce = 64;
/**
 * Rough seconds of the stages that run on the device. `samples` per split, where known, adds the stages whose work grows
 * with the data.
 *
 * @param policy the shape of the model that is trained
 */
export function estimateTime(
  config: RunConfig,
  policy: PolicyConfig,
  speed: DeviceSpeed,
  samples?: Readonly<Record<'reflect' | 'test' | 'val', number>>,
): readonly StageTime[] {
  const counts = parameterCounts(policy);
  const { lora, recompute } = tuningOf(config.model);
  // In forward passes: one, as much again for the gradient of the inputs and for that of the weights, which an adapter
  // spares, and one more where layers are recomputed.
  const passes = 2 + (lora === null ? 1 : 0) + (recompute ? 1 : 0);
  const perVideo = videoTokens(config.frames);
  // A patch is seen by the vision tower, four of them make one token of the decoder.
  const forward = (completion: number): number =>
    2 * (counts.vision * 4 * perVideo + counts.text * (perVideo + completion));
  const train = (sequences: number, completion: number): number =>
    (passes * sequences * forward(completion)) / speed.flops;
  const write = (sequences: number, completion: number): number => {
    const reading = (4 * counts.text) / speed.bandwidth;
    const computing = (2 * counts.text * Math.min(sequences, answersAtOnce)) / speed.flops;
    const step = speed.stepSeconds + Math.max(reading, computing);
    return (sequences * forward(0)) / speed.flops + Math.ceil(sequences / answersAtOnce) * completion * step;
  };

  const { sft, reflection, grpo, evaluation } = config;
  const single = reflection.sampling.maxTokens;
  const warmup =
    config.model.kind === 'scratch'
      ? (6 * counts.vision * 4 * perVideo * sft.visionWarmup.steps * sft.visionWarmup.batchSize) / speed.flops
      : 0;
  const perGeneration = grpo.promptsPerStep * grpo.groupSize;
  const generations = grpo.epochs * grpo.stepsPerEpoch;
  const trains = trainedCheckpoints(config);
  const reflective = trains.includes('reflection-sft');
  const verified = grpo.preset === 'srvau-r1' || grpo.weights.verification === 0 ? 0 : 1;
  const times: StageTime[] = [
    { stage: 'sft', seconds: warmup + train(sft.steps * sft.batchSize, single) },
    ...(reflective && samples
      ? [
          {
            stage: 'drafts',
            seconds: write((samples.reflect + samples.val) * reflection.draftsPerSample, single),
          },
        ]
      : []),
    ...(reflective
      ? [
          {
            stage: 'reflection-sft',
            seconds: train(reflection.sft.steps * reflection.sft.batchSize, grpo.sampling.maxTokens),
          },
        ]
      : []),
    ...(trains.includes('grpo')
      ? [
          {
            stage: 'grpo',
            seconds:
              generations *
              (write(perGeneration, grpo.sampling.maxTokens) +
                verified * write(perGeneration, single) +
                grpo.updatesPerGeneration * train(perGeneration, grpo.sampling.maxTokens) +
                (perGeneration * forward(grpo.sampling.maxTokens)) / speed.flops),
          },
        ]
      : []),
    ...(samples
      ? [
          {
            stage: 'predictions',
            seconds:
              evaluation.checkpoints.length *
              write(samples[evaluation.split === 'val' ? 'val' : 'test'], evaluation.sampling.maxTokens),
          },
        ]
      : []),
  ];
  return times;
}
