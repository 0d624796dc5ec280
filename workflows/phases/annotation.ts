import type { Shard, StageRef } from '../../activities/contract.js';
import type { Split } from '../../config/dataset.js';
import { control, media } from '../activities.js';
import type { PhaseInput, PhaseResult } from '../contract.js';
import { lookup, PhaseTable, requestOf, withShardOutcome } from '../phase.js';
import { mediaShardSize, overShards, shardsOf } from '../shards.js';

/** These get captions and reasoning; `rl` has labels only, `test` never trains. */
const annotated: readonly Split[] = ['sft', 'reflect', 'val'];
const all: readonly Split[] = [...annotated, 'rl', 'test'];

/** Samples -> frames -> captions -> reasoning, each shard by itself. */
export async function annotationPhase(input: PhaseInput): Promise<PhaseResult> {
  const { samples } = input.inputs as { samples: string };
  const known = await reuse(input, samples);
  if (known !== null) return { ok: true, stages: known };

  const size = mediaShardSize(Object.values(input.counts).reduce((sum, n) => sum + n, 0));
  const shards = all.flatMap((split) => shardsOf(split, input.counts[split] ?? 0, size));
  const table = new PhaseTable();
  table.expect('frames', shards.length);
  for (const stage of ['captions', 'reasoning']) {
    table.expect(stage, shards.filter((shard) => annotated.includes(shard.split as Split)).length);
  }
  const chains = await overShards(shards, (shard) => annotate(input, samples, shard, table));
  if (table.failures.length > 0) return { ok: false, failures: table.failures };

  const of = (stage: keyof Chain): StageRef[] =>
    chains.flatMap((chain) => {
      const ref = chain[stage];
      return ref === null ? [] : [ref];
    });
  const merge = async (stage: keyof Chain, inputs: Record<string, string>): Promise<StageRef> => {
    const refs = of(stage);
    const shardKeys = refs.map((ref) => ref.key);
    return withShardOutcome(
      await control[stage](requestOf(input, inputs, null, { shards: shardKeys })),
      refs,
    );
  };
  const frames = await merge('frames', { samples });
  const captions = await merge('captions', { samples, frames: frames.outputs.frames! });
  const reasoning = await merge('reasoning', {
    samples,
    frames: frames.outputs.frames!,
    captions: captions.outputs.captions!,
  });
  return { ok: true, stages: { frames, captions, reasoning } };
}

interface Chain {
  readonly frames: StageRef | null;
  readonly captions: StageRef | null;
  readonly reasoning: StageRef | null;
}

async function annotate(input: PhaseInput, samples: string, shard: Shard, table: PhaseTable): Promise<Chain> {
  const frames = await table.attempt('frames', shard, () =>
    media.frames(requestOf(input, { samples }, shard)),
  );
  if (frames === null || !annotated.includes(shard.split as Split))
    return { frames, captions: null, reasoning: null };
  const seen = { samples, frames: frames.outputs.frames! };
  const captions = await table.attempt('captions', shard, () =>
    media.captions(requestOf(input, seen, shard)),
  );
  if (captions === null) return { frames, captions, reasoning: null };
  const told = { ...seen, captions: captions.outputs.captions! };
  const reasoning = await table.attempt('reasoning', shard, () =>
    media.reasoning(requestOf(input, told, shard)),
  );
  return { frames, captions, reasoning };
}

/** All three stages from the store, or null: then every shard looks itself up. */
async function reuse(input: PhaseInput, samples: string): Promise<Record<string, StageRef> | null> {
  const frames = await lookup('frames', requestOf(input, { samples }));
  if (frames === null) return null;
  const seen = { samples, frames: frames.outputs.frames! };
  const captions = await lookup('captions', requestOf(input, seen));
  if (captions === null) return null;
  const reasoning = await lookup(
    'reasoning',
    requestOf(input, { ...seen, captions: captions.outputs.captions! }),
  );
  return reasoning === null ? null : { frames, captions, reasoning };
}
