import { parseCompletion } from '../../datasets/answer.js';
import type { Target } from '../../datasets/target.js';
import type { Category } from '../../datasets/taxonomy.js';
import { phrasesFor } from './phrases.js';

const columns = ['left', 'centre', 'right'] as const;

/**
 * What a reflection sees before it judges: the perception words of the video from its end to its start, then a word for
 * each third of the picture. The first pass read the video from its start and never by place, so this look may err where
 * the first one did not. A reflection that judges before it looks knows no more than the first pass
 * (docs/decisions/0008).
 */
export function secondLook({ verdict, label, category, words }: Target): string {
  const { where } = parseCompletion(verdict, { prompt: 'verdict', shape: 'single' }).final;
  const word = label === 'Normal' ? 'quiet' : phrasesFor(category as Category | null).word;
  const named = columns.filter((column) => where?.includes(column));
  // A place that is no third of the picture may be anywhere in it.
  const event = new Set<string>(named.length === 0 ? columns : named);
  const byPlace = columns.map((column) => `${column} ${event.has(column) ? word : 'quiet'}`);
  return [[...words].reverse().join(' '), ...byPlace].join(' , ');
}
