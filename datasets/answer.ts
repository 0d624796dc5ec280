import { abnormalFields, countWords, normalFields, steps, type AnswerField } from './write-answer.js';
import type { Label, Span } from './sample.js';
import { canonicalCategory, type Category } from './taxonomy.js';

/** Under `verdict` `<which>` is Abnormal or Normal; under `category` it is a leaf of the taxonomy, or Normal. */
export type AnswerPrompt = 'verdict' | 'category';
/**
 * `direct`: an answer without `<think>`; `single`: one pass; `reflective`: first pass, reflection, second pass;
 * `two-pass`: the same without the reflection between.
 */
export const completionShapes = ['direct', 'single', 'two-pass', 'reflective'] as const;
export type CompletionShape = (typeof completionShapes)[number];

/** Whether a completion of this shape answers twice, so that there is a first and a final answer. */
export function answersTwice(shape: CompletionShape): boolean {
  return shape === 'two-pass' || shape === 'reflective';
}

/**
 * How reading an answer went. `ok`: there is a verdict. `missing-which`: no closed `<which>`. `repeated-tag`: a tag stands
 * twice, so the answer is not unique. `category-for-verdict`: a fine category where Abnormal or Normal was asked.
 * `not-a-verdict`, `not-a-category`: any other content of `<which>`. `missing-pass`: a reflective completion without
 * second pass.
 */
export type AnswerOutcome =
  | 'ok'
  | 'missing-which'
  | 'repeated-tag'
  | 'category-for-verdict'
  | 'not-a-verdict'
  | 'not-a-category'
  | 'missing-pass';

export interface ParsedAnswer {
  readonly outcome: AnswerOutcome;
  /** Null unless the outcome is `ok`. */
  readonly verdict: Label | null;
  /** The leaf that `<which>` names (prompt `category`), or that `<what>` is the name of (prompt `verdict`). */
  readonly category: Category | null;
  readonly which: string | null;
  readonly what: string | null;
  /** `<when>` if it is 0 <= start < end <= 1 and the verdict is Abnormal. */
  readonly span: Span | null;
  readonly where: string | null;
  readonly why: string | null;
  readonly how: string | null;
}

export interface ParsedPass {
  readonly text: string;
  /** The whole pass matches the normal or the abnormal pattern, and `<which>` agrees with the pattern. */
  readonly formatValid: boolean;
  /** Texts of `<step1>` .. `<step4>`, null where absent or unreadable. */
  readonly steps: readonly (string | null)[];
  readonly answer: ParsedAnswer;
}

export interface ParsedCompletion {
  /** One pass (direct, single, or the second one is missing) or two. */
  readonly passes: readonly ParsedPass[];
  /** Text of `<reflection>`; null when missing, empty or repeated. */
  readonly reflection: string | null;
  /** The first answer; the only one in a single pass. */
  readonly first: ParsedAnswer;
  /** The answer that counts: the last one asked for. */
  readonly final: ParsedAnswer;
  /** The whole completion matches the grammar of its shape. */
  readonly formatValid: boolean;
  /** Words without tags, over the whole completion. */
  readonly words: number;
}

interface Tag {
  readonly name: string;
  readonly closing: boolean;
  readonly at: number;
  readonly end: number;
}

function findTags(text: string): Tag[] {
  return [...text.matchAll(/<(\/?)([A-Za-z][A-Za-z0-9_-]*)>/g)].map((m) => ({
    name: m[2]!,
    closing: m[1] === '/',
    at: m.index,
    end: m.index + m[0].length,
  }));
}

const known: ReadonlySet<string> = new Set([...steps, ...abnormalFields, 'think', 'answer', 'reflection']);

type Patterns = Readonly<Record<Label, readonly string[]>>;

