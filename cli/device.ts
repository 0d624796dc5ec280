import { availableParallelism, totalmem } from 'node:os';
import { execa } from 'execa';
import { InputError } from '../core/errors.js';
import { cpuSpeed, gpuSpeed } from '../training/time-estimate.js';
import type { DeviceSpeed } from '../training/time-estimate.js';

/** Where the GPU queue's work is meant to run. */
export interface Device {
  /** In words, for messages. */
  readonly name: string;
  /** Bytes. */
  readonly memory: number;
  /** `assumed`: the main memory of this machine, since it has no GPU; the worker may be elsewhere. */
  readonly source: 'stated' | 'gpu' | 'assumed';
  readonly speed: DeviceSpeed;
}

/** The device stated with `--device-memory`, else the GPU of this machine, else its cores and main memory. */
export async function detectDevice(stated: string | undefined): Promise<Device> {
  if (stated !== undefined) {
    return { name: `a device of ${stated}`, memory: parseBytes(stated), source: 'stated', speed: gpuSpeed };
  }
  const gpu = await firstGpu();
  if (gpu !== null) return { ...gpu, source: 'gpu', speed: gpuSpeed };
  const cores = availableParallelism();
  return {
    name: `this machine (${cores} cores, no GPU)`,
    memory: Math.min(totalmem(), process.constrainedMemory() || Infinity),
    source: 'assumed',
    speed: cpuSpeed(cores),
  };
}

async function firstGpu(): Promise<{ name: string; memory: number } | null> {
  const asked = await execa(
    'nvidia-smi',
    ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'],
    {
      reject: false,
      timeout: 10_000,
      stdin: 'ignore',
    },
  );
  const [name, mebibytes] =
    String(asked.stdout ?? '')
      .split('\n')[0]
      ?.split(', ') ?? [];
  const memory = Number(mebibytes) * 2 ** 20;
  return asked.failed || name === undefined || !(memory > 0) ? null : { name, memory };
}

const units: Readonly<Record<string, number>> = {
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** Bytes of `80GiB`, `24 GB`, `512MiB`. Throws an {@link InputError} for anything else. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([MGT]i?B)$/i.exec(text.trim());
  const unit = units[match?.[2]?.toUpperCase() ?? ''];
  if (match === null || unit === undefined) {
    throw new InputError(
      'cli.not-a-size',
      { file: '--device-memory', found: text, allowed: 'a number with MB, GB, MiB or GiB, e.g. 80GiB' },
      'this is not a size',
    );
  }
  return Number(match[1]) * unit;
}
