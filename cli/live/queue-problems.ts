import type { RunProblem } from '../run-api.js';
import { servedQueues } from './pending.js';
import type { TemporalView } from './temporal-view.js';

/** Queues that every running run needs sooner or later; one worker serves both. */
const always = [
  { queue: 'orchestrate', type: 'workflow' },
  { queue: 'control', type: 'activity' },
] as const;

/**
 * Queues that a run needs and that nobody serves, or whose workers are all at other runs.
 *
 * @param waiting queue -> stage with work that has waited for a while, and of which no part is at work
 */
export async function queueProblems(
  view: TemporalView,
  waiting: ReadonlyMap<string, string>,
): Promise<RunProblem[]> {
  const idle = await Promise.all(always.map(({ queue, type }) => view.askedLately(queue, type)));
  const others = await Promise.all(
    [...waiting]
      .filter(([queue]) => !always.some((one) => one.queue === queue))
      .map(([queue, stage]) => waitingProblem(view, queue, stage)),
  );
  return [...(idle.every(Boolean) ? [] : [unserved('orchestrate', 'the run')]), ...others.flat()];
}

/** A worker with a free hand takes up what waits at once: whoever is at this queue is at something else. */
async function waitingProblem(view: TemporalView, queue: string, stage: string): Promise<RunProblem[]> {
  const holders = (await view.openExecutions())
    .filter(({ raw }) => servedQueues(raw).has(queue))
    // A phase's child workflow is `<run>/<phase>`.
    .map(({ workflowId }) => workflowId.split('/')[0]!);
  if (holders.length === 0)
    return (await view.askedLately(queue, 'activity')) ? [] : [unserved(queue, stage)];
  return [
    {
      kind: 'queue-busy',
      subject: queue,
      message: `${stage} waits: the workers for ${queue} are at ${[...new Set(holders)].join(', ')}`,
      fix: `start another with \`hindsight worker ${queue}\`, or wait`,
    },
  ];
}

function unserved(queue: string, who: string): RunProblem {
  return {
    kind: 'queue-without-worker',
    subject: queue,
    message: `no worker serves the queue ${queue}, which ${who} needs`,
    fix: `hindsight worker ${queue}, or \`hindsight doctor\` to see why the local one is not up`,
  };
}
