import type { Client } from '@temporalio/client';
import { TemporalView } from '../../cli/live/temporal-view.js';
import { homePaths } from '../../stack/home.js';
import type { OwnStack } from './own-stack.js';
import { trainedStep } from './trained-step.js';

/** Temporal has this long to answer a look. */
const patienceMs = 3000;
const shardedStages = ['frames', 'captions', 'reasoning'];

/** A run at work, and two ways to count how far it is: steps of its training, or finished shards. */
export interface AtWork {
  readonly runId: string;
  /** As the work itself shows it. */
  readonly work: () => Promise<number>;
  /** As anybody is told who asks the store, the run's workflow and Temporal; 0 while one of them does not answer. */
  readonly told: () => Promise<number>;
}

/** Steps of the first training: from the log in the trainer's work folder, and from the heartbeats. */
export function trainingAtWork(stack: OwnStack, client: Client, runId: string): AtWork {
  return {
    runId,
    work: async () => (await trainedStep(homePaths(stack.home), 'sft')) ?? 0,
    told: () =>
      answered(stack, client, runId, async (view) => {
        const execution = await view.execution(runId);
        const pending = execution === null ? null : await view.pending(execution);
        return pending?.progress.get('sft')?.step ?? 0;
      }),
  };
}

/** Finished shards of the annotation: manifests in the store, and what the phase's workflow counts. */
export function shardsAtWork(stack: OwnStack, client: Client, runId: string): AtWork {
  const { objects } = stack.store;
  return {
    runId,
    work: async () => {
      const names = await Promise.all(shardedStages.map((stage) => objects.list(`stages/${stage}/`)));
      return names.flat().length;
    },
    told: () =>
      answered(stack, client, runId, async (view) => {
        const stages = Object.values(await view.shardsDone(`${runId}/annotation`));
        return stages.reduce((sum, { done }) => sum + done, 0);
      }),
  };
}

/** What `ask` says once store and workflow have answered, too. */
async function answered(
  { store }: OwnStack,
  client: Client,
  runId: string,
  ask: (view: TemporalView) => Promise<number>,
): Promise<number> {
  const view = new TemporalView(client, Date.now() + patienceMs);
  try {
    if ((await store.runs.read(runId)) === null || (await view.record(runId)) === null) return 0;
    return await ask(view);
  } catch {
    return 0;
  }
}
