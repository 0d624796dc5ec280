import { join } from 'node:path';
import type { WorkerKind } from '../workers/main.js';
import { distFolder } from './build-digest.js';

/** How to start one worker process of the stack. */
export interface WorkerCommand {
  /** Names its log file and its line in the status. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Beside the stack's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One process each. `orchestrate` also serves the `control` queue; `llm` is for served teachers, which come later. */
export const workerProcesses = ['orchestrate', 'media', 'gpu'] as const;

export function workerCommands(): WorkerCommand[] {
  return workerProcesses.map(workerCommand);
}

/** One of those processes, or `llm`. */
export function workerCommand(name: WorkerKind): WorkerCommand {
  const main = join(distFolder, 'workers', 'main.js');
  return {
    name,
    command: process.execPath,
    args: ['--enable-source-maps', main, name],
    // Buffers of decoded frames are taken and freed by many threads. With glibc's eight arenas a core, each keeps what its
    // threads once held at most: over an hour of shards 241 MB, 5.5% more at its end; with two arenas 193 MB, and no more.
    ...(name === 'media' && { env: { MALLOC_ARENA_MAX: '2' } }),
  };
}
