import { posix, resolve } from 'node:path';
import { z } from 'zod';
import { splits } from '../../config/dataset.js';
import type { Annotation, ImportResult } from '../annotation.js';
import { Label, type Reject } from '../sample.js';
import { readRows } from './json-lines.js';
import { describeIssues } from './row-issues.js';

const Seconds = z.number().min(0);

/** One line of our own annotation format. Only `path` and `label` are needed. */
export const JsonlRow = z.strictObject({
  path: z.string().min(1).describe('the video, relative to the folder of videos, or absolute'),
  label: Label.describe('Normal or Abnormal'),
  category: z.string().optional().describe('a leaf of the taxonomy; only on Abnormal'),
  spans: z
    .array(
      z
        .tuple([Seconds, Seconds])
        .refine(([start, end]) => start < end, 'a span needs start < end, in seconds'),
    )
    .optional()
    .describe('every anomalous span as [start, end] in seconds of the video; only on Abnormal'),
  split: z.enum(splits).optional().describe('the split it must be in; default: seeded shares'),
  group: z
    .string()
    .min(1)
    .optional()
    .describe('film, camera or source video; one group is never on two sides of a split; default: the id'),
  place: z.string().min(1).optional().describe('where in the picture, e.g. "on the left"'),
  description: z.string().min(1).optional().describe('one sentence about the event'),
  id: z.string().min(1).optional().describe('unique name; default: the path without its extension'),
});
export type JsonlRow = z.input<typeof JsonlRow>;

const fields = Object.keys(JsonlRow.shape);

/**
 * Reads an annotation file in our own format, one {@link JsonlRow} per line. Lines with errors and lines that name a
 * video or an id a second time become rejects.
 *
 * @param source.file base name, for messages
 * @param source.videos folder that relative paths start from
 */
export function importJsonl(source: {
  readonly text: string;
  readonly file: string;
  readonly videos: string;
}): ImportResult {
  const { rows, rejects: unreadable } = readRows(source.text, source.file);
  const rejects: Reject[] = [...unreadable];
  const annotations: Annotation[] = [];
  const lineOf = new Map<string, number>();
  for (const { value, line, from } of rows) {
    const parsed = JsonlRow.safeParse(value);
    if (!parsed.success) {
      rejects.push({
        id: typeof value.path === 'string' && value.path !== '' ? value.path : from,
        from,
        reason: 'bad-field',
        message: describeIssues(parsed.error, value, fields),
      });
      continue;
    }
    const row = parsed.data;
    const path = resolve(source.videos, row.path);
    const id = row.id ?? withoutExtension(row.path);
    const twice = [
      ['duplicate-path', `path ${path}`, `the video ${row.path} is already annotated`],
      ['duplicate-id', `id ${id}`, `the id ${id} is already taken`],
    ].find(([, key]) => lineOf.has(key!));
    if (twice !== undefined) {
      const [reason, key, message] = twice as [string, string, string];
      rejects.push({ id, from, reason, message: `${message} by line ${lineOf.get(key)}` });
      continue;
    }
    lineOf.set(`path ${path}`, line).set(`id ${id}`, line);
    annotations.push({
      id,
      path,
      label: row.label,
      category: row.category ?? null,
      intervals:
        row.spans === undefined || row.spans.length === 0
          ? null
          : { unit: 'seconds', base: 0, endInclusive: false, totalFrames: null, spans: row.spans },
      split: row.split ?? null,
      group: row.group ?? id,
      place: row.place ?? null,
      description: row.description ?? null,
      reasoning: null,
      from,
    });
  }
  return { annotations, rejects, warnings: [] };
}

/** `cam1/a.b.mp4` -> `cam1/a.b`; backslashes of Windows paths become slashes. */
function withoutExtension(path: string): string {
  const normal = posix.normalize(path.replaceAll('\\', '/'));
  const extension = posix.extname(normal);
  return extension === '' ? normal : normal.slice(0, -extension.length);
}
