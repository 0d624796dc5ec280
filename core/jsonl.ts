import { InputError } from './errors.js';

/** One JSON document per line, each ended by a newline: the format of every list artifact. */
export function toJsonl(records: Iterable<unknown>): string {
  let text = '';
  for (const record of records) text += JSON.stringify(record) + '\n';
  return text;
}

/** Reads JSONL; blank lines and a missing last newline are fine. Throws an {@link InputError} naming the line. */
export function parseJsonl(text: string, file: string): unknown[] {
  const records: unknown[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      records.push(JSON.parse(line));
    } catch (cause) {
      throw new InputError(
        'jsonl.not-json',
        { file, line: index + 1, found: line.slice(0, 60) },
        'this line is not JSON',
        { cause },
      );
    }
  }
  return records;
}
