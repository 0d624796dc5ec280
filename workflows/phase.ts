import { setHandler } from '@temporalio/workflow';
import type { Shard, StageRef, StageRequest } from '../activities/contract.js';
import { control } from './activities.js';
import { progressQuery, type PhaseInput, type ShardFailure } from './contract.js';
import { codeOf, reasonOf } from './shards.js';

/** A request of this phase for one shard, or for the whole stage. */
export function requestOf(
  input: PhaseInput,
  inputs: StageRequest['inputs'],
  shard: Shard | null = null,
  more: { readonly shards?: readonly string[]; readonly use?: StageRequest['use'] } = {},
): StageRequest {
  return {
    runId: input.runId,
    config: input.config,
    inputs,
    shard,
    shards: more.shards ?? [],
    use: more.use ?? {},
    reruns: input.reruns,
  };
}

/** The whole stage's result if the store has it. */
export async function lookup(stage: string, request: StageRequest): Promise<StageRef | null> {
  return control.lookup({ stage, request });
}

/** Counts finished shards per stage, answers the progress query, and collects failures instead of throwing them. */
export class PhaseTable {
  readonly failures: ShardFailure[] = [];
  readonly #rows: Record<string, { done: number; total: number }> = {};

  constructor() {
    setHandler(progressQuery, () => this.#rows);
  }

  expect(stage: string, total: number): void {
    const row = (this.#rows[stage] ??= { done: 0, total: 0 });
    row.total += total;
  }

  /** The shard's result, or null after noting why it failed. */
  async attempt(stage: string, shard: Shard, work: () => Promise<StageRef>): Promise<StageRef | null> {
    try {
      const ref = await work();
      this.#rows[stage]!.done++;
      return ref;
    } catch (error) {
      this.failures.push({
        stage,
        shard: `${shard.split} ${shard.index}`,
        reason: reasonOf(error),
        code: codeOf(error),
      });
      return null;
    }
  }
}

/** The whole stage's outcome follows from its shards: any that ran means it ran, wholly or in part. */
export function withShardOutcome(whole: StageRef, shards: readonly StageRef[]): StageRef {
  const ran = shards.filter((shard) => shard.outcome !== 'reused');
  return {
    ...whole,
    outcome:
      ran.length === 0
        ? 'reused'
        : ran.length === shards.length && ran.every((s) => s.outcome === 'ran')
          ? 'ran'
          : 'continued',
    seconds: shards.reduce((sum, shard) => sum + shard.seconds, whole.seconds),
    attempts: Math.max(whole.attempts, ...shards.map((shard) => shard.attempts)),
  };
}
