import pLimit from 'p-limit';
import type { Json } from '../../core/canonical-json.js';
import { toJsonl } from '../../core/jsonl.js';
import type { CheckpointStage } from '../../config/evaluation.js';
import { promptFor, shapeOf } from '../../datasets/completion-shape.js';
import { Prediction } from '../../datasets/target.js';
import { answerKeyInputs, answerShard } from '../answers.js';
import { baseKey } from '../model-key.js';
import type { Output, Stage, StageContext, StageResult } from '../stage.js';

/** Answers of each checkpoint on the held-out split: -> one list per checkpoint. */
export const predictions: Stage = {
  name: 'predictions',
  version: 4,
  queue: 'gpu',
  job: 'training/answer',
  seed: 'eval',
  params: ({ config, prompts }, { use, shard }) =>
    ({
      sampling: config.evaluation.sampling,
      frames: config.frames,
      split: config.evaluation.split,
      ...baseKey(config.model),
      ...(shard === null
        ? {
            prompts,
            checkpoints: config.evaluation.checkpoints,
            shapes: config.evaluation.checkpoints.map((checkpoint) => shapeOf(checkpoint, config)),
          }
        : { prompt: prompts[promptFor(shapeOf(use.checkpoint as CheckpointStage, config))] }),
    }) as unknown as Json,
  keyInputs: (context) =>
    context.request.shard === null
      ? Promise.resolve({ ...context.request.inputs })
      : answerKeyInputs(context),
  run: async (context) => {
    if (context.request.shard === null) return mergeByCheckpoint(context);
    const { config } = context.config;
    const answers = await answerShard(context, {
      sampling: config.evaluation.sampling,
      prompt: promptFor(shapeOf(context.request.use.checkpoint as CheckpointStage, config)),
      completionsPerSample: 1,
      purpose: 'predictions',
    });
    const rows = answers.map(({ sampleId, text, finish, tokens }) =>
      Prediction.parse({ sampleId, text, finish, tokens }),
    );
    return {
      outputs: { predictions: { text: toJsonl(rows), mediaType: 'application/jsonl' } },
      metrics: { answers: rows.length, truncated: rows.filter((row) => row.finish === 'length').length },
    };
  },
};

/** Shards come checkpoint by checkpoint, each with its own checkpoint among its key's inputs. */
async function mergeByCheckpoint({ request, config, services }: StageContext): Promise<StageResult> {
  const outputs: Record<string, Output> = {};
  const metrics: Record<string, number> = {};
  const names = config.config.evaluation.checkpoints;
  const perCheckpoint = request.shards.length / names.length;
  const limit = pLimit(16);
  for (const [index, name] of names.entries()) {
    const keys = request.shards.slice(index * perCheckpoint, (index + 1) * perCheckpoint);
    const parts = await limit.map(keys, async (key) => {
      const manifest = await services.store.manifests.get('predictions', key);
      if (manifest.parts.inputs.checkpoint !== request.inputs[name])
        throw new Error(`shard ${key} is not of ${name}`);
      const text = await services.store.blobs.getText(manifest.outputs.predictions!.digest);
      return { text, truncated: manifest.metrics.truncated ?? 0 };
    });
    metrics[`${name}.truncated`] = parts.reduce((sum, { truncated }) => sum + truncated, 0);
    outputs[name] = { text: parts.map(({ text }) => text).join(''), mediaType: 'application/jsonl' };
  }
  return { outputs, metrics };
}
