import { toJsonl } from '../../core/jsonl.js';
import { Draft } from '../../datasets/target.js';
import { answerKeyInputs, answerShard } from '../answers.js';
import { baseKey } from '../model-key.js';
import { mergeShards } from '../shards.js';
import type { Stage } from '../stage.js';

/** First answers of the SFT policy on the splits `reflect` and `val`, written without the label: -> drafts. */
export const drafts: Stage = {
  name: 'drafts',
  version: 4,
  queue: 'gpu',
  job: 'training/answer',
  seed: 'train',
  params: ({ config, prompts }) => ({
    draftsPerSample: config.reflection.draftsPerSample,
    sampling: config.reflection.sampling,
    frames: config.frames,
    prompt: prompts.verdict,
    ...baseKey(config.model),
  }),
  keyInputs: (context) =>
    context.request.shard === null
      ? Promise.resolve({ ...context.request.inputs })
      : answerKeyInputs(context),
  run: async (context) => {
    if (context.request.shard === null)
      return mergeShards(context.services.store, 'drafts', context.request, ['drafts']);
    const { reflection } = context.config.config;
    const answers = await answerShard(context, {
      sampling: reflection.sampling,
      prompt: 'verdict',
      completionsPerSample: reflection.draftsPerSample,
      purpose: 'drafts',
    });
    const rows = answers.map((answer) =>
      Draft.parse({
        sampleId: answer.sampleId,
        draft: answer.completion,
        text: answer.text,
        finish: answer.finish,
        checkpoint: context.input('checkpoint'),
        seed: context.seed,
      }),
    );
    return {
      outputs: { drafts: { text: toJsonl(rows), mediaType: 'application/jsonl' } },
      metrics: { drafts: rows.length, truncated: rows.filter((row) => row.finish === 'length').length },
    };
  },
};
