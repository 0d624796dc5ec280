import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StageRef } from '../../activities/contract.js';
import { packageRoot } from '../../core/package-root.js';

interface Payloads {
  /** Nothing has no data. */
  readonly payloads?: readonly { readonly data?: string }[];
}

/** The part of a recorded history that is read here. */
interface History {
  readonly events: readonly {
    readonly eventId: string;
    readonly activityTaskScheduledEventAttributes?: {
      readonly activityType: { readonly name: string };
      readonly input: Payloads;
    };
    readonly activityTaskCompletedEventAttributes?: {
      readonly scheduledEventId: string;
      readonly result?: Payloads;
    };
  }[];
}

function decoded({ payloads }: Payloads): unknown {
  const data = payloads?.[0]?.data;
  return data === undefined ? null : JSON.parse(Buffer.from(data, 'base64').toString());
}

/** What the stages of a real run returned (test/histories), by `<stage>` for whole stages and `<stage>/shard`. */
export function recordedResults(): ReadonlyMap<string, StageRef> {
  const folder = join(packageRoot, 'test', 'histories');
  const results = new Map<string, StageRef>();
  for (const file of readdirSync(folder)) {
    const { events } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as History;
    const calls = new Map<string, { readonly name: string; readonly sharded: boolean }>();
    for (const event of events) {
      const scheduled = event.activityTaskScheduledEventAttributes;
      if (scheduled !== undefined) {
        const request = decoded(scheduled.input) as { readonly shard?: unknown };
        const sharded = request.shard !== undefined && request.shard !== null;
        calls.set(event.eventId, { name: scheduled.activityType.name, sharded });
      }
      const completed = event.activityTaskCompletedEventAttributes;
      if (completed?.result === undefined) continue;
      const { name, sharded } = calls.get(completed.scheduledEventId)!;
      const result = decoded(completed.result) as StageRef | null;
      if (result?.key !== undefined) results.set(sharded ? `${name}/shard` : name, result);
    }
  }
  return results;
}
