import type { Sample, Span } from '../../datasets/sample.js';
import { formatSpan } from '../../datasets/write-answer.js';

/** A released `<when>` has three decimals; a larger difference means another span than the sample's. */
const SAME_TIME = 0.002;

/**
 * The reasoning text that came with an annotation, under both prompts: `<which>` is rewritten to what each prompt asks
 * for. Its `<when>` stays unless it differs from the sample's span (several spans, a video of another length).
 *
 * @param grid span of the view on its grid, for a sample without a span of its own
 */
export function rewriteReasoning(
  own: NonNullable<Sample['reasoning']>,
  sample: Sample,
  grid: Span | null,
): { readonly span: Span | null; readonly verdict: string; readonly categoryCompletion: string } {
  const wanted = sample.label === 'Normal' ? null : (sample.target?.span ?? grid);
  const written = readWhen(own.answer);
  let answer = own.answer;
  let span = written;
  if (wanted !== null && (written === null || wanted.some((t, i) => Math.abs(t - written[i]!) > SAME_TIME))) {
    answer = answer.replace(/<when>[^<]*<\/when>/, () => `<when>${formatSpan(wanted)}</when>`);
    span = [Number(wanted[0].toFixed(3)), Number(wanted[1].toFixed(3))];
  }
  const asking = (which: string): string =>
    `${own.think} ${answer.replace(/<which>[^<]*<\/which>/, () => `<which>${which}</which>`)}`;
  return {
    span: sample.label === 'Normal' ? null : span,
    verdict: asking(sample.label),
    categoryCompletion: asking(sample.label === 'Normal' ? 'Normal' : (sample.category ?? 'Abnormal')),
  };
}

function readWhen(answer: string): Span | null {
  const match = /<when>\s*\[\s*([\d.]+)\s*,\s*([\d.]+)\s*\]\s*<\/when>/.exec(answer);
  return match === null ? null : [Number(match[1]), Number(match[2])];
}
