import { DefaultLogger, Runtime } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openNamespace, type OwnNamespace } from '../../bench/pipeline/own-namespace.js';
import { checkpointStages } from '../../config/evaluation.js';
import { sha256 } from '../../core/digest.js';
import { loadEndpoints } from '../../stack/endpoints.js';
import { homePaths } from '../../stack/home.js';
import type { BranchInput, PhaseInput, PipelineInput } from '../../workflows/contract.js';
import { instantStages } from './instant-stages.js';

/** Half of what Temporal warns of: a history of 10,240 events or of 10 MB. */
const limit = { events: 10_240 / 2, bytes: (10 * 2 ** 20) / 2 };
const samples = 20_000;

let own: OwnNamespace;
/** The same with 200 samples. */
let few: OwnNamespace;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { address } = (await loadEndpoints(homePaths(inject('home')))).temporal;
  // The phases of a variant are as long as the run's: theirs are found in the store.
  const activities = (count: number) => instantStages(count, ({ config }) => config !== configOf('run'));
  own = await openNamespace(address, 'history-size', activities(samples), 100);
  few = await openNamespace(address, 'history-size-few', activities(200), 100);
});

afterAll(async () => {
  await few.close();
  await own.close();
});

const configOf = (branch: string): string => sha256(`config ${branch}`);

const branchOf = (name: string): BranchInput => ({
  config: configOf(name),
  graph: {
    maxRejectShare: 0.1,
    training: checkpointStages,
    grpoEpochs: 4,
    checkpoints: checkpointStages,
    evaluationSplit: 'test',
  },
});

/** Length and bytes of a history as the server counts them against its limits, had each result come by itself. */
async function sizeOf(
  workflowId: string,
  { client } = own,
): Promise<{ readonly events: number; readonly bytes: number }> {
  const handle = client.workflow.getHandle(workflowId);
  const { historyLength, historySize } = await handle.describe();
  const events = (await handle.fetchHistory()).events ?? [];
  expect(events).toHaveLength(historyLength);
  const tasks = events.filter((event) => event.workflowTaskScheduledEventAttributes != null).length;
  const results = events.filter(
    (event) =>
      event.activityTaskCompletedEventAttributes != null ||
      event.childWorkflowExecutionStartedEventAttributes != null ||
      event.childWorkflowExecutionCompletedEventAttributes != null,
  ).length;
  // Results that come together share a workflow task: three events of about 400 bytes. Slow activities share none.
  const more = Math.max(0, results + 1 - tasks);
  return { events: historyLength + 3 * more, bytes: historySize! + 400 * more };
}

/** Executes a run with so many variants and gives back its id. */
async function runWith(variants: number, { client }: OwnNamespace): Promise<string> {
  const names = Array.from({ length: variants }, (_, index) => `variant-${index + 1}`);
  const runId = `run-20260301-101500-${variants}`;
  const input: PipelineInput = {
    ...branchOf('run'),
    runId,
    name: 'run',
    code: { version: '0.1.0', commit: sha256('commit').slice(0, 40), digest: sha256('code') },
    variants: names.map((name) => ({ name, ...branchOf(name) })),
  };
  await client.workflow.execute('pipeline', {
    workflowId: runId,
    taskQueue: 'orchestrate',
    args: [input],
  });
  return runId;
}

async function expectWithinLimit(ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const size = await sizeOf(id);
    expect(size.events, `events of ${id}`).toBeLessThan(limit.events);
    expect(size.bytes, `bytes of ${id}`).toBeLessThan(limit.bytes);
  }
}

describe('at 20,000 samples no history comes to half of what Temporal warns of', () => {
  it('in a run with eight variants', async () => {
    const runId = await runWith(8, own);
    const phases = ['ingest', 'annotation', 'reflection', 'predictions'];
    await expectWithinLimit([runId, ...phases.map((phase) => `${runId}/${phase}`)]);
  }, 180_000);

  const digest = sha256('input');
  const inputs = { samples: digest, frames: digest, targets: digest, checkpoint: digest, candidates: digest };
  const checkpoints = Object.fromEntries(checkpointStages.map((stage) => [stage, digest]));
  it.each<[string, Pick<PhaseInput, 'counts' | 'checkpoints'>]>([
    // A sample in each of the other splits makes four more shards.
    ['annotationPhase', { counts: { sft: samples - 4, reflect: 1, rl: 1, val: 1, test: 1 } }],
    ['reflectionPhase', { counts: { reflect: samples } }],
    ['predictionsPhase', { counts: { test: samples }, checkpoints }],
  ])(
    'in %s when all samples are its own',
    async (workflow, of) => {
      const input: PhaseInput = { runId: 'run', config: configOf('run'), inputs, ...of };
      await own.client.workflow.execute(workflow, {
        workflowId: workflow,
        taskQueue: 'orchestrate',
        args: [input],
      });
      await expectWithinLimit([workflow]);
    },
    120_000,
  );
});

it('the history of a run grows with its variants, not with their square', async () => {
  const [four, sixteen] = [
    await sizeOf(await runWith(4, few), few),
    await sizeOf(await runWith(16, few), few),
  ];
  expect(sixteen.bytes / four.bytes).toBeLessThan(4);
  expect(sixteen.bytes).toBeLessThan(limit.bytes / 2);
  expect(sixteen.events).toBeLessThan(limit.events);
}, 300_000);
