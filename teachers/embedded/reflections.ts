import { Random } from '../../core/random.js';
import { parseCompletion, type ParsedAnswer, type ParsedCompletion } from '../../datasets/answer.js';
import { intervalIoU } from '../../datasets/interval.js';
import type { Draft, Reflection, Target } from '../../datasets/target.js';
import type { Category } from '../../datasets/taxonomy.js';
import { formatTime, writeReflection } from '../../datasets/write-answer.js';
import { phrasesFor } from './phrases.js';
import { secondLook } from './second-look.js';

/** A span that overlaps the true one by less than this is named as wrong. */
const GOOD_OVERLAP = 0.5;

export interface ReflectionInput {
  readonly draft: Draft;
  /** The full view's target of the same sample: what the revised answer must be. */
  readonly target: Target;
  readonly seed: number;
}

export type ReflectionResult =
  | { readonly outcome: 'ok'; readonly reflection: Reflection }
  /** The draft cannot begin a sequence: it was cut off, or it already reflects. */
  | { readonly outcome: 'rejected'; readonly reason: string; readonly message: string }
  | { readonly outcome: 'failed'; readonly reason: string; readonly message: string };

/**
 * Writes the reflection on a real draft, knowing the truth, and the revised answer, which is the truth: a second look at
 * the video, then what it says of the draft. A wrong draft is told what it missed (verdict, span, form), a right one what
 * to look at once more. Never throws on what a model wrote.
 */
export function reflectOn({ draft, target, seed }: ReflectionInput): ReflectionResult {
  const name = `${draft.sampleId}, draft ${draft.draft}`;
  if (draft.finish === 'length') {
    return {
      outcome: 'rejected',
      reason: 'truncated-draft',
      message: `${name} hit the token limit, nothing can follow it`,
    };
  }
  if (/<\/?reflection>/.test(draft.text)) {
    return {
      outcome: 'rejected',
      reason: 'draft-reflects',
      message: `${name} holds a reflection of its own`,
    };
  }
  const read = parseCompletion(draft.text, { prompt: 'verdict', shape: 'single' });
  const random = Random.from(seed, 'reflections', draft.sampleId, draft.draft);
  const first = draft.text.trim();
  const text = `looking again : ${secondLook(target)} . ${judgement(read, target, random)}`;
  const rest = `${writeReflection(text)} ${target.verdict}`;
  const whole = parseCompletion(`${first} ${rest}`, { prompt: 'verdict', shape: 'reflective' });
  if (whole.reflection === null || whole.final.verdict !== target.label || !whole.passes[1]!.formatValid) {
    return {
      outcome: 'failed',
      reason: 'bad-grammar',
      message: `${name}: the sequence does not read back (${whole.final.outcome})`,
    };
  }
  return {
    outcome: 'ok',
    reflection: {
      sampleId: draft.sampleId,
      draft: draft.draft,
      frames: target.frames,
      label: target.label,
      span: target.span,
      draftRight: read.final.verdict === target.label,
      first,
      rest,
      checkpoint: draft.checkpoint,
      seed: draft.seed,
    },
  };
}

/** What the second look says about the first pass. */
function judgement(read: ParsedCompletion, target: Target, random: Random): string {
  const { final } = read;
  const category = target.category as Category | null;
  const phrases = phrasesFor(category);
  const time =
    target.span === null ? '' : `from ${formatTime(target.span[0])} to ${formatTime(target.span[1])}`;
  const form = read.formatValid ? '' : ` , and the form was broken : ${brokenForm(final)}`;
  if (final.verdict !== target.label) {
    const opening =
      final.verdict === null
        ? `my answer gave no clear verdict${form}`
        : `i answered ${final.verdict.toLowerCase()} but that is wrong${form}`;
    const missed =
      target.label === 'Abnormal'
        ? `i should have noted ${phrases.word} ${time} , since ${random.choice(phrases.why)}`
        : `i noted ${claimed(final)} but no part of the video shows it , so nothing breaks the rules`;
    return `${opening} . ${missed} .`;
  }
  const opening = random.choice([
    'checking my answer : the verdict holds',
    'checking my answer : the verdict is right',
  ]);
  if (target.span === null)
    return `${opening}${form} . every part of the video was checked again , none shows an event .`;
  const other = final.category !== null && category !== null && final.category !== category;
  const shown = other
    ? `what happens is ${phrases.word} , not ${claimed(final)}`
    : `${phrases.word} is noted`;
  const when =
    intervalIoU(final.span, [target.span]) >= GOOD_OVERLAP
      ? `${shown} , ${time} , but the reason can be said more clearly`
      : `but the time is ${final.span === null ? 'missing' : 'off'} , ${shown} , and it goes ${time}`;
  return `${opening}${form} . ${when} .`;
}

function brokenForm(final: ParsedAnswer): string {
  return final.outcome === 'repeated-tag' ? 'a tag came twice' : 'a part was missing or in the wrong place';
}

/** What a wrong first answer claimed to see, as one word. */
function claimed({ category }: ParsedAnswer): string {
  return category === null ? 'an event' : phrasesFor(category).word;
}
