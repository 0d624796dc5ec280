import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parseJsonl } from '../../core/jsonl.js';
import type { Backend } from '../../policy/backend.js';
import type { TrainerJob } from '../../training/job.js';
import { JobStopped, runJob } from '../../training/run-job.js';
import { listen } from './tiny-world.js';

/** The rows of a JSONL file that a job left in its work folder. */
export const rows = async (folder: string, name = 'log.jsonl'): Promise<Record<string, unknown>[]> =>
  parseJsonl(await readFile(join(folder, name), 'utf8'), name) as Record<string, unknown>[];

/** Bytes of everything that a finished training leaves. */
export async function left(folder: string): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (const name of await readdir(join(folder, 'model'))) {
    files[`model/${name}`] = await readFile(join(folder, 'model', name));
  }
  for (const name of ['state.safetensors', 'log.jsonl', 'completions.jsonl']) {
    const bytes = await readFile(join(folder, name)).catch(() => null);
    if (bytes !== null) files[name] = bytes;
  }
  return files;
}

/** Runs a job, stopping it after each number of steps and going on from its newest checkpoint, in new work folders. */
async function runInPieces(
  backend: Backend,
  make: (name: string) => Promise<TrainerJob>,
  name: string,
  stops: readonly number[],
): Promise<string> {
  let resumeFrom: string | null = null;
  for (const [piece, stop] of [...stops, Infinity].entries()) {
    const job = { ...(await make(`${name}-${piece}`)), resumeFrom } as TrainerJob;
    const control = listen(stop);
    try {
      await runJob(job, backend, control);
      return job.workDir;
    } catch (error) {
      if (!(error instanceof JobStopped)) throw error;
      resumeFrom = error.folder;
      expect(resumeFrom).not.toBeNull();
    }
  }
  throw new Error('the job never finished');
}

/** Expects a job that is stopped and resumed to leave the same bytes as one that runs through. */
export async function expectSameBytes(
  backend: Backend,
  make: (name: string) => Promise<TrainerJob>,
  name: string,
  stops: readonly number[],
): Promise<void> {
  const whole = await make(`${name}-whole`);
  await runJob(whole, backend, listen());
  const pieces = await runInPieces(backend, make, name, stops);
  const [expected, found] = [await left(whole.workDir), await left(pieces)];
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [file, bytes] of Object.entries(expected)) {
    expect(found[file]!.equals(bytes), `${file} differs`).toBe(true);
  }
}
