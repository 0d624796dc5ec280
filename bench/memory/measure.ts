import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { TerminalError } from '../../core/errors.js';
import { packageRoot } from '../../core/package-root.js';
import { trainingMemory, type StepMemory } from '../../training/step-memory.js';
import { trainerEnvironment } from '../../workers/trainer-environment.js';
import type { MemoryCase } from './cases.js';
import { MeasuredMemory } from './protocol.js';

/** How far an estimate may be from what was measured. */
export const tolerance = 0.2;

export interface MemoryResult {
  readonly name: string;
  readonly description: string;
  readonly backend: string;
  readonly estimate: StepMemory;
  /** Peak resident bytes above what the process held once TensorFlow was loaded. */
  readonly measured: number;
  /** Estimate over measured. */
  readonly ratio: number;
  readonly withinTolerance: boolean;
}

/** What the estimate says of a case; its step is one micro-batch. */
export function estimateOf({ model, tuning, work, rows, prompt, completion, grid }: MemoryCase): StepMemory {
  const videos = work === 'sft' ? rows : 1;
  const reference = work === 'sft' ? null : tuning.lora === null ? 'policy' : 'adapter';
  return trainingMemory(
    model,
    tuning,
    {
      rows,
      length: prompt + completion,
      predicted: completion,
      segments: [{ frames: videos * grid.t, h: grid.h, w: grid.w }],
    },
    { reference },
  );
}

/**
 * Makes a case's steps in a process of its own, with a trainer's environment, and compares its peak with the estimate.
 * TerminalError `bench.failed` with what the process said.
 */
export async function measureMemory(of: MemoryCase): Promise<MemoryResult> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-memory-'));
  try {
    await child('write', of, folder);
    const { peak, backend } = MeasuredMemory.parse(JSON.parse(await child('measure', of, folder)));
    const estimate = estimateOf(of);
    const ratio = estimate.total / peak;
    return {
      name: of.name,
      description: of.description,
      backend,
      estimate,
      measured: peak,
      ratio,
      withinTolerance: Math.abs(ratio - 1) <= tolerance,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function child(task: 'write' | 'measure', of: MemoryCase, folder: string): Promise<string> {
  const script = join(packageRoot, 'dist', 'bench', 'memory', 'child.js');
  // On the main memory, which can be measured: what a GPU's driver reports is the whole device.
  const env = { ...trainerEnvironment(), CUDA_VISIBLE_DEVICES: '' };
  const args = ['--expose-gc', script, task, JSON.stringify(of), folder];
  const { stdout, stderr, exitCode } = await execa(process.execPath, args, { env, reject: false });
  if (exitCode === 0) return stdout;
  throw new TerminalError(
    'bench.failed',
    `the case ${of.name} ended with ${exitCode ?? 'a signal'}:\n${stderr}`,
  );
}
