import { AsyncLocalStorage } from 'node:async_hooks';
import type { StageRequest } from '../../activities/contract.js';
import type { ActivityInterface } from '../../activities/index.js';
import type { Stage } from '../../activities/stage.js';
import { eachActivity } from './each-activity.js';

/** What an activity was called for; `listing` reads and digests the videos, which is work of its own. */
export const callKinds = ['shard', 'whole stage', 'lookup', "run's record", 'listing'] as const;
export type CallKind = (typeof callKinds)[number];

/** One call of an activity, in seconds. */
export interface TimedCall {
  readonly kind: CallKind;
  /** From its call to its answer, in the worker's process. */
  readonly seconds: number;
  /** What of that the stage's own work took. */
  readonly work: number;
}

/** Times every call of some activities, and apart from that the work of the stages behind them. */
export class CallTimes {
  readonly calls: TimedCall[] = [];
  readonly #current = new AsyncLocalStorage<{ work: number }>();

  /** The stage, whose work is timed. */
  stage(stage: Stage): Stage {
    return {
      ...stage,
      run: async (context) => {
        const startedAt = performance.now();
        try {
          return await stage.run(context);
        } finally {
          const call = this.#current.getStore();
          if (call !== undefined) call.work += performance.now() - startedAt;
        }
      },
    };
  }

  /** The activities, whose calls are timed. */
  activities(of: ActivityInterface): ActivityInterface {
    return eachActivity(of, (name, call) => (argument) => {
      const current = { work: 0 };
      return this.#current.run(current, async () => {
        const startedAt = performance.now();
        try {
          return await call(argument);
        } finally {
          const seconds = (performance.now() - startedAt) / 1000;
          this.calls.push({ kind: kindOf(name, argument), seconds, work: current.work / 1000 });
        }
      });
    });
  }
}

function kindOf(name: string, argument: unknown): CallKind {
  switch (name) {
    case 'lookup':
      return 'lookup';
    case 'recordRun':
      return "run's record";
    case 'listVideos':
      return 'listing';
    default:
      return (argument as StageRequest).shard === null ? 'whole stage' : 'shard';
  }
}
