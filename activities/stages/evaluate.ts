import { parseJsonl, toJsonl } from '../../core/jsonl.js';
import { shapeOf } from '../../datasets/completion-shape.js';
import { Prediction } from '../../datasets/target.js';
import { evaluate as measure } from '../../evaluation/evaluate.js';
import { readSamples } from '../shards.js';
import type { Stage } from '../stage.js';

/** Answers and truth -> metrics with intervals, and one row per sample. */
export const evaluate: Stage = {
  name: 'evaluate',
  version: 2,
  queue: 'media',
  seed: 'eval',
  params: ({ config }) => ({
    evaluation: config.evaluation,
    shapes: config.evaluation.checkpoints.map((checkpoint) => shapeOf(checkpoint, config)),
  }),
  run: async (context) => {
    const { config } = context.config;
    const { store } = context.services;
    const checkpoints = await Promise.all(
      config.evaluation.checkpoints.map(async (checkpoint) => ({
        checkpoint,
        shape: shapeOf(checkpoint, config),
        predictions: parseJsonl(
          await store.blobs.getText(context.input(checkpoint)),
          `predictions ${checkpoint}`,
        ).map((row) => Prediction.parse(row)),
      })),
    );
    const { result, perSample } = measure({
      samples: await readSamples(store, context.input('samples')),
      checkpoints,
      config: config.evaluation,
      seed: context.seed,
    });
    return {
      outputs: {
        evaluation: { text: JSON.stringify(result, null, 2) + '\n', mediaType: 'application/json' },
        'per-sample': { text: toJsonl(perSample), mediaType: 'application/jsonl' },
      },
      metrics: { videos: result.videos },
    };
  },
};
