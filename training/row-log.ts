import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { parseJsonl, toJsonl } from '../core/jsonl.js';

/**
 * A JSONL file that grows by whole steps and can be cut back to what a checkpoint holds, so that a resumed run has no
 * doubled rows. Rows never hold times: equal runs write equal bytes.
 */
export class RowLog {
  private constructor(readonly path: string) {}

  /** Starts the file with the given text: empty for a new run, the checkpoint's copy for a resumed one. */
  static start(path: string, text: string): RowLog {
    writeFileSync(path, text);
    return new RowLog(path);
  }

  append(...rows: readonly unknown[]): void {
    appendFileSync(this.path, toJsonl(rows));
  }

  /** All rows so far, for a checkpoint. */
  text(): string {
    return readFileSync(this.path, 'utf8');
  }

  /** All rows so far, read. */
  rows(): Readonly<Record<string, unknown>>[] {
    return parseJsonl(this.text(), this.path) as Record<string, unknown>[];
  }
}
