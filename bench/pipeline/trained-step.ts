import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJsonl } from '../../core/jsonl.js';
import type { Home } from '../../stack/home.js';

/**
 * The furthest step that a phase of a training has made, from the logs in the trainer's work folders, which are the first to
 * know; null where there is none. What a killed trainer left counts until its folder is removed.
 */
export async function trainedStep({ cacheDir }: Home, phase: string): Promise<number | null> {
  const work = join(cacheDir, 'work');
  let furthest: number | null = null;
  for (const folder of await readdir(work).catch(() => [])) {
    const text = await readFile(join(work, folder, 'log.jsonl'), 'utf8').catch(() => '');
    const step = lastStep(text, phase);
    if (step !== null && (furthest === null || step > furthest)) furthest = step;
  }
  return furthest;
}

/** Step of the last row of a training's log, null when it is of another phase; the last line may still be on its way. */
export function lastStep(text: string, phase: string): number | null {
  const end = text.lastIndexOf('\n') + 1;
  const start = text.lastIndexOf('\n', end - 2) + 1;
  const row = (parseJsonl(text.slice(start, end), 'log.jsonl').at(-1) ?? {}) as {
    phase?: string;
    step?: number;
  };
  return row.phase === phase ? (row.step ?? null) : null;
}
