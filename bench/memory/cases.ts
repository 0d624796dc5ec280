import { GrpoConfig, SftConfig } from '../../config/training.js';
import { ModelConfig } from '../../config/model.js';
import type { PolicyConfig } from '../../policy/config.js';
import type { Grid } from '../../policy/processor.js';
import { scratchShape } from '../../training/model-shape.js';
import type { ModelTuning } from '../../training/model-tuning.js';

/** A few training steps of one kind and size. */
export interface MemoryCase {
  readonly name: string;
  /** For the reader of the table. */
  readonly description: string;
  readonly model: PolicyConfig;
  readonly tuning: ModelTuning;
  readonly work: 'sft' | 'grpo';
  /** Sequences of a step, which is one micro-batch; in GRPO all of one group. */
  readonly rows: number;
  readonly prompt: number;
  readonly completion: number;
  readonly grid: Grid;
}

/** 16 frames of 56 x 84 pixels, as in the demo. */
const grid: Grid = { t: 8, h: 4, w: 6 };
const full: ModelTuning = { lora: null, freezeVision: false, recompute: false };
const adapters: ModelTuning = {
  lora: { rank: 16, alpha: 32, dropout: 0, targets: 'all-linear' },
  freezeVision: true,
  recompute: true,
};

/** 28 million parameters; large enough that what is kept outweighs what every process needs. */
const middle = shape({ layers: 8, hiddenSize: 512, heads: 8, keyValueHeads: 4, intermediateSize: 1408 }, 4096);
/** For tests: a quarter of the layers, half the width. */
const small = shape({ layers: 4, hiddenSize: 256, heads: 4, keyValueHeads: 2, intermediateSize: 704 }, 2048);

function shape(
  text: { layers: number; hiddenSize: number; heads: number; keyValueHeads: number; intermediateSize: number },
  vocabulary: number,
): PolicyConfig {
  const model = ModelConfig.parse({ kind: 'scratch', text: { ...text, mropeSection: [8, 12, 12] } });
  return scratchShape(model as Extract<ModelConfig, { kind: 'scratch' }>, vocabulary);
}

const common = { model: middle, grid, prompt: 96 };
export const memoryCases: readonly MemoryCase[] = [
  { ...common, name: 'sft', description: 'all weights', work: 'sft', tuning: full, rows: 8, completion: 416 },
  {
    ...common,
    name: 'sft-recompute',
    description: 'all weights, layers recomputed',
    work: 'sft',
    tuning: { ...full, recompute: true },
    rows: 8,
    completion: 416,
  },
  {
    ...common,
    name: 'sft-long',
    description: 'all weights, long sequences, layers recomputed',
    work: 'sft',
    tuning: { ...full, recompute: true },
    rows: 4,
    completion: 928,
  },
  {
    ...common,
    name: 'sft-frozen',
    description: 'all weights but the vision tower’s',
    work: 'sft',
    tuning: { ...full, freezeVision: true },
    rows: 4,
    completion: 416,
  },
  {
    ...common,
    name: 'sft-lora',
    description: 'adapters on the decoder, layers recomputed',
    work: 'sft',
    tuning: adapters,
    rows: 8,
    completion: 416,
  },
  {
    ...common,
    name: 'grpo',
    description: 'all weights against a reference policy',
    work: 'grpo',
    tuning: { ...full, recompute: true },
    rows: 8,
    completion: 416,
  },
  {
    ...common,
    name: 'grpo-lora',
    description: 'adapters against a reference adapter',
    work: 'grpo',
    tuning: adapters,
    rows: 8,
    completion: 416,
  },
  {
    ...common,
    name: 'small',
    description: 'four layers of 256, for a quick look',
    model: small,
    work: 'sft',
    tuning: full,
    rows: 8,
    completion: 416,
  },
];

export const sftOptimizer = SftConfig.parse({}).optimizer;
export const grpoParams = (completion: number, rows: number): GrpoConfig =>
  GrpoConfig.parse({ groupSize: rows, promptsPerStep: 1, sampling: { maxTokens: completion } });
