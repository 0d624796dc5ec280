import type { StageRef } from '../../activities/contract.js';
import type { Split } from '../../config/dataset.js';
import { answering, control, media } from '../activities.js';
import type { PhaseInput, PhaseResult } from '../contract.js';
import { lookup, PhaseTable, requestOf, withShardOutcome } from '../phase.js';
import { answerShardSize, overShards, shardsOf } from '../shards.js';

/** `reflect` is learnt from, `val` gives the validation loss: shards of their own, so that neither changes the other's. */
const answered: readonly Split[] = ['reflect', 'val'];

/** Checkpoint and samples -> drafts -> reflections, each shard by itself. */
export async function reflectionPhase(input: PhaseInput): Promise<PhaseResult> {
  const drafting = await lookup('drafts', requestOf(input, draftInputs(input)));
  if (drafting !== null) {
    const reflecting = await lookup('reflections', requestOf(input, reflectionInputs(input, drafting)));
    if (reflecting !== null) return { ok: true, stages: { drafts: drafting, reflections: reflecting } };
  }
  const shards = answered.flatMap((split) => {
    const count = input.counts[split] ?? 0;
    return shardsOf(split, count, answerShardSize(count));
  });
  const table = new PhaseTable();
  table.expect('drafts', shards.length);
  table.expect('reflections', shards.length);
  const chains = await overShards(shards, async (shard) => {
    const drafts = await table.attempt('drafts', shard, () =>
      answering.drafts(requestOf(input, draftInputs(input), shard)),
    );
    if (drafts === null) return null;
    const reflections = await table.attempt('reflections', shard, () =>
      media.reflections(requestOf(input, reflectionInputs(input, drafts), shard)),
    );
    return reflections === null ? null : { drafts, reflections };
  });
  if (table.failures.length > 0) return { ok: false, failures: table.failures };
  const finished = chains.filter((chain) => chain !== null);
  const merge = async (
    stage: 'drafts' | 'reflections',
    inputs: Record<string, string>,
  ): Promise<StageRef> => {
    const refs = finished.map((chain) => chain[stage]);
    const shardKeys = refs.map((ref) => ref.key);
    return withShardOutcome(
      await control[stage](requestOf(input, inputs, null, { shards: shardKeys })),
      refs,
    );
  };
  const drafts = await merge('drafts', draftInputs(input));
  const reflections = await merge('reflections', reflectionInputs(input, drafts));
  return { ok: true, stages: { drafts, reflections } };
}

function draftInputs({ inputs }: PhaseInput): Record<string, string> {
  return { samples: inputs.samples!, frames: inputs.frames!, checkpoint: inputs.checkpoint! };
}

function reflectionInputs({ inputs }: PhaseInput, drafts: StageRef): Record<string, string> {
  return { samples: inputs.samples!, targets: inputs.targets!, drafts: drafts.outputs.drafts! };
}
