import type { PolicyConfig } from '../../policy/config.js';

/** A policy small enough for plain JavaScript: grouped heads, a windowed and a full block, 40 tokens. */
export const tinyConfig: PolicyConfig = {
  vocabSize: 40,
  hiddenSize: 32,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-6,
  ropeTheta: 1e4,
  mropeSection: [1, 1, 2],
  tieWordEmbeddings: true,
  initializerRange: 0.3,
  maxPositionEmbeddings: 512,
  tokens: { bos: 0, eos: 2, pad: 0, visionStart: 3, visionEnd: 4, image: 5, video: 6 },
  vision: {
    depth: 2,
    hiddenSize: 16,
    intermediateSize: 20,
    heads: 2,
    inChannels: 3,
    outHiddenSize: 32,
    patchSize: 2,
    temporalPatchSize: 2,
    spatialMergeSize: 2,
    windowSize: 4,
    fullAttentionBlocks: [1],
    tokensPerSecond: 2,
    initializerRange: 0.3,
  },
};

/** 2 temporal patches of 4 x 4 patches: 8 video tokens. */
export const tinyGrid = { t: 2, h: 4, w: 4 };

/** So many videos of the tiny grid. */
export const tinyMedia = (videos: number) =>
  Array.from({ length: videos }, () => ({ kind: 'video' as const, grid: tinyGrid }));

/** How the vision tensor of so many of them lies. */
export const tinySegments = (videos: number) => [{ frames: 2 * videos, h: 4, w: 4 }];

/** A prompt with the tiny grid's placeholders and the given words after them. */
export const tinyPrompt = (...words: number[]): number[] => [
  1,
  7,
  3,
  ...new Array<number>(8).fill(6),
  4,
  ...words,
];
