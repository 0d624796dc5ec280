import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { InputError, TerminalError } from '../core/errors.js';
import { parseJsonl } from '../core/jsonl.js';
import { Digest } from '../datasets/sample.js';
import type { FrameIndexEntry } from './job.js';

/** Reads a JSONL artifact; an InputError names the line that does not fit the schema. */
export async function readRecords<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  const file = basename(path);
  return parseJsonl(await readFile(path, 'utf8'), file).map((record, i) => {
    const parsed = schema.safeParse(record);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const field = issue?.path.join('.') ?? '';
    throw new InputError(
      'training.bad-record',
      { file, line: i + 1, ...(field === '' ? {} : { field }) },
      issue?.message ?? 'this record cannot be read',
    );
  });
}

const FrameIndexRecord: z.ZodType<FrameIndexEntry> = z.object({ sampleId: z.string(), pack: Digest });

/** Sample id to the digest of its frame pack. */
export async function readFrameIndex(path: string): Promise<Map<string, string>> {
  const entries = await readRecords(path, FrameIndexRecord);
  return new Map(entries.map(({ sampleId, pack }) => [sampleId, pack]));
}

/** Records by a key; throws TerminalError `training.unknown-id` when asked for one that is not there. */
export class ById<T> {
  readonly #records: Map<string, T>;

  constructor(
    records: readonly T[],
    idOf: (record: T) => string,
    private readonly what: string,
  ) {
    this.#records = new Map(records.map((record) => [idOf(record), record]));
  }

  get(id: string): T {
    const found = this.#records.get(id);
    if (found === undefined)
      throw new TerminalError('training.unknown-id', `no ${this.what} has the id ${id}`);
    return found;
  }
}
