import { Random } from '../../core/random.js';
import type { PolicyConfig } from '../../policy/config.js';
import { videoTokens } from '../../policy/processor.js';
import { SPECIAL_TOKENS } from '../../policy/word-tokenizer.js';
import { demoGrid, demoModel, endless, middleModel } from './shapes.js';
import type { Batch, Work } from './work.js';

export const groups = ['sft-demo', 'sft-middle', 'sampling', 'prefill'] as const;
/** What `--only` names. */
export type WorkloadGroup = (typeof groups)[number];

/** One work at one size. */
export interface Workload {
  readonly name: string;
  readonly group: WorkloadGroup;
  /** On what: for the reader of the table. */
  readonly description: string;
  readonly model: PolicyConfig;
  readonly work: Work;
  /** Steps that one participant makes in a row, each turn. */
  readonly stepsPerTurn: number;
  /** Steps before the first round, beyond those of the check. */
  readonly warmUp: number;
}

const SEED = 20250519;

/** Everything that is measured, in the order of the table. */
export function workloads(only: readonly WorkloadGroup[] = groups): Workload[] {
  const all = [sftDemo(), sftMiddle(), ...[8, 32, 64].map(sampling), prefill()];
  return all.filter(({ group }) => only.includes(group));
}

function sftDemo(): Workload {
  const random = Random.from(SEED, 'sft-demo');
  const shortest = 66;
  const longest = 121;
  const batches = Array.from({ length: 4 }, () =>
    batch(demoModel, random, 32, PROMPT, () => shortest + random.integer(longest - shortest + 1)),
  );
  return {
    name: 'sft-demo',
    group: 'sft-demo',
    description: `SFT step of the demo's model: 32 videos, prompts of ${PROMPT} tokens, completions of ${shortest} to ${longest}`,
    model: demoModel,
    work: {
      kind: 'sft',
      grid: demoGrid,
      batches,
      longest: PROMPT + longest,
      optimizer: { ...adamw, learningRate: 2e-3 },
    },
    stepsPerTurn: 2,
    warmUp: 2,
  };
}

function sftMiddle(): Workload {
  const random = Random.from(SEED, 'sft-middle');
  const length = 1024;
  const batches = Array.from({ length: 2 }, () =>
    batch(middleModel, random, 2, PROMPT, () => length - PROMPT),
  );
  return {
    name: 'sft-middle',
    group: 'sft-middle',
    description: `SFT step of 8 layers of 512: 2 videos, sequences of ${length} tokens, all but ${PROMPT} of them learnt`,
    model: middleModel,
    work: {
      kind: 'sft',
      grid: demoGrid,
      batches,
      longest: length,
      optimizer: { ...adamw, learningRate: 3e-4 },
    },
    stepsPerTurn: 1,
    warmUp: 1,
  };
}

function sampling(sequences: number): Workload {
  const random = Random.from(SEED, 'sampling', sequences);
  const group = 4;
  const newTokens = 96;
  return {
    name: `sampling-${sequences}`,
    group: 'sampling',
    description: `${sequences} completions of ${newTokens} tokens by the demo's model, ${group} of each prompt and video, temperature 1`,
    model: endless(demoModel),
    work: {
      kind: 'sampling',
      grid: demoGrid,
      batches: [batch(demoModel, random, sequences / group, PROMPT, () => 0)],
      group,
      newTokens,
      seed: SEED,
    },
    stepsPerTurn: 1,
    warmUp: 1,
  };
}

function prefill(): Workload {
  const random = Random.from(SEED, 'prefill');
  return {
    name: 'prefill-32',
    group: 'prefill',
    description: `vision tower and decoder of the demo's model, with cache, over 32 prompts of ${PROMPT} tokens`,
    model: demoModel,
    work: { kind: 'prefill', grid: demoGrid, batches: [batch(demoModel, random, 32, PROMPT, () => 0)] },
    stepsPerTurn: 8,
    warmUp: 8,
  };
}

/** Tokens of the demo's prompt: 48 of them stand for the video. */
const PROMPT = 62;

/** The demo's optimizer. */
const adamw = { beta1: 0.9, beta2: 0.98, weightDecay: 0.05, maxGradNorm: 1 };

/** Prompts that show one video each and ask in random words, with completions of the given lengths. */
export function batch(
  model: PolicyConfig,
  random: Random,
  rows: number,
  promptLength: number,
  completionLength: () => number,
): Batch {
  const { tokens } = model;
  const words = (count: number): number[] =>
    Array.from(
      { length: count },
      () => SPECIAL_TOKENS.length + random.integer(model.vocabSize - SPECIAL_TOKENS.length),
    );
  const video = new Array<number>(videoTokens(demoGrid, model.vision.spatialMergeSize)).fill(tokens.video);
  const around = [tokens.bos, tokens.visionStart, ...video, tokens.visionEnd];
  return {
    prompts: Array.from({ length: rows }, () => [...around, ...words(promptLength - around.length)]),
    completions: Array.from({ length: rows }, () => words(completionLength())),
  };
}
