import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../core/package-root.js';
import { encryptedBundle, plainBundle } from '../../workers/workflow-bundle.js';

/**
 * Histories of a real run of the micro preset, recorded by scripts/record-history.mjs. A change of a workflow that makes
 * an old history unreadable shows here; if it is meant, record them anew.
 */
const folder = join(packageRoot, 'test', 'histories');
const histories = readdirSync(folder).filter((file) => file.endsWith('.json'));
// The built bundles, since they are what workers run.
const codePath = plainBundle;

/** The part of a history that this test reads or changes. */
interface History {
  events: {
    workflowExecutionStartedEventAttributes?: { workflowId: string; workflowType: { name: string } };
  }[];
}

const read = (file: string): History => JSON.parse(readFileSync(join(folder, file), 'utf8')) as History;

/** Ids of child workflows begin with it, so a replay must run under the recorded one. */
const idOf = ({ events }: History): string => events[0]!.workflowExecutionStartedEventAttributes!.workflowId;

describe('recorded histories', () => {
  beforeAll(() => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
  });

  it('cover the pipeline and every phase', () => {
    expect(histories.sort()).toEqual([
      'annotation.json',
      'ingest.json',
      'pipeline.json',
      'predictions.json',
      'reflection.json',
    ]);
  });

  it.each(histories)('%s replays on the workflow code of today', async (file) => {
    const history = read(file);
    await Worker.runReplayHistory({ workflowBundle: { codePath } }, history, idOf(history));
  });

  it('replay where failures are encrypted, too', async () => {
    const history = read('annotation.json');
    await Worker.runReplayHistory({ workflowBundle: { codePath: encryptedBundle } }, history, idOf(history));
  });

  it('of another workflow do not replay: the check can fail', async () => {
    const history = read('ingest.json');
    history.events[0]!.workflowExecutionStartedEventAttributes!.workflowType.name = 'predictionsPhase';
    await expect(
      Worker.runReplayHistory({ workflowBundle: { codePath } }, history, idOf(history)),
    ).rejects.toThrow();
  });
});
