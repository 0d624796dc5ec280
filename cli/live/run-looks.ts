import type { Client } from '@temporalio/client';
import type { ArtifactStore } from '../../artifacts/artifact-store.js';
import type { RunRecord } from '../../artifacts/runs.js';
import { TerminalError } from '../../core/errors.js';
import type { Endpoints } from '../../stack/endpoints.js';
import type { Home } from '../../stack/home.js';
import type { RunListEntry, RunProblem, RunSnapshot } from '../run-api.js';
import { listEntryOf, snapshotOf } from '../snapshot.js';
import { localDiskProblems } from './disk-problem.js';
import { currentRecord } from './current-record.js';
import { lookAtRun, type Look } from './look-at-run.js';
import { TemporalView } from './temporal-view.js';
import { awayProblems } from './away-problem.js';
import { fromStore } from './from-store.js';

/** What Temporal has not said by then, a look at runs does without. */
const patienceMs = 3000;

/** Runs as they are now, for whoever only looks. */
export class RunLooks {
  constructor(
    private readonly client: Client,
    private readonly store: ArtifactStore,
    private readonly home: Home,
    private readonly endpoints: Endpoints,
  ) {}

  /** @throws TerminalError `run.unknown`; RetryableError `store.unreachable` */
  async record(runId: string): Promise<RunRecord> {
    const record = await fromStore(this.endpoints, this.store.runs.read(runId));
    if (record === null) {
      throw new TerminalError('run.unknown', `there is no run ${runId}`, {
        fix: '`hindsight list` names all runs',
      });
    }
    return record;
  }

  /** The record as the run's workflow has it, where it answers. */
  async current(runId: string): Promise<RunRecord> {
    return currentRecord(this.#view(), await this.record(runId));
  }

  async snapshot(runId: string): Promise<RunSnapshot> {
    const record = await this.record(runId);
    return snapshotOf(this.store, await lookAtRun(this.#look({ queries: true }), record));
  }

  async list(): Promise<readonly RunListEntry[]> {
    const { runs } = this.store;
    const ids = await fromStore(this.endpoints, runs.list());
    const records = await fromStore(this.endpoints, Promise.all(ids.map((id) => runs.read(id))));
    const look = this.#look({ queries: false });
    const known = records.filter((record): record is RunRecord => record !== null);
    return (await Promise.all(known.map((record) => lookAtRun(look, record)))).map(listEntryOf);
  }

  #view(): TemporalView {
    return new TemporalView(this.client, Date.now() + patienceMs);
  }

  /** One look at any number of runs: each thing is asked once, and Temporal within one deadline. */
  #look({ queries }: { readonly queries: boolean }): Look {
    let disks: Promise<readonly RunProblem[]> | undefined;
    return {
      view: this.#view(),
      read: (runId) => this.store.runs.read(runId),
      machine: () =>
        (disks ??= this.endpoints.kind === 'embedded' ? localDiskProblems(this.home) : Promise.resolve([])),
      away: awayProblems(this.endpoints),
      queries,
    };
  }
}