const pair = (name: string): string[] => [name, `/${name}`];
const answerTags = (fields: readonly string[]): string[] => ['answer', ...fields.flatMap(pair), '/answer'];
const thinkTags = (stepCount: number): string[] => [
  'think',
  ...steps.slice(0, stepCount).flatMap(pair),
  '/think',
];
/** The grammar's tags in their order, e.g. `think`, `step1`, `/step1`, ... */
const patterns: Patterns = {
  Normal: [...thinkTags(2), ...answerTags(normalFields)],
  Abnormal: [...thinkTags(4), ...answerTags(abnormalFields)],
};
const directPatterns: Patterns = { Normal: answerTags(normalFields), Abnormal: answerTags(abnormalFields) };

/**
 * Whether the pass is exactly one of the two patterns. The pattern is chosen by the verdict, which closes the loophole of
 * the released format reward: there a two-step answer that says Abnormal, with when and how, is a valid "normal" one.
 */
function matchesPattern(
  text: string,
  tags: readonly Tag[],
  answer: ParsedAnswer,
  allowed: Patterns,
): boolean {
  if (answer.outcome !== 'ok' || answer.verdict === null) return false;
  if (answer.verdict === 'Abnormal' && answer.span === null) return false;
  const expected = allowed[answer.verdict];
  if (tags.length !== expected.length) return false;
  let inAnswer = false;
  let from = 0;
  for (const [i, tag] of tags.entries()) {
    const name = (tag.closing ? '/' : '') + tag.name;
    if (name !== expected[i]) return false;
    const before = text.slice(from, tag.at);
    const isLeafEnd = tag.closing && tag.name !== 'think' && tag.name !== 'answer';
    if (isLeafEnd ? before.trim() === '' : before.trim() !== '' && !inAnswer) return false;
    if (name === 'answer') inAnswer = true;
    if (name === '/answer') inAnswer = false;
    from = tag.end;
  }
  return text.slice(from).trim() === '';
}

/** What stands in a tag that is opened and closed with nothing but text between; null otherwise. */
function contentOf(text: string, tags: readonly Tag[], name: string): string | null {
  const open = tags.findIndex((tag) => tag.name === name && !tag.closing);
  const next = tags[open + 1];
  if (open < 0 || next === undefined || next.name !== name || !next.closing) return null;
  const content = text.slice(tags[open]!.end, next.at).trim();
  return content === '' ? null : content;
}

function parseSpan(text: string | null): Span | null {
  const match = /^\[\s*(\d*\.?\d+)\s*,\s*(\d*\.?\d+)\s*\]$/.exec(text ?? '');
  if (match === null) return null;
  const [start, end] = [Number(match[1]), Number(match[2])];
  return start < end && end <= 1 ? [start, end] : null;
}

const unread = (outcome: AnswerOutcome): ParsedAnswer => ({
  outcome,
  verdict: null,
  category: null,
  which: null,
  what: null,
  span: null,
  where: null,
  why: null,
  how: null,
});

function verdictOf(
  which: string,
  prompt: AnswerPrompt,
): Pick<ParsedAnswer, 'outcome' | 'verdict' | 'category'> {
  if (which === 'Normal' || which === 'Abnormal') return { outcome: 'ok', verdict: which, category: null };
  const category = canonicalCategory(which);
  if (prompt === 'category') {
    return category === null
      ? { outcome: 'not-a-category', verdict: null, category: null }
      : { outcome: 'ok', verdict: 'Abnormal', category };
  }
  return {
    outcome: category === null ? 'not-a-verdict' : 'category-for-verdict',
    verdict: null,
    category: null,
  };
}

