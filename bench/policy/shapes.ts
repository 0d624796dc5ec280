import type { PolicyConfig } from '../../policy/config.js';
import { SPECIAL_TOKENS } from '../../policy/word-tokenizer.js';

/** 16 frames of 56 x 84 pixels, as in the demo: 8 x 4 x 6 patches. */
export const demoGrid = { t: 8, h: 4, w: 6 };

const vision = {
  depth: 2,
  hiddenSize: 64,
  intermediateSize: 176,
  heads: 2,
  inChannels: 3,
  patchSize: 14,
  temporalPatchSize: 2,
  spatialMergeSize: 2,
  windowSize: 28,
  fullAttentionBlocks: [1],
  tokensPerSecond: 2,
};

const special = (token: (typeof SPECIAL_TOKENS)[number]): number => SPECIAL_TOKENS.indexOf(token);

const tokens = {
  bos: special('<|im_start|>'),
  eos: special('<|im_end|>'),
  pad: special('<|endoftext|>'),
  visionStart: special('<|vision_start|>'),
  visionEnd: special('<|vision_end|>'),
  image: special('<|image_pad|>'),
  video: special('<|video_pad|>'),
};

/** The model of `config/presets/demo.yaml`; its word tokenizer has about 300 tokens. */
export const demoModel: PolicyConfig = {
  vocabSize: 320,
  hiddenSize: 128,
  intermediateSize: 352,
  layers: 3,
  heads: 4,
  keyValueHeads: 2,
  headDim: 32,
  rmsNormEps: 1e-6,
  ropeTheta: 10000,
  mropeSection: [4, 6, 6],
  tieWordEmbeddings: true,
  initializerRange: 0.06,
  maxPositionEmbeddings: 32768,
  tokens,
  vision: { ...vision, outHiddenSize: 128, initializerRange: 0.06 },
};

/** Between the demo's and a released model: 28 million parameters. */
export const middleModel: PolicyConfig = {
  ...demoModel,
  vocabSize: 4096,
  hiddenSize: 512,
  intermediateSize: 1408,
  layers: 8,
  heads: 8,
  keyValueHeads: 4,
  headDim: 64,
  mropeSection: [8, 12, 12],
  initializerRange: 0.02,
  vision: { ...vision, outHiddenSize: 512, initializerRange: 0.02 },
};

/** The model with an end token that it cannot draw, so that every completion gets its full length. */
export function endless(model: PolicyConfig): PolicyConfig {
  return { ...model, tokens: { ...model.tokens, eos: model.vocabSize } };
}
