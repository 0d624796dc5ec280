import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TerminalError } from '../core/errors.js';
import { SafetensorsFile } from '../policy/safetensors.js';
import { writeSafetensors } from '../policy/safetensors-writer.js';

/** Values of one tensor outside the model: an optimizer moment, or the head of the vision warm-up. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** `checkpoint.json`: written last, so a folder that has it is complete. */
const CheckpointRecord = z.strictObject({
  format: z.literal(1),
  /** Which part of the job the step belongs to, e.g. `vision-warmup`, `sft`. */
  phase: z.string(),
  /** Steps done in the whole job. */
  step: z.int().min(0),
  /** Digest of everything that decides the job's numbers; another job's checkpoint is refused. */
  job: z.string(),
});
export type CheckpointRecord = Omit<z.infer<typeof CheckpointRecord>, 'format'>;

const recordName = 'checkpoint.json';
const modelName = 'model';
const tensorsName = 'state.safetensors';

/** What a resumed job starts from. */
export interface Checkpoint extends CheckpointRecord {
  /** The model folder. */
  readonly model: string;
  readonly tensors: Record<string, StoredTensor>;
  /** Text files saved with it (logs), by name. */
  text(name: string): Promise<string>;
}

/** Writes tensors as safetensors; equal tensors give equal bytes. */
export async function writeTensors(path: string, tensors: Record<string, StoredTensor>): Promise<void> {
  await writeSafetensors(
    path,
    Object.entries(tensors).map(([name, { shape, values }]) => ({
      name,
      shape,
      values: () => Promise.resolve(values),
    })),
  );
}

/** Reads what {@link writeTensors} wrote; TerminalError `policy.bad-weights` on a broken file. */
export async function readTensors(path: string): Promise<Record<string, StoredTensor>> {
  const file = await SafetensorsFile.open(path);
  try {
    const tensors: Record<string, StoredTensor> = {};
    for (const [name, { shape }] of file.tensors) tensors[name] = { shape, values: await file.read(name) };
    return tensors;
  } finally {
    await file.close();
  }
}

/**
 * Writes a complete checkpoint folder `checkpoints/step-000120` under `workDir`: filled under another name, flushed, then
 * renamed, so that a kill leaves either the whole folder or none. An older attempt at the same step is replaced.
 */
export async function writeCheckpoint(
  workDir: string,
  record: CheckpointRecord,
  content: {
    saveModel(folder: string): Promise<void>;
    readonly tensors: Record<string, StoredTensor>;
    readonly texts: Readonly<Record<string, string>>;
  },
): Promise<string> {
  const parent = join(workDir, 'checkpoints');
  const name = `step-${String(record.step).padStart(6, '0')}`;
  const partial = join(parent, `.partial-${name}`);
  const folder = join(parent, name);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await content.saveModel(join(partial, modelName));
  await writeTensors(join(partial, tensorsName), content.tensors);
  for (const [file, text] of Object.entries(content.texts)) await writeFile(join(partial, file), text);
  const whole = { format: 1, phase: record.phase, step: record.step, job: record.job };
  await writeFile(join(partial, recordName), JSON.stringify(whole) + '\n');
  await flush(partial);
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
  await flushFolder(parent);
  return folder;
}

/** fsync of every file below, then of the folders, so that the rename never names unwritten bytes. */
async function flush(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await flush(path);
    else await flushFolder(path);
  }
  await flushFolder(folder);
}

async function flushFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Opens a checkpoint folder. TerminalErrors: `training.bad-checkpoint` when it is incomplete or unreadable,
 * `training.other-job` when it belongs to a job with other parameters, inputs or seed.
 */
export async function readCheckpoint(folder: string, job: string): Promise<Checkpoint> {
  let record: CheckpointRecord;
  try {
    record = CheckpointRecord.parse(JSON.parse(await readFile(join(folder, recordName), 'utf8')));
  } catch (cause) {
    throw new TerminalError('training.bad-checkpoint', `${folder} is no complete checkpoint`, { cause });
  }
  if (record.job !== job) {
    throw new TerminalError('training.other-job', `${folder} was written by a job with other parameters`, {
      fields: { found: record.job, expected: job },
      fix: 'start the stage again without this checkpoint',
    });
  }
  return {
    phase: record.phase,
    step: record.step,
    job: record.job,
    model: join(folder, modelName),
    tensors: await readTensors(join(folder, tensorsName)),
    text: (name) => readFile(join(folder, name), 'utf8'),
  };
}

/** A stored tensor's values; TerminalError `training.bad-state` when it is missing or has another shape. */
export function storedValues(
  stored: Readonly<Record<string, StoredTensor>>,
  name: string,
  shape: readonly number[],
): Float32Array {
  const found = stored[name];
  if (found === undefined || found.shape.join() !== shape.join()) {
    const has = found === undefined ? 'is missing' : `has the shape [${found.shape.join(', ')}]`;
    throw new TerminalError('training.bad-state', `optimizer state: ${name} ${has}`);
  }
  return found.values;
}
