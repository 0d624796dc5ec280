import type { Random } from '../../core/random.js';
import { writeAnswer, writeReflection, writeThink } from '../../datasets/write-answer.js';
import type { Label, Sample, Span } from '../../datasets/sample.js';
import type { AnsweredVideo, ScoredAnswer } from '../../evaluation/answered-video.js';

/** A test sample: 10 s at 16 frames a second unless said otherwise. */
export function testSample(id: string, label: Label, spans: Span[] = [], more: Partial<Sample> = {}): Sample {
  return {
    id,
    video: '0'.repeat(64),
    group: id,
    split: 'test',
    label,
    category: label === 'Abnormal' ? 'Fire' : null,
    spans,
    target: null,
    place: null,
    description: null,
    reasoning: null,
    frames: 160,
    fps: 16,
    width: 84,
    height: 56,
    ...more,
  };
}

export const normal: ScoredAnswer = { outcome: 'ok', verdict: 'Normal', span: null };
export const abnormal = (span: Span | null): ScoredAnswer => ({ outcome: 'ok', verdict: 'Abnormal', span });
export const unparsable: ScoredAnswer = { outcome: 'missing-which', verdict: null, span: null };

/** An answered video with what the released evaluator would read, unless given. */
export function answered(
  sample: Sample,
  final: ScoredAnswer,
  more: Partial<AnsweredVideo> = {},
): AnsweredVideo {
  return {
    sample,
    final,
    first: null,
    upstream:
      final.outcome === 'missing-prediction'
        ? null
        : final.verdict === 'Normal'
          ? { verdict: 'Normal', span: [0, 1] }
          : { verdict: 'Abnormal', span: final.span ?? [0, 0] },
    truncated: false,
    formatValid: final.outcome === 'ok',
    reflection: false,
    words: 10,
    tokens: 20,
    ...more,
  };
}

/** A span on the grid of sixteenths. */
export function randomSpan(random: Random): Span {
  const start = random.integer(16);
  return [start / 16, (start + 1 + random.integer(16 - start)) / 16];
}

/** One whole pass in the tag grammar; Normal when the span is null. */
export function passText(span: Span | null, what = 'flames rise'): string {
  if (span === null) {
    return `${writeThink(['a quiet street', 'people walk'])} ${writeAnswer({ which: 'Normal', what: 'people walk', why: 'nothing unusual' })}`;
  }
  const think = writeThink(['a quiet street', 'something glows', 'that is unusual', 'it may spread']);
  const fields = {
    which: 'Abnormal',
    what,
    why: 'fire is dangerous',
    when: span,
    where: 'on the left',
    how: 'people may be hurt',
  };
  return `${think} ${writeAnswer(fields)}`;
}

/** A reflective completion. */
export function reflectiveText(first: Span | null, final: Span | null): string {
  return `${passText(first)} ${writeReflection('looking again at the left side')} ${passText(final)}`;
}
