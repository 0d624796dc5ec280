import { InputError } from '../../core/errors.js';
import type { Reject } from '../sample.js';

/** A line that is a JSON object. */
export interface Row {
  readonly line: number;
  /** Base name of the file and the line, as rejects and warnings name it. */
  readonly from: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * Reads an annotation file line by line: a line that is no JSON object becomes a reject; a file without a single one is
 * not JSONL at all, which is an {@link InputError}. A byte order mark, CRLF, blank lines, trailing blanks and a missing
 * last newline are fine.
 */
export function readRows(
  text: string,
  file: string,
): { readonly rows: readonly Row[]; readonly rejects: readonly Reject[] } {
  const rows: Row[] = [];
  const rejects: Reject[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const content = raw.trim();
    if (content === '') continue;
    const line = index + 1;
    const from = `${file}:${line}`;
    const value = parseObject(content);
    if (value !== null) rows.push({ line, from, value });
    else {
      rejects.push({
        id: from,
        from,
        reason: 'not-json',
        message: `this line is not a JSON object: ${excerpt(content)}`,
      });
    }
  }
  if (rows.length === 0) {
    throw new InputError(
      'datasets.not-jsonl',
      { file, found: text.trim() === '' ? 'an empty file' : excerpt(text.trim()), allowed: 'JSONL' },
      'no line of this file is a JSON object',
      { fix: 'write one JSON object per line; a JSON array or CSV must be converted first' },
    );
  }
  return { rows, rejects };
}

function parseObject(content: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function excerpt(text: string): string {
  const line = text.split('\n')[0]!;
  return line.length > 60 ? `${line.slice(0, 60)}...` : line;
}
