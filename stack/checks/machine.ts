import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../core/package-root.js';
import type { Home } from '../home.js';
import { outputOf, type Check } from './check.js';

const gigabyte = 1e9;

/** The TensorFlow backend at work, GPU, processor, memory and disk. */
export async function checkMachine(home: Home): Promise<Check[]> {
  return [await checkBackend(), await checkGpu(), checkMemory(), checkDisk(home)];
}

const Probe = z.object({ backend: z.string(), tensorflow: z.string(), gpu: z.boolean(), gflops: z.number() });

/** Loads TensorFlow in a process of its own and multiplies matrices: a library that does not fit ends its process. */
async function checkBackend(): Promise<Check> {
  const name = 'TensorFlow';
  const script = join(packageRoot, 'scripts', 'setup', 'probe-backend.mjs');
  const said = await outputOf(process.execPath, [script], 60_000);
  const line = said?.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) {
    return {
      name,
      ok: 'warning',
      found:
        'the library does not load; TensorFlow.js would run in plain JavaScript, hundreds of times slower',
      fix: `install Python 3 with pip and a C++ compiler, then npm run setup; node ${script} shows why it does not load`,
    };
  }
  const probe = Probe.parse(JSON.parse(line));
  const device = probe.gpu ? 'GPU (never tried)' : 'CPU';
  return {
    name,
    ok: true,
    found: `${probe.tensorflow} on ${device}, ${probe.gflops} GFLOP/s in a 1024 matrix product`,
  };
}

async function checkGpu(): Promise<Check> {
  const said = await outputOf('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader']);
  return { name: 'GPU', ok: true, found: said?.trim().replaceAll('\n', '; ') ?? 'none (the CPU is used)' };
}

function checkMemory(): Check {
  // A container's limit where there is one.
  const total = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  const free = Math.min(availableMemory(), total);
  const enough = total > 5.5 * gigabyte;
  return {
    name: 'memory',
    ok: enough ? true : 'warning',
    found: `${(free / gigabyte).toFixed(1)} of ${(total / gigabyte).toFixed(1)} GB free, ${availableParallelism()} cores`,
    ...(enough ? {} : { fix: 'the demo is measured on 6 GB; with less, stop other programs' }),
  };
}

/** Free memory with what the kernel would give back from its caches. */
function availableMemory(): number {
  if (!existsSync('/proc/meminfo')) return freemem();
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}

function checkDisk(home: Home): Check {
  let folder = home.root;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const ok = free > 5 * gigabyte ? true : free > gigabyte ? ('warning' as const) : false;
  return {
    name: 'disk',
    ok,
    found: `${(free / gigabyte).toFixed(1)} GB free for ${home.root}`,
    ...(ok === true ? {} : { fix: 'free some space, or point HINDSIGHT_HOME at a larger disk' }),
  };
}
