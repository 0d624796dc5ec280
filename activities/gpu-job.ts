import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { toJsonl } from '../core/jsonl.js';
import { RetryableError, TerminalError } from '../core/errors.js';
import { partialName } from '../core/partial-name.js';
import type { Sample } from '../datasets/sample.js';
import type { FrameIndexEntry, TrainerEvent, TrainerJob } from '../training/job.js';
import { keepBadBatch } from './bad-batch.js';
import { publishCheckpoint } from './checkpoint-artifact.js';
import type { Output, StageContext, StageResult } from './stage.js';

/** What every job of the trainer is given, laid out on this machine. */
export interface JobFiles {
  readonly workDir: string;
  readonly blobDir: string;
  readonly frameIndex: string;
  readonly samples: string;
}

/**
 * Runs `work` in a scratch folder holding the samples and their frame packs, and removes the folder whatever happens.
 * Outputs hold bytes or what is in the store: the folder is gone when they are published.
 */
export async function inScratch<T>(
  context: StageContext,
  samples: readonly Sample[],
  frames: readonly FrameIndexEntry[],
  work: (files: JobFiles) => Promise<T>,
): Promise<T> {
  const { services } = context;
  const workDir = partialName(
    join(services.cacheDir, 'work', `${context.key.slice(0, 16)}-${context.attempt}`),
  );
  await mkdir(workDir, { recursive: true });
  try {
    const limit = pLimit(16);
    await Promise.all(frames.map(({ pack }) => limit(() => services.store.blobs.fetch(pack))));
    const files: JobFiles = {
      workDir,
      blobDir: services.store.blobs.folder,
      frameIndex: join(workDir, 'frames.jsonl'),
      samples: join(workDir, 'samples.jsonl'),
    };
    await writeFile(files.frameIndex, toJsonl(frames));
    await writeFile(files.samples, toJsonl(samples));
    return await work(files);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** Copies a blob into the scratch folder under a name. */
export async function layOut(
  context: StageContext,
  files: JobFiles,
  input: string,
  name: string,
): Promise<string> {
  const path = join(files.workDir, name);
  await copyFile(await context.services.store.blobs.fetch(context.input(input)), path);
  return path;
}

/** Runs a job in the trainer child, passing on progress; checkpoints are uploaded while training goes on. */
export async function runJob(context: StageContext, job: TrainerJob): Promise<void> {
  const { trainer, store } = context.services;
  if (trainer === null)
    throw new RetryableError('trainer.none', 'this worker has no trainer; the gpu queue serves this stage');
  let uploads: Promise<void> = Promise.resolve();
  let uploadFailure: unknown = null;
  const refused = new AbortController();
  let phase = '';
  let known: Readonly<Record<string, number>> = {};
  const onEvent = (event: TrainerEvent): void => {
    switch (event.type) {
      case 'progress':
        if (event.phase !== phase) known = {};
        phase = event.phase;
        // What only some steps have, a validation loss, stays in view until the next one.
        known = { ...known, ...event.metrics };
        context.progress({ ...event, metrics: known });
        context.log(`${event.phase} ${event.step}/${event.steps} ${describe(event.metrics)}`);
        break;
      case 'warning':
        context.warn(event.warning);
        break;
      case 'checkpoint':
        uploads = uploads.then(async () => {
          await store.checkpoints.save(job.kind, context.work, context.attempt, event.step, event.folder);
          context.checkpointed(event.step);
          await rm(event.folder, { recursive: true, force: true });
        });
        uploads = uploads.catch((error: unknown) => {
          uploadFailure ??= error;
          // A store that will not take this one, a full disk, will not take the result either.
          if (error instanceof TerminalError) refused.abort();
        });
        break;
      case 'done':
        context.log(`done ${describe(event.metrics)}`);
        break;
    }
  };
  try {
    await trainer.run(job, AbortSignal.any([context.signal, refused.signal]), onEvent);
  } catch (error) {
    if (refused.signal.aborted && !context.signal.aborted) throw uploadFailure;
    throw await keepBadBatch(context, job, error);
  } finally {
    await uploads;
    if (uploadFailure !== null) {
      context.log(
        `a checkpoint could not be stored: ${uploadFailure instanceof Error ? uploadFailure.message : 'unknown'}`,
      );
    }
  }
}

/** Restores the newest checkpoint of an earlier attempt into the scratch folder, if there is one. */
export async function resumeFolder(
  context: StageContext,
  files: JobFiles,
  stage: string,
): Promise<string | null> {
  const folder = join(files.workDir, 'resume');
  const { checkpoints } = context.services.store;
  const newest = await checkpoints.restoreNewest(stage, context.work, folder, (line) => context.log(line));
  if (newest === null) return null;
  context.continued();
  context.log(`continues from step ${newest.step}, saved by attempt ${newest.attempt}`);
  return folder;
}

/** What a finished training leaves: the checkpoint, its log, whatever `more` names, and the optimizer's state if asked. */
export async function trainingResult(
  context: StageContext,
  files: JobFiles,
  more: readonly string[] = [],
  withState = false,
): Promise<StageResult> {
  const { output, blobs } = await publishCheckpoint(context.services, join(files.workDir, 'model'));
  const outputs: Record<string, Output> = { checkpoint: output };
  for (const name of ['log', ...more]) {
    const path = join(files.workDir, `${name}.jsonl`);
    if ((await stat(path).catch(() => null)) === null) throw new Error(`the trainer left no ${name}.jsonl`);
    outputs[name] = { bytes: await readFile(path), mediaType: 'application/jsonl' };
  }
  if (withState) {
    // Moments are twice as large as what is trained: straight from the disk to the store.
    const state = join(files.workDir, 'state.safetensors');
    outputs.state = { stored: await context.services.store.blobs.putFile(state, 'application/octet-stream') };
  }
  return { outputs, blobs };
}

function describe(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toPrecision(4)}`)
    .join(', ');
}
