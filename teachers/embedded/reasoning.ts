import { Random } from '../../core/random.js';
import { parseCompletion } from '../../datasets/answer.js';
import type { Sample, Span } from '../../datasets/sample.js';
import type { Target } from '../../datasets/target.js';
import type { Category } from '../../datasets/taxonomy.js';
import { formatTime, writeAnswer, writeThink } from '../../datasets/write-answer.js';
import { columnOf, countThings, sceneWords, type CaptionRecord, type FrameCaption } from './captions.js';
import { rewriteReasoning } from './own-reasoning.js';
import { phrasesFor, scenePhrases, unnamedWhat } from './phrases.js';
import { placeText, plainText } from './plain-text.js';
import { eventsIn, liesIn, trimmedViews, type View, type ViewEvents } from './views.js';

export interface ReasoningInput {
  readonly sample: Sample;
  readonly captions: CaptionRecord;
  /** Frame indices of the full view: what the policy sees of the whole video. */
  readonly policyFrames: readonly number[];
  /** Frame indices that trimmed views choose from, ascending, each once. */
  readonly poolFrames: readonly number[];
  /** Trimmed views wanted; fewer come where no good cut is found. */
  readonly trimmedViews: number;
  readonly seed: number;
}

export type ReasoningResult =
  | { readonly outcome: 'ok'; readonly targets: readonly Target[] }
  /** Nothing true can be written about the sample: an Abnormal one without a span. */
  | { readonly outcome: 'rejected'; readonly reason: string; readonly message: string }
  /** A text came out that is not the grammar. */
  | { readonly outcome: 'failed'; readonly reason: string; readonly message: string };

/**
 * Writes what SFT learns from one sample: for the full view and each trimmed one the four steps (or two) and the answer,
 * from captions and human tags. A reasoning text that came with the annotation is used for the full view instead. Every
 * text is read back by the parser before it leaves. Never throws on a sample's content.
 */
export function reasonAbout(input: ReasoningInput): ReasoningResult {
  const { sample, captions, seed } = input;
  const spans = sample.label === 'Abnormal' ? annotatedSpans(sample) : [];
  if (sample.label === 'Abnormal' && spans.length === 0) {
    return {
      outcome: 'rejected',
      reason: 'no-span',
      message: `${sample.id} is Abnormal without an annotated span, so <when> cannot be written`,
    };
  }
  const full: View = { name: 'full', frames: input.policyFrames, cut: null };
  const trimmed = trimmedViews(
    { frameCount: captions.frameCount, pool: input.poolFrames, spans },
    input.policyFrames.length,
    input.trimmedViews,
    Random.from(seed, 'trimmed-views', sample.id),
  );
  const targets: Target[] = [];
  for (const view of [full, ...trimmed]) {
    const random = Random.from(seed, 'reasoning', sample.id, view.name);
    const target = describeView({ sample, captions, spans, view, random });
    const problem = findProblem(target);
    if (problem !== null) {
      return {
        outcome: 'failed',
        reason: 'bad-grammar',
        message: `${sample.id}, view ${view.name}: ${problem}`,
      };
    }
    targets.push(target);
  }
  return { outcome: 'ok', targets };
}

/** The sample's spans, or the one that its own reasoning text names. */
function annotatedSpans(sample: Sample): readonly Span[] {
  if (sample.spans.length > 0 || sample.reasoning === null) return sample.spans;
  const { think, answer } = sample.reasoning;
  const { final } = parseCompletion(`${think} ${answer}`, { prompt: 'category', shape: 'single' });
  return final.span === null ? [] : [final.span];
}

interface ViewInput {
  readonly sample: Sample;
  readonly captions: CaptionRecord;
  readonly spans: readonly Span[];
  readonly view: View;
  readonly random: Random;
}

function describeView(input: ViewInput): Target {
  const { sample, captions, spans, view } = input;
  const events = eventsIn(view, captions.frameCount, spans);
  const words = perceptionWords(input, events);
  // As <when> is written: three decimals.
  const span = (events.target?.span.map((t) => Number(formatTime(t))) ?? null) as Span | null;
  const label = span === null ? 'Normal' : 'Abnormal';
  const own = view.cut === null && sample.reasoning !== null ? sample.reasoning : null;
  const texts = own === null ? compose(input, words, span) : rewriteReasoning(own, sample, span);
  return {
    sampleId: sample.id,
    view: view.name,
    frames: [...view.frames],
    label,
    category: span === null ? null : sample.category,
    span: texts.span,
    words,
    verdict: texts.verdict,
    categoryCompletion: texts.categoryCompletion,
  };
}

/** Captions of the video's frames that are nearest to the frames of a patch. */
function captionsOfPatch({ view, captions }: ViewInput, patch: number): FrameCaption[] {
  return [2 * patch, 2 * patch + 1].map((i) =>
    captions.frames.reduce((best, one) =>
      Math.abs(one.frame - view.frames[i]!) < Math.abs(best.frame - view.frames[i]!) ? one : best,
    ),
  );
}

/**
 * One word per temporal patch: the category's where the anomaly is, else `flicker` or `quiet` as the captions saw it. The
 * other states fold into `quiet`, which the perception of a small model learns better.
 */
