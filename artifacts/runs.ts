import { z } from 'zod';
import type { Json } from '../core/canonical-json.js';
import { HindsightError } from '../core/errors.js';
import type { ObjectStore } from './object-store.js';
import { Reruns } from './rerun.js';

export const runStatuses = ['running', 'awaiting', 'done', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof runStatuses)[number];

/** One line of a run's stage table. */
export const StageRow = z.strictObject({
  /** The branch it belongs to; null for the run itself. */
  variant: z.string().nullable().default(null),
  name: z.string(),
  status: z.enum(['waiting', 'running', 'awaiting', 'done', 'failed', 'cancelled']),
  outcome: z.enum(['ran', 'reused', 'continued']).nullable(),
  key: z.string().nullable(),
  manifest: z.string().nullable(),
  outputs: z.record(z.string(), z.string()),
  seconds: z.number().nullable(),
  attempts: z.int(),
  /** Why it failed or waits for a person; null otherwise. */
  reason: z.string().nullable(),
});
export type StageRow = z.infer<typeof StageRow>;

/** A run as the store knows it: readable without Temporal. */
export const RunRecord = z.strictObject({
  runId: z.string(),
  name: z.string(),
  status: z.enum(runStatuses),
  /** Why a run is awaiting or failed: what happened and what to do. */
  problem: z.string().nullable(),
  /** Blob digest of the resolved config. */
  config: z.string(),
  code: z.strictObject({ version: z.string(), commit: z.string().nullable(), digest: z.string() }),
  startedAt: z.string(),
  updatedAt: z.string(),
  /** What it was asked to make again; a run that stopped on the way goes on with it. */
  reruns: Reruns.default({}),
  stages: z.array(StageRow),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** The documents under `runs/<run-id>/`; besides `pointers/` the only mutable objects. */
export class Runs {
  constructor(private readonly objects: ObjectStore) {}

  async write(record: RunRecord): Promise<void> {
    await this.document(record.runId, 'run.json', RunRecord.parse(record));
  }

  /**
   * Writes a record that holds some rows of its stage table; the others stay as they are stored. Not atomic: a run has one
   * writer, its workflow.
   */
  async update(change: RunRecord): Promise<void> {
    // A damaged record must not keep the run from going on: the last one that it writes holds every row again.
    const before = await this.read(change.runId).catch((error: unknown) => {
      if (error instanceof HindsightError) throw error;
      return null;
    });
    const nameOf = ({ variant, name }: StageRow): string => `${variant ?? ''}/${name}`;
    const rows = new Map([...(before?.stages ?? []), ...change.stages].map((row) => [nameOf(row), row]));
    await this.write({ ...change, stages: [...rows.values()] });
  }

  async read(runId: string): Promise<RunRecord | null> {
    const bytes = await this.objects.read(`runs/${runId}/run.json`);
    return bytes === null ? null : RunRecord.parse(JSON.parse(bytes.toString('utf8')));
  }

  /** Ids of all runs, sorted; ids begin with their name and hold their start time. */
  async list(): Promise<string[]> {
    const folders = await this.objects.list('runs/', { delimiter: '/' });
    return folders.map((name) => name.slice('runs/'.length, -1));
  }

  /** Any further JSON document of a run: config.json, locations.json, refs/... */
  async document(runId: string, name: string, value: Json | RunRecord): Promise<void> {
    await this.objects.write(
      `runs/${runId}/${name}`,
      Buffer.from(JSON.stringify(value, null, 2) + '\n'),
      'application/json',
    );
  }

  /** Any further file of a run; gives back its address. */
  async file(runId: string, name: string, bytes: Uint8Array, mediaType: string): Promise<string> {
    const path = `runs/${runId}/${name}`;
    await this.objects.write(path, Buffer.from(bytes), mediaType);
    return this.objects.address(path);
  }

  async readDocument(runId: string, name: string): Promise<unknown> {
    const bytes = await this.objects.read(`runs/${runId}/${name}`);
    return bytes === null ? null : (JSON.parse(bytes.toString('utf8')) as unknown);
  }

  /** Log of one attempt of one stage. */
  async writeLog(runId: string, stage: string, part: string, text: string): Promise<void> {
    await this.objects.write(
      `runs/${runId}/logs/${stage}/${part}.log`,
      Buffer.from(text),
      'text/plain; charset=utf-8',
    );
  }

  async logs(runId: string, stage?: string): Promise<string[]> {
    return this.objects.list(`runs/${runId}/logs/${stage === undefined ? '' : `${stage}/`}`);
  }

  async readLog(name: string): Promise<string> {
    return (await this.objects.read(name))?.toString('utf8') ?? '';
  }
}
