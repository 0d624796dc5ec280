import { posix } from 'node:path';
import { z } from 'zod';
import type { Split } from '../../config/dataset.js';
import { InputError } from '../../core/errors.js';
import type { Annotation, ImportResult, Intervals, Warning } from '../annotation.js';
import { parseCompletion } from '../answer.js';
import type { Reject } from '../sample.js';
import { canonicalCategory } from '../taxonomy.js';
import { readRows, type Row } from './json-lines.js';
import { describeIssues } from './row-issues.js';

const name = z.string().min(1);

/** A row of the released SFT files: fine category, frame indices (0-based, half open), reasoning text. */
const SftRow = z.object({
  source: name,
  anomaly_type: name,
  path: name,
  total_frames: z.int().min(1),
  start: z.number().nullish(),
  end: z.number().nullish(),
  think: z.string(),
  answer: z.string(),
});

/** A row of the released RL file: the label of the whole video. */
const RlRow = z.object({ source: name, path: name, solution: z.enum(['Abnormal', 'Normal']) });

/**
 * Reads the released Vad-Reasoning files (Vad-R1, arXiv 2505.19877), SFT or RL shape, told apart by their keys. The id is
 * source and file name, since `video` is written in several ways. Paths are the author's: `prefixMap` replaces their start,
 * the longest prefix first.
 */
export function importVadReasoning(source: {
  readonly text: string;
  readonly file: string;
  readonly prefixMap: Readonly<Record<string, string>>;
  readonly split: Split | null;
}): ImportResult {
  const { rows, rejects: unreadable } = readRows(source.text, source.file);
  if (!rows.some(({ value }) => 'solution' in value || 'think' in value)) {
    throw new InputError(
      'datasets.not-vad-reasoning',
      {
        file: source.file,
        found: Object.keys(rows[0]!.value).join(', '),
        allowed: 'rows with think and answer (SFT) or solution (RL)',
      },
      'no row has the keys of a Vad-Reasoning file',
    );
  }
  const rejects: Reject[] = [...unreadable];
  const warnings: Warning[] = [];
  const annotations: Annotation[] = [];
  const lineOf = new Map<string, number>();
  for (const row of rows) {
    const read = 'solution' in row.value ? readRl(row) : readSft(row, warnings);
    if ('reason' in read) {
      rejects.push(read);
      continue;
    }
    const id = `${read.source}/${stem(read.path)}`;
    const earlier = lineOf.get(id);
    if (earlier !== undefined) {
      rejects.push({
        id,
        from: row.from,
        reason: 'duplicate-id',
        message: `${id} already stands in line ${earlier}`,
      });
      continue;
    }
    lineOf.set(id, row.line);
    annotations.push({
      id,
      path: mapPrefix(read.path, source.prefixMap),
      label: read.label,
      category: read.category,
      intervals: read.intervals,
      split: source.split,
      group: groupOf(read.source, stem(read.path)),
      place: null,
      description: null,
      reasoning: read.reasoning,
      from: row.from,
    });
  }
  return { annotations, rejects, warnings };
}

interface ReadRow extends Pick<Annotation, 'label' | 'category' | 'intervals' | 'reasoning'> {
  readonly source: string;
  readonly path: string;
}

function badRow(row: Row, error: z.ZodError, fields: string[]): Reject {
  const { path } = row.value;
  return {
    id: typeof path === 'string' ? path : row.from,
    from: row.from,
    reason: 'bad-field',
    message: describeIssues(error, row.value, fields),
  };
}

function readRl(row: Row): ReadRow | Reject {
  const parsed = RlRow.safeParse(row.value);
  if (!parsed.success) return badRow(row, parsed.error, Object.keys(RlRow.shape));
  const { source, path, solution } = parsed.data;
  return { source, path, label: solution, category: null, intervals: null, reasoning: null };
}

function readSft(row: Row, warnings: Warning[]): ReadRow | Reject {
  const parsed = SftRow.safeParse(row.value);
  if (!parsed.success) return badRow(row, parsed.error, Object.keys(SftRow.shape));
  const { source, path, anomaly_type, start, end, total_frames } = parsed.data;
  const label = anomaly_type === 'Normal' ? 'Normal' : 'Abnormal';
  let intervals: Intervals | null = null;
  if (label === 'Abnormal' && typeof start === 'number' && typeof end === 'number') {
    if (start < 0 || start >= end) {
      return {
        id: path,
        from: row.from,
        reason: 'bad-span',
        message: `the anomaly starts at frame ${start} and ends at ${end}`,
      };
    }
    intervals = {
      unit: 'frames',
      base: 0,
      endInclusive: false,
      totalFrames: total_frames,
      spans: [[start, end]],
    };
  }
  const reasoning = cleanReasoning(parsed.data, row.from, warnings);
  return {
    source,
    path,
    label,
    category: label === 'Normal' ? null : anomaly_type,
    intervals,
    reasoning,
  };
}

/**
 * The reasoning text of a row with invisible characters, runs of white space and stray markup removed (one released row
 * has `<loc> middle-left>` in its text). Null, with a warning, when it is not the grammar or speaks of another category.
 */
function cleanReasoning(
  row: z.infer<typeof SftRow>,
  from: string,
  warnings: Warning[],
): Annotation['reasoning'] {
  const clean = (text: string): string =>
    text
      .replace(/\p{Cf}/gu, '')
      .replace(/<loc>\s*([^<>]*)>/g, '$1')
      .replace(/<\/?loc>/g, '')
      .replace(/\s+/g, ' ')
      .trim();
  const think = clean(row.think);
  const answer = clean(row.answer);
  const { final, formatValid } = parseCompletion(`${think} ${answer}`, {
    prompt: 'category',
    shape: 'single',
  });
  const says = final.verdict === 'Normal' ? 'Normal' : final.category;
  const expected = row.anomaly_type === 'Normal' ? 'Normal' : canonicalCategory(row.anomaly_type);
  if (formatValid && (says === expected || expected === null)) return { think, answer };
  const problem = formatValid
    ? `it answers ${says ?? 'nothing'}, the row is ${row.anomaly_type}`
    : 'it does not follow the tag grammar';
  warnings.push({
    from,
    code: 'reasoning-dropped',
    message: `the row's own reasoning is not used: ${problem}`,
  });
  return null;
}

/** File name without folder and extension. */
function stem(path: string): string {
  const base = posix.basename(path);
  return base.replace(/\.(mp4|avi|mkv|mov|webm)$/i, '');
}

/**
 * Clips of one film or upload belong together: XD-Violence names are `<film>__#<times>_label_<codes>`, ids of the internet
 * clips start with the upload's number. Elsewhere a video is its own group.
 */
function groupOf(source: string, fileStem: string): string {
  if (source === 'XD') {
    const film = fileStem
      .split('#')[0]!
      .replace(/_label_[^_]*$/, '')
      .replace(/_+$/, '');
    return `XD/${film === '' ? fileStem : film}`;
  }
  if (source === 'NEW') return `NEW/${/^\d+/.exec(fileStem)?.[0] ?? fileStem}`;
  return `${source}/${fileStem.replace(/_x264$/, '')}`;
}

function mapPrefix(path: string, prefixMap: Readonly<Record<string, string>>): string {
  const entries = Object.entries(prefixMap)
    .map(([from, to]) => [from.replace(/\/+$/, ''), to.replace(/\/+$/, '')] as const)
    .sort(([a], [b]) => b.length - a.length);
  for (const [from, to] of entries) if (path.startsWith(`${from}/`)) return to + path.slice(from.length);
  return path;
}
