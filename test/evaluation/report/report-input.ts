import sharp from 'sharp';
import { RunConfig } from '../../../config/schema.js';
import { sha256 } from '../../../core/digest.js';
import { Random } from '../../../core/random.js';
import { writeAnswer, writeReflection, writeThink } from '../../../datasets/write-answer.js';
import type { Prediction } from '../../../datasets/target.js';
import type { Reject, Sample, Span } from '../../../datasets/sample.js';
import { compareBranches } from '../../../evaluation/compare.js';
import { evaluate } from '../../../evaluation/evaluate.js';
import { chooseExamples } from '../../../evaluation/report/choose-examples.js';
import type { ReportInput, TrainingLog } from '../../../evaluation/report/input.js';
import { testSample } from '../videos.js';

const categories = [
  'Explosion',
  'Falling',
  'Falling Objects',
  'Fighting',
  'Fire',
  'Obstacles on Road',
  'Traffic Accidents',
  'Wrong-Way Driving',
];
const grid = 8;

/**
 * A report's input with invented answers and curves: test data, drawn from a seed, not the result of any training. The
 * metrics in it are computed by the real evaluator.
 */
export async function inventedReportInput(tests = 120): Promise<ReportInput> {
  const random = Random.from(1, 'report test');
  const config = RunConfig.parse({
    name: 'invented-test-run',
    dataset: { sources: [{ kind: 'jsonl', annotations: 'invented.jsonl' }] },
    evaluation: { bootstrapResamples: 400 },
  });
  const samples = (['sft', 'reflect', 'rl', 'val', 'test'] as const).flatMap((split) =>
    Array.from({ length: { sft: 600, reflect: 120, rl: 300, val: 30, test: tests }[split] }, (_, index) =>
      inventedSample(`${split}-${String(index).padStart(3, '0')}`, split, random),
    ),
  );
  const tested = samples.filter(({ split }) => split === 'test');
  const checkpoints = [
    { checkpoint: 'sft', shape: 'single' as const, skill: 0.84 },
    { checkpoint: 'reflection-sft', shape: 'reflective' as const, skill: 0.86 },
    { checkpoint: 'grpo', shape: 'reflective' as const, skill: 0.94 },
  ].map(({ checkpoint, shape, skill }) => ({
    checkpoint,
    shape,
    predictions: tested.map((sample, index) => inventedAnswer(sample, shape, skill, index, random)),
  }));
  const { result, perSample } = evaluate({ samples, checkpoints, config: config.evaluation, seed: 1 });
  const compared = checkpoints.map((one) => ({ ...one, digest: sha256(one.checkpoint) }));
  const narrow = tested.map((sample, index) => inventedAnswer(sample, 'single', 0.7, index, random));
  const another = Random.from(1, 'report test', 'another variant');
  const other = tested.map((sample, index) => inventedAnswer(sample, 'single', 0.6, index, another));
  const comparison = compareBranches(
    samples,
    [
      { variant: null, extended: null, checkpoints: compared },
      {
        variant: 'half-data',
        extended: null,
        checkpoints: [
          compared[0]!,
          { checkpoint: 'grpo', shape: 'single', predictions: narrow, digest: sha256('narrow') },
        ],
      },
      {
        variant: 'no-length',
        extended: 'half-data',
        checkpoints: [{ checkpoint: 'grpo', shape: 'single', predictions: other, digest: sha256('other') }],
      },
    ],
    config.evaluation,
    1,
  );
  const bySample = new Map(tested.map((sample) => [sample.id, sample]));
  const examples = await Promise.all(
    chooseExamples(perSample, 'grpo').map(async ({ sampleId, why }) => ({
      sampleId,
      why,
      contactSheet: { mediaType: 'image/webp' as const, bytes: await inventedSheet(bySample.get(sampleId)!) },
      answers: checkpoints.map(({ checkpoint, predictions }) => ({
        checkpoint,
        text: predictions.find((prediction) => prediction.sampleId === sampleId)!.text,
      })),
    })),
  );
  return {
    config,
    code: { version: '0.0.0-test', commit: sha256('commit').slice(0, 40) },
    evaluation: result,
    perSample,
    comparison,
    samples,
    rejects: inventedRejects,
    variantLogs: [{ variant: 'half-data', rows: inventedLogs(random).at(-1)!.rows }],
    drafts: { before: { right: 400, wrong: 80 }, after: { right: 187, wrong: 80 } },
    training: inventedLogs(random),
    examples,
    artifacts: ['ingest', 'frames', 'captions', 'reasoning', 'sft', 'grpo', 'evaluate'].map((stage) => ({
      stage,
      key: sha256(`key ${stage}`),
      outputs: { [`${stage}.jsonl`]: sha256(`output ${stage}`) },
    })),
  };
}

