import { mkdir, mkdtemp, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { execa } from 'execa';
import { TerminalError } from '../../core/errors.js';
import { packageRoot } from '../../core/package-root.js';
import { parsePolicyConfig } from '../../policy/config.js';
import { parameterCount } from '../../policy/parameters.js';
import { trainerEnvironment } from '../../workers/trainer-environment.js';
import { LoadMeasurement } from './protocol.js';
import { writeRandomCheckpoint } from './random-checkpoint.js';
import { SHAPES, type ShapeName } from './shapes.js';

/** Loading and one forward pass may need this much above the float32 size of the model. */
export const ALLOWANCE = 3e9;

export interface LoadResult extends LoadMeasurement {
  readonly model: string;
  readonly bytesOnDisk: number;
  /** Null when the model was there already. */
  readonly writeSeconds: number | null;
  /** What the model took at its peak: the peak without what the process held before. */
  readonly used: number;
  readonly limit: number;
  readonly withinLimit: boolean;
}

export interface LoadRequest {
  /** A made-up model of this shape, */
  readonly shape: ShapeName;
  /** or one that is there. */
  readonly model?: string;
  /** Where the made-up model is written; a folder of its own in the system's folder for temporary files when absent. */
  readonly folder?: string;
  /** Leaves the made-up model there. */
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

/**
 * Measures what loading a model and one forward pass need, in a process of its own with the trainer's environment.
 * TerminalErrors `bench.no-space`, `bench.no-memory`, `bench.folder-in-use`.
 */
export async function measureLoad(request: LoadRequest): Promise<LoadResult> {
  const { say } = request;
  if (request.model !== undefined) {
    const config: unknown = JSON.parse(await readFile(join(request.model, 'config.json'), 'utf8'));
    await checkMemory(config);
    return run(request.model, request.model, null, say);
  }
  const config = SHAPES[request.shape];
  await checkMemory(config);
  const folder = request.folder ?? (await mkdtemp(join(tmpdir(), 'hindsight-bench-load-')));
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new TerminalError('bench.folder-in-use', `${folder} is not empty`, {
      fix: 'name a new folder, or measure the model that is there with --model',
    });
  }
  try {
    const bytes = 2 * parameterCount(parsePolicyConfig(config, 'config.json'));
    await checkSpace(folder, bytes);
    const start = performance.now();
    const tenth = bytes / 10;
    let next = tenth;
    await writeRandomCheckpoint(folder, config, (done) => {
      if (done < next) return;
      say(`written ${gigabytes(done)} of ${gigabytes(bytes)} to ${folder}`);
      next += tenth;
    });
    const seconds = (performance.now() - start) / 1000;
    return await run(folder, `random ${request.shape}`, seconds, say);
  } finally {
    if (request.keep) say(`the model stays in ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

/** TerminalError `bench.no-space` when the disk of a folder cannot take `needed` bytes and a tenth. */
export async function checkSpace(folder: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  // The header and the file system's own need are small beside a tenth.
  if (bavail * bsize >= 1.1 * needed) return;
  throw new TerminalError(
    'bench.no-space',
    `${folder} has ${gigabytes(bavail * bsize)} free; the model takes ${gigabytes(needed)}`,
    { fix: 'name a folder on another disk with --folder, or try --shape small' },
  );
}

async function checkMemory(config: unknown): Promise<void> {
  const needed = 4 * parameterCount(parsePolicyConfig(config, 'config.json')) + ALLOWANCE;
  const found = /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile('/proc/meminfo', 'utf8'));
  const available = found === null ? Infinity : Number(found[1]) * 1024;
  if (available >= needed) return;
  throw new TerminalError(
    'bench.no-memory',
    `this machine has ${gigabytes(available)} of memory available; loading may take ${gigabytes(needed)}`,
    { fix: 'end other programs, or try --shape small' },
  );
}

async function run(
  folder: string,
  model: string,
  writeSeconds: number | null,
  say: (line: string) => void,
): Promise<LoadResult> {
  let bytesOnDisk = 0;
  for (const name of await readdir(folder)) {
    if (name.endsWith('.safetensors')) bytesOnDisk += (await stat(join(folder, name))).size;
  }
  say(`loading ${gigabytes(bytesOnDisk)} from ${folder}`);
  const child = join(packageRoot, 'dist', 'bench', 'load', 'child.js');
  const { stdout } = await execa(process.execPath, [child, folder], {
    env: trainerEnvironment(),
    stderr: 'inherit',
  });
  const measured = LoadMeasurement.parse(JSON.parse(stdout.trim().split('\n').at(-1)!));
  const used = measured.peak - measured.residentBefore;
  const limit = measured.float32Bytes + ALLOWANCE;
  return { ...measured, model, bytesOnDisk, writeSeconds, used, limit, withinLimit: used < limit };
}