function perceptionWords(input: ViewInput, events: ViewEvents): string[] {
  const { word } = phrasesFor(input.sample.category as Category | null);
  return events.patches.map((event, k) => {
    if (event) return word;
    return captionsOfPatch(input, k).some((caption) => caption.state === 'flicker') ? 'flicker' : 'quiet';
  });
}

interface Texts {
  readonly span: Span | null;
  readonly verdict: string;
  readonly categoryCompletion: string;
}

function compose(input: ViewInput, words: readonly string[], span: Span | null): Texts {
  const { sample, captions, random } = input;
  const { scene } = captions;
  const step1 = `${random.choice(scenePhrases.camera)(scene.camera)} ${sceneWords(scene)} .`;
  const perceived = `notes : ${perceptionLine(words)} . ${whatMoves(input, words)}`;
  if (span === null) {
    const think = writeThink([step1, `${perceived} . ${random.choice(scenePhrases.nothingUnusual)} .`]);
    const answer = writeAnswer({
      which: 'Normal',
      what: random.choice(scenePhrases.usualWhat),
      why: random.choice(scenePhrases.usualWhy),
    });
    const text = `${think} ${answer}`;
    return { span, verdict: text, categoryCompletion: text };
  }
  const category = sample.category as Category | null;
  const phrases = phrasesFor(category);
  const described = plainText(sample.description ?? '');
  const saw = described === '' ? random.choice(phrases.seen) : described;
  const why = random.choice(phrases.why);
  const how = random.choice(phrases.how);
  const where = sample.place === null ? measuredPlace(input) : placeText(sample.place);
  const [start, end] = [formatTime(span[0]), formatTime(span[1])];
  const think = writeThink([
    step1,
    `${perceived} . ${random.choice(scenePhrases.standsOut)} ${where} .`,
    `from ${start} to ${end} ${saw} .`,
    `${random.choice(scenePhrases.judged)} because ${why} .`,
  ]);
  const answer = (which: string, what: string): string =>
    `${think} ${writeAnswer({ which, what, when: span, where, why, how })}`;
  return {
    span,
    verdict: answer('Abnormal', category ?? unnamedWhat),
    categoryCompletion: answer(category ?? 'Abnormal', saw),
  };
}

/** `0.000 quiet 0.125 flames 0.250 ... 1.000`: a time stamp at every border, so that `<when>` copies two of them. */
function perceptionLine(words: readonly string[]): string {
  const stamps = words.map((word, k) => `${formatTime(k / words.length)} ${word}`);
  return `${stamps.join(' ')} ${formatTime(1)}`;
}

/** How much moves outside of the anomaly, in the part of the video that the view shows. */
function whatMoves({ captions, spans, view }: ViewInput, words: readonly string[]): string {
  const flicker = words.includes('flicker') ? ` , ${scenePhrases.flicker}` : '';
  if (captions.scene.camera === 'moving') return scenePhrases.wholePictureMoves + flicker;
  const outside = [...spans, ...(view.cut === null ? [] : [view.cut])];
  const usual = captions.frames.filter(({ frame }) => !liesIn(frame, captions.frameCount, outside));
  const counts = (usual.length > 0 ? usual : captions.frames)
    .map(({ things }) => things.length)
    .sort((a, b) => a - b);
  const count = counts[counts.length >> 1]!;
  if (count === 0) return scenePhrases.nothingMoves + flicker;
  return `${countThings(count)} ${count === 1 ? 'moves' : 'move'} by${flicker}`;
}

/** Where most of what differs inside the anomaly is, compared with outside of it. */
function measuredPlace({ captions, spans }: ViewInput): string {
  if (captions.scene.camera === 'moving') return 'in the picture';
  const inside = new Map<string, number>();
  const isInside = (caption: FrameCaption): boolean => liesIn(caption.frame, captions.frameCount, spans);
  const insideCount = captions.frames.filter(isInside).length;
  const outsideCount = captions.frames.length - insideCount;
  for (const caption of captions.frames) {
    const weight = isInside(caption) ? 1 / insideCount : -1 / outsideCount;
    for (const { x, area } of caption.things) {
      const column = columnOf(x);
      inside.set(column, (inside.get(column) ?? 0) + weight * area);
    }
  }
  const best = [...inside].reduce<[string, number] | null>(
    (most, one) => (one[1] > 0 && (most === null || one[1] > most[1]) ? one : most),
    null,
  );
  return best?.[0] ?? 'in the picture';
}

/** What is wrong with a target, or null: both texts must follow the grammar and say what the target says. */
function findProblem(target: Target): string | null {
  for (const [prompt, text] of [
    ['verdict', target.verdict],
    ['category', target.categoryCompletion],
  ] as const) {
    const { final, formatValid } = parseCompletion(text, { prompt, shape: 'single' });
    if (!formatValid) return `the ${prompt} text is not the grammar (${final.outcome})`;
    if (final.verdict !== target.label)
      return `the ${prompt} text says ${final.verdict}, not ${target.label}`;
    if (final.span?.[0] !== target.span?.[0] || final.span?.[1] !== target.span?.[1])
      return `the ${prompt} text names another span`;
    if (prompt === 'category' && final.category !== null && final.category !== target.category)
      return `the ${prompt} text names another category`;
  }
  return null;
}