function inventedSample(id: string, split: Sample['split'], random: Random): Sample {
  const frames = 160 + random.integer(320);
  if (random.chance(0.5)) return testSample(id, 'Normal', [], { split, frames });
  const start = random.integer(5);
  const span: Span = [start / grid, (start + 2 + random.integer(2)) / grid];
  return testSample(id, 'Abnormal', [span], { split, frames, category: random.choice(categories) });
}

function inventedAnswer(
  sample: Sample,
  shape: 'single' | 'reflective',
  skill: number,
  index: number,
  random: Random,
): Prediction {
  const guess = (right: number): Span | null => {
    const isAbnormal = (sample.label === 'Abnormal') === random.chance(right);
    if (!isAbnormal) return null;
    const [start, end] = sample.spans[0] ?? [0.25, 0.625];
    const shift = (random.integer(3) - 1) / grid;
    return [
      Math.max(0, start + (random.chance(skill - 0.3) ? 0 : shift)),
      Math.min(1, end + (random.chance(skill - 0.3) ? 0 : shift)),
    ];
  };
  const done = (text: string): Prediction => ({
    sampleId: sample.id,
    text,
    finish: 'stop',
    tokens: Math.round(text.length / 5),
  });
  if (index % 61 === 17) return { ...done('<think> <step1> a street with people'), finish: 'length' };
  const what = (sample.category ?? 'Fire').toLowerCase();
  if (shape === 'single') return done(pass(guess(skill), what));
  return done(
    `${pass(guess(skill - 0.06), what)} ${writeReflection('looking again at the middle of the clip: was the change of light part of the scene, or something new?')} ${pass(guess(skill), what)}`,
  );
}

function pass(span: Span | null, what: string): string {
  const scene =
    'a fixed camera looks over a street with a pavement; a few people walk and cars pass, which is normal here.';
  if (span === null) {
    return `${writeThink([scene, 'notes: quiet, quiet, walking, quiet. people keep their pace and leave the frame.'])} ${writeAnswer({ which: 'Normal', what: 'people walk along the pavement', why: 'all motion keeps to its usual path and speed' })}`;
  }
  return `${writeThink([
    scene,
    `notes: quiet until ${span[0].toFixed(3)}, then ${what} in the left half until ${span[1].toFixed(3)}, then quiet.`,
    'this does not belong to the normal pattern: it starts suddenly and people turn away.',
    'somebody may be hurt and the way is blocked; it calls for attention at once.',
  ])} ${writeAnswer({ which: 'Abnormal', what: `${what} on the street`, when: span, where: 'in the left half of the frame', why: 'it breaks the normal pattern of the scene', how: 'people may be hurt' })}`;
}

