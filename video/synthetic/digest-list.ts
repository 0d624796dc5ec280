import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { toJsonl } from '../../core/jsonl.js';

const Header = z.strictObject({ format: z.literal('synthetic-clips/1'), renderer: z.int(), seed: z.int() });
const Entry = z.strictObject({ path: z.string(), bytes: z.int(), sha256: z.string() });
export type ClipDigest = z.infer<typeof Entry>;

/**
 * Which clips of a folder are complete: a JSONL file, one line each, added once the clip is in place. Its first line
 * says what rendered them; a list of another seed or renderer counts for nothing.
 */
export class DigestList {
  readonly #entries: Map<string, ClipDigest>;

  private constructor(
    readonly file: string,
    entries: readonly ClipDigest[],
  ) {
    this.#entries = new Map(entries.map((e) => [e.path, e]));
  }

  /** Reads the list, or begins an empty one. A last line that a kill cut short is left out. */
  static async open(file: string, renderer: number, seed: number): Promise<DigestList> {
    const [first, ...rest] = await readLines(file);
    const header = Header.safeParse(first);
    if (!header.success || header.data.renderer !== renderer || header.data.seed !== seed) {
      await writeFile(file, toJsonl([{ format: 'synthetic-clips/1', renderer, seed }]));
      return new DigestList(file, []);
    }
    const entries = rest.flatMap((line) => Entry.safeParse(line).data ?? []);
    return new DigestList(file, entries);
  }

  get(path: string): ClipDigest | undefined {
    return this.#entries.get(path);
  }

  async add(entries: readonly ClipDigest[]): Promise<void> {
    for (const entry of entries) this.#entries.set(entry.path, entry);
    // A line of its own first: the last one may have been cut short.
    await appendFile(this.file, '\n' + toJsonl(entries));
  }
}

async function readLines(file: string): Promise<unknown[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line): unknown[] => {
    try {
      return line === '' ? [] : [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}