function parsePass(text: string, prompt: AnswerPrompt, allowed: Patterns = patterns): ParsedPass {
  const tags = findTags(text);
  const seen = new Set<string>();
  let repeated = false;
  for (const tag of tags) {
    const name = (tag.closing ? '/' : '') + tag.name;
    if (known.has(tag.name) && seen.has(name)) repeated = true;
    seen.add(name);
  }
  if (repeated) {
    return { text, formatValid: false, steps: steps.map(() => null), answer: unread('repeated-tag') };
  }
  const field = (name: AnswerField): string | null => contentOf(text, tags, name);
  const which = field('which');
  const judged: Pick<ParsedAnswer, 'outcome' | 'verdict' | 'category'> =
    which === null ? { outcome: 'missing-which', verdict: null, category: null } : verdictOf(which, prompt);
  const what = field('what');
  const answer: ParsedAnswer = {
    ...judged,
    category:
      judged.category ?? (judged.verdict === 'Abnormal' && what !== null ? canonicalCategory(what) : null),
    which,
    what,
    span: judged.verdict === 'Abnormal' ? parseSpan(field('when')) : null,
    where: field('where'),
    why: field('why'),
    how: field('how'),
  };
  return {
    text,
    formatValid: matchesPattern(text, tags, answer, allowed),
    steps: steps.map((name) => contentOf(text, tags, name)),
    answer,
  };
}

interface Cut {
  readonly first: string;
  readonly reflection: string | null;
  /** Whether any mark of a reflection stands in the text. */
  readonly reflected: boolean;
  readonly second: string | null;
  readonly repeated: boolean;
}

/** Cuts a completion of two passes at its reflection, or, when that is missing or open, at the second `<think>`. */
function cutPasses(text: string): Cut {
  const tags = findTags(text);
  const marks = tags.filter((tag) => tag.name === 'reflection');
  const [open, close] = marks;
  const reflected = marks.length > 0;
  if (marks.length === 2 && !open!.closing && close!.closing) {
    const inside = text.slice(open!.end, close!.at).trim();
    const plain = !tags.some((tag) => tag.at > open!.at && tag.at < close!.at);
    const second = text.slice(close!.end);
    return {
      first: text.slice(0, open!.at),
      reflection: plain && inside !== '' ? inside : null,
      reflected,
      second: second.trim() === '' ? null : second,
      repeated: false,
    };
  }
  if (marks.length > 1) {
    return { first: text.slice(0, open!.at), reflection: null, reflected, second: null, repeated: true };
  }
  const thinks = tags.filter((tag) => tag.name === 'think' && !tag.closing);
  const again = thinks[1];
  const firstEnd = Math.min(open?.at ?? Infinity, again?.at ?? Infinity, text.length);
  return {
    first: text.slice(0, firstEnd),
    reflection: null,
    reflected,
    second: again === undefined ? null : text.slice(again.at),
    repeated: false,
  };
}

/**
 * Reads what a model wrote: never throws, whatever the text. The answer is read even where the format is broken, as long
 * as its tags are unique; `formatValid` is strict.
 */
export function parseCompletion(
  text: string,
  expected: { readonly prompt: AnswerPrompt; readonly shape: CompletionShape },
): ParsedCompletion {
  const words = countWords(text);
  if (!answersTwice(expected.shape)) {
    const pass = parsePass(text, expected.prompt, expected.shape === 'direct' ? directPatterns : patterns);
    return {
      passes: [pass],
      reflection: null,
      first: pass.answer,
      final: pass.answer,
      formatValid: pass.formatValid,
      words,
    };
  }
  const cut = cutPasses(text);
  const first = parsePass(cut.first, expected.prompt);
  if (cut.second === null) {
    return {
      passes: [first],
      reflection: cut.reflection,
      first: first.answer,
      final: unread(cut.repeated ? 'repeated-tag' : 'missing-pass'),
      formatValid: false,
      words,
    };
  }
  const second = parsePass(cut.second, expected.prompt);
  return {
    passes: [first, second],
    reflection: cut.reflection,
    first: first.answer,
    final: second.answer,
    formatValid:
      first.formatValid &&
      second.formatValid &&
      (expected.shape === 'reflective' ? cut.reflection !== null : cut.reflected === false),
    words,
  };
}
