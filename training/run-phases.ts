import { join } from 'node:path';
import {
  readCheckpoint,
  writeCheckpoint,
  writeTensors,
  type Checkpoint,
  type StoredTensor,
} from './checkpoint.js';
import { JobStopped } from './job-stopped.js';
import type { JobControl } from './job.js';
import { RowLog } from './row-log.js';
import { JobWatch, type LogRow } from './watchers/job-watch.js';
import type { Watcher } from './watchers/watcher.js';

/** Numbers of one step, for the log and for live display; never times. */
export type StepRow = Readonly<Record<string, number>>;

/** A phase at work. */
export interface PhaseRun {
  /**
   * Makes step `k` of the phase, counted from 0. What it does follows from `k` and the weights alone. Null when it gave the
   * step up before it changed anything, because the job was asked to stop.
   */
  step(k: number): Promise<StepRow | null>;
  /** Brings the policy's variables up to date, and gives everything outside the model that the next step depends on. */
  state(): Promise<Record<string, StoredTensor>>;
  dispose(): void;
}

/** Part of a job with its own loss and optimizer, e.g. the vision warm-up before SFT. */
export interface Phase {
  readonly name: string;
  readonly steps: number;
  /** `stored` is what {@link PhaseRun.state} gave when the checkpoint was written; null at the phase's start. */
  start(stored: Readonly<Record<string, StoredTensor>> | null): Promise<PhaseRun>;
}

/** A training job's place in its work folder: where it goes on, and its logs. */
export interface JobProgress {
  readonly workDir: string;
  /** Digest of all that decides the job's numbers. */
  readonly digest: string;
  /** Null at the job's start. */
  readonly checkpoint: Checkpoint | null;
  /** By file name; `log.jsonl` has one row per step. */
  readonly logs: ReadonlyMap<string, RowLog>;
}

const stepLog = 'log.jsonl';

/**
 * Opens a job's checkpoint, if it has one, and its JSONL files: empty, or as the checkpoint held them, so that no row
 * stands twice after a resume. TerminalErrors as {@link readCheckpoint}.
 */
export async function openProgress(
  workDir: string,
  resumeFrom: string | null,
  digest: string,
  moreLogs: readonly string[] = [],
): Promise<JobProgress> {
  const checkpoint = resumeFrom === null ? null : await readCheckpoint(resumeFrom, digest);
  const logs = new Map<string, RowLog>();
  for (const name of [stepLog, ...moreLogs]) {
    const text = checkpoint === null ? '' : await checkpoint.text(name);
    logs.set(name, RowLog.start(join(workDir, name), text));
  }
  return { workDir, digest, checkpoint, logs };
}

/**
 * Runs the phases one after the other, step by step: a row in the log and a progress event per step, a checkpoint every
 * `checkpointEvery` steps, a warning when the log crosses a watcher's limit. When asked to stop it writes one more checkpoint and throws {@link JobStopped}. Leaves
 * `model/` and `state.safetensors` in the work folder; gives back the last row.
 */
export async function runPhases(
  job: {
    readonly progress: JobProgress;
    readonly phases: readonly Phase[];
    readonly checkpointEvery: number;
    readonly watchers: readonly Watcher[];
    /** Rows of the same training from before this job. */
    readonly earlier?: readonly LogRow[];
    saveModel(folder: string): Promise<void>;
  },
  control: JobControl,
): Promise<StepRow> {
  const { workDir, digest, checkpoint, logs } = job.progress;
  const watch = new JobWatch(job.watchers);
  for (const row of job.earlier ?? []) watch.see(row);
  const see = (row: LogRow): void => {
    for (const warning of watch.see(row)) control.emit({ type: 'warning', warning });
  };
  for (const row of logs.get(stepLog)!.rows()) see(row);
  const total = job.phases.reduce((sum, phase) => sum + phase.steps, 0);
  const begun = checkpoint?.step ?? 0;
  let step = begun;
  let end = 0;
  let last: StepRow = {};
  let state: Record<string, StoredTensor> = {};
  for (const phase of job.phases) {
    const start = end;
    end += phase.steps;
    if (step >= end && end < total) continue;
    const run = await phase.start(checkpoint !== null && checkpoint.step > start ? checkpoint.tensors : null);
    const save = async (): Promise<string> => {
      const tensors = await run.state();
      const texts = Object.fromEntries([...logs].map(([name, rows]) => [name, rows.text()]));
      const content = { saveModel: (to: string) => job.saveModel(to), tensors, texts };
      const folder = await writeCheckpoint(workDir, { phase: phase.name, step, job: digest }, content);
      control.emit({ type: 'checkpoint', step, folder });
      return folder;
    };
    const stop = async (): Promise<never> => {
      throw new JobStopped(step, step === begun ? null : await save());
    };
    try {
      while (step < end) {
        if (control.stopRequested()) await stop();
        const made = await run.step(step - start);
        if (made === null) return await stop();
        last = made;
        step++;
        const row = { step, phase: phase.name, ...last };
        logs.get(stepLog)!.append(row);
        see(row);
        control.emit({ type: 'progress', phase: phase.name, step, steps: total, metrics: last });
        await new Promise<void>((resolve) => setImmediate(resolve));
        if (step % job.checkpointEvery === 0 && step < total) await save();
      }
      state = await run.state();
    } finally {
      run.dispose();
    }
  }
  await job.saveModel(join(workDir, 'model'));
  await writeTensors(join(workDir, 'state.safetensors'), state);
  return last;
}
