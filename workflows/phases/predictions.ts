import type { StageRef } from '../../activities/contract.js';
import type { Split } from '../../config/dataset.js';
import { answering, control } from '../activities.js';
import type { PhaseInput, PhaseResult } from '../contract.js';
import { lookup, PhaseTable, requestOf, withShardOutcome } from '../phase.js';
import { answerShardSize, overShards, shardsOf } from '../shards.js';

/** Every checkpoint answers the held-out split, shard by shard. */
export async function predictionsPhase(input: PhaseInput): Promise<PhaseResult> {
  const { samples, frames } = input.inputs as { samples: string; frames: string };
  const checkpoints = Object.entries(input.checkpoints ?? {});
  const whole = { samples, frames, ...input.checkpoints };
  const known = await lookup('predictions', requestOf(input, whole));
  if (known !== null) return { ok: true, stages: { predictions: known } };

  const [split, count] = Object.entries(input.counts)[0] as [Split, number];
  const shards = shardsOf(split, count, answerShardSize(count));
  const jobs = checkpoints.flatMap(([name, checkpoint]) =>
    shards.map((shard) => ({ name, checkpoint, shard })),
  );
  const table = new PhaseTable();
  table.expect('predictions', jobs.length);
  const answered = await overShards(jobs, ({ name, checkpoint, shard }) =>
    table.attempt('predictions', shard, () =>
      answering.predictions(
        requestOf(input, { samples, frames, checkpoint }, shard, { use: { checkpoint: name } }),
      ),
    ),
  );
  if (table.failures.length > 0) return { ok: false, failures: table.failures };
  const refs = answered.filter((ref): ref is StageRef => ref !== null);
  const predictions = await control.predictions(
    requestOf(input, whole, null, { shards: refs.map((ref) => ref.key) }),
  );
  return { ok: true, stages: { predictions: withShardOutcome(predictions, refs) } };
}
