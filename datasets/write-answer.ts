import type { Span } from './sample.js';

/**
 * The tag grammar of a completion (Vad-R1, arXiv 2505.19877). A pass is
 *
 *     <think> <step1>..</step1> <step2>..</step2> [<step3>..</step3> <step4>..</step4>] </think> <answer> .. </answer>
 *
 * with two steps and which, what, why for a normal video, four steps and which, what, when, where, why, how for an
 * abnormal one. Inside `<answer>` prose may stand between the tags. A reflective completion is a pass, then
 * `<reflection>..</reflection>`, then a second pass. This file writes the grammar; answer.ts reads it.
 */
export const normalFields = ['which', 'what', 'why'] as const;
export const abnormalFields = ['which', 'what', 'when', 'where', 'why', 'how'] as const;
export type AnswerField = (typeof abnormalFields)[number];
export const steps = ['step1', 'step2', 'step3', 'step4'] as const;

/** The answer about a normal video; `which` is `Normal`. */
export interface NormalAnswer {
  readonly which: string;
  readonly what: string;
  readonly why: string;
}

/** The answer about an abnormal video; `which` is `Abnormal` or the fine category, by the prompt. */
export interface AbnormalAnswer extends NormalAnswer {
  /** Fractions of what the policy sees. */
  readonly when: Span;
  readonly where: string;
  readonly how: string;
}

const element = (tag: string, text: string): string =>
  `<${tag}> ${text.replace(/\s+/g, ' ').trim()} </${tag}>`;

/** A time of `<when>` and of the perception line: three decimals. */
export function formatTime(fraction: number): string {
  return fraction.toFixed(3);
}

/** `[ 0.125 , 0.500 ]`: single spaces, so that a word tokenizer gives back the same text. */
export function formatSpan([start, end]: Span): string {
  return `[ ${formatTime(start)} , ${formatTime(end)} ]`;
}

/** `<think>` with two steps (normal) or four (abnormal). */
export function writeThink(
  texts: readonly [string, string] | readonly [string, string, string, string],
): string {
  return `<think> ${texts.map((text, i) => element(steps[i]!, text)).join(' ')} </think>`;
}

/** `<answer>` with the fields of a normal or an abnormal video, in the order the grammar wants. */
export function writeAnswer(answer: NormalAnswer | AbnormalAnswer): string {
  const texts: Partial<Record<AnswerField, string>> =
    'when' in answer ? { ...answer, when: formatSpan(answer.when) } : { ...answer };
  const fields = 'when' in answer ? abnormalFields : normalFields;
  return `<answer> ${fields.map((field) => element(field, texts[field] ?? '')).join(' ')} </answer>`;
}

/** `<reflection>` between two passes. */
export function writeReflection(text: string): string {
  return element('reflection', text);
}

/** A pass without its `<think>`. */
export function withoutReasoning(pass: string): string {
  return pass.replace(/<think>[\s\S]*?<\/think>\s*/g, '');
}

/** What follows a first pass, without `<reflection>`. */
export function withoutReflection(rest: string): string {
  return rest.replace(/<reflection>[\s\S]*?<\/reflection>\s*/g, '');
}

/** Words of a completion: what stands between white space once tags are out, punctuation alone not counted. */
export function countWords(text: string): number {
  return text
    .replace(/<\/?[A-Za-z][A-Za-z0-9_-]*>/g, ' ')
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}
