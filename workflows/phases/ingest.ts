import type { StageRef } from '../../activities/contract.js';
import { control, media } from '../activities.js';
import type { PhaseInput, PhaseResult } from '../contract.js';
import { lookup, PhaseTable, requestOf, withShardOutcome } from '../phase.js';
import { mediaShardSize, overShards, shardsOf } from '../shards.js';

/** Candidates -> probed shard by shard -> samples, rejects and splits. */
export async function ingestPhase(input: PhaseInput): Promise<PhaseResult> {
  const known = await lookup('ingest', requestOf(input, input.inputs));
  if (known !== null) return { ok: true, stages: { ingest: known } };

  const count = input.counts.all ?? 0;
  const shards = shardsOf('all', count, mediaShardSize(count));
  const table = new PhaseTable();
  table.expect('ingest', shards.length);
  const probed = await overShards(shards, (shard) =>
    table.attempt('ingest', shard, () => media.probe(requestOf(input, input.inputs, shard))),
  );
  if (table.failures.length > 0) return { ok: false, failures: table.failures };
  const refs = probed.filter((ref): ref is StageRef => ref !== null);
  const ingest = await control.ingest(
    requestOf(input, input.inputs, null, { shards: refs.map((ref) => ref.key) }),
  );
  return { ok: true, stages: { ingest: withShardOutcome(ingest, refs) } };
}