/** Sixteen drawn frames, 4 x 4: a street, two walkers, and a glow while the anomaly lasts. */
async function inventedSheet(sample: Sample): Promise<Uint8Array> {
  const [width, height] = [112, 74];
  const frames = Array.from({ length: 16 }, (_, index) => {
    const at = (index + 0.5) / 16;
    const glows = sample.spans.some(([start, end]) => at >= start && at < end);
    const x = (index % 4) * (width + 2);
    const y = Math.floor(index / 4) * (height + 2);
    return `<g transform="translate(${x} ${y})"><rect width="${width}" height="${height}" fill="#59656b"/><rect y="44" width="${width}" height="30" fill="#7a7f7d"/><rect x="${(index * 13) % 100}" y="34" width="7" height="20" fill="#2c3e66"/><rect x="${100 - ((index * 9) % 96)}" y="38" width="7" height="20" fill="#7d3b3b"/>${glows ? `<circle cx="30" cy="38" r="${14 + (index % 3) * 3}" fill="#f08c1f"/><circle cx="30" cy="40" r="8" fill="#ffd75e"/>` : ''}</g>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${4 * 114 - 2}" height="${4 * 76 - 2}">${frames.join('')}</svg>`;
  return sharp(Buffer.from(svg)).webp({ quality: 80 }).toBuffer();
}

const inventedRejects: Reject[] = [
  {
    id: 'yard-07',
    from: 'invented.jsonl:31',
    reason: 'truncated',
    message: 'the header promises 745 frames, 6 can be decoded',
  },
  { id: 'gate-02', from: 'invented.jsonl:44', reason: 'missing-file', message: 'no file clips/gate-02.mp4' },
  {
    id: 'hall-11',
    from: 'invented.jsonl:52',
    reason: 'unknown-category',
    message: 'Fyre is no category; did you mean Fire?',
  },
  { id: 'gate-03', from: 'invented.jsonl:45', reason: 'missing-file', message: 'no file clips/gate-03.mp4' },
];

function inventedLogs(random: Random): TrainingLog[] {
  const noise = (size: number) => random.normal() * size;
  const fall = (step: number, steps: number, from: number, to: number) =>
    to + (from - to) * Math.exp((-4 * step) / steps);
  const rise = (step: number, steps: number, from: number, to: number) => from + (to - from) * (step / steps);
  const steps = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const supervised = (phase: string, count: number, start: number, from: number) =>
    steps(count).map((step) => ({
      step: start + step,
      phase,
      loss: fall(step, count, from, 0.3) + Math.abs(noise(0.05)),
      tokenAccuracy: Math.min(1, 1 - fall(step, count, 0.8, 0.08) + noise(0.01)),
      gradNorm: 0.4 + Math.abs(noise(0.2)),
      learningRate: 2e-3 * (0.525 + 0.475 * Math.cos((Math.PI * step) / count)),
      ...(step % 50 === 0 ? { validationLoss: fall(step, count, from, 0.36) } : {}),
    }));
  return [
    {
      stage: 'sft',
      rows: [...supervised('vision warm-up', 400, 0, 2.1), ...supervised('sft', 300, 400, 5.2)],
    },
    { stage: 'reflection-sft', rows: supervised('reflection-sft', 150, 0, 1.4) },
    {
      stage: 'grpo',
      rows: steps(60).map((step) => ({
        step,
        phase: 'grpo',
        reward: rise(step, 60, 1.1, 1.45) + noise(0.06),
        rewardStd: 0.4 + Math.abs(noise(0.05)),
        accuracyReward: rise(step, 60, 0.84, 0.92) + noise(0.02),
        formatReward: 0.98 + noise(0.004),
        reflectionReward: rise(step, 60, 0.3, 0.36) + noise(0.02),
        verificationReward: rise(step, 60, 0.12, 0.2) + noise(0.03),
        finalAccuracy: Math.min(1, rise(step, 60, 0.84, 0.92) + noise(0.02)),
        firstAccuracy: Math.min(1, rise(step, 60, 0.82, 0.88) + noise(0.02)),
        predictedAbnormal: rise(step, 60, 0.44, 0.53) + noise(0.03),
        spanWidth: rise(step, 60, 0.37, 0.55) + noise(0.02),
        kl: 0.002 * step + Math.abs(noise(0.01)),
        entropy: 0.21 - 0.001 * step + noise(0.008),
        completionMean: 231 + noise(5),
        completionMin: 150 + noise(8),
        completionMax: 290 + noise(6),
        truncated: Math.max(0, noise(0.01)),
        flatGroups: rise(step, 60, 0.3, 0.55) + noise(0.05),
        gradNorm: 0.8 + Math.abs(noise(0.3)),
        learningRate: 1e-4,
      })),
    },
  ];
}
