import type { FramesConfig } from './dataset.js';
import type { ModelConfig } from './model.js';

/** The figures of a Qwen2.5-VL that its size follows from; names as in Hugging Face's config.json. */
export interface ModelShape {
  readonly vision: {
    readonly depth: number;
    readonly hiddenSize: number;
    readonly heads: number;
    readonly intermediateSize: number;
  };
  readonly text: {
    readonly layers: number;
    readonly hiddenSize: number;
    readonly heads: number;
    readonly keyValueHeads: number;
    readonly intermediateSize: number;
    readonly vocabulary: number;
    /** Input and output embeddings are one matrix. */
    readonly tied: boolean;
  };
}

/** The released vision tower, the same at every size. */
const releasedVision = { depth: 32, hiddenSize: 1280, heads: 16, intermediateSize: 3420 };

const released: Readonly<Record<'3B' | '7B', ModelShape>> = {
  '3B': {
    vision: releasedVision,
    text: {
      layers: 36,
      hiddenSize: 2048,
      heads: 16,
      keyValueHeads: 2,
      intermediateSize: 11008,
      vocabulary: 151936,
      tied: true,
    },
  },
  '7B': {
    vision: releasedVision,
    text: {
      layers: 28,
      hiddenSize: 3584,
      heads: 28,
      keyValueHeads: 4,
      intermediateSize: 18944,
      vocabulary: 152064,
      tied: false,
    },
  },
};

/** Words of a `scratch` tokenizer; the real number follows from the texts of the run and hardly matters for the size. */
const scratchVocabulary = 400;

const patchValues = 3 * 2 * 14 * 14;

export function modelShape(model: ModelConfig, vocabulary = scratchVocabulary): ModelShape {
  if (model.kind === 'pretrained') return released[model.size];
  const { depth, hiddenSize, heads, intermediateSize } = model.vision;
  const { layers, keyValueHeads } = model.text;
  return {
    vision: { depth, hiddenSize, heads, intermediateSize },
    text: {
      layers,
      hiddenSize: model.text.hiddenSize,
      heads: model.text.heads,
      keyValueHeads,
      intermediateSize: model.text.intermediateSize,
      vocabulary,
      tied: true,
    },
  };
}

/** Parameters of the vision tower with its merger, and of the decoder with its embeddings. */
export function parameterCounts({ vision, text }: ModelShape): {
  readonly vision: number;
  readonly text: number;
} {
  const { hiddenSize: v, intermediateSize: vff } = vision;
  const visionBlock = 2 * v + (3 * v * v + 3 * v) + (v * v + v) + 2 * (v * vff + vff) + (vff * v + v);
  const merger = v + (16 * v * v + 4 * v) + (4 * v * text.hiddenSize + text.hiddenSize);
  const { hiddenSize: h, intermediateSize: ff } = text;
  const kv = keyValueWidth(text);
  const layer = 2 * h + (h * h + h) + 2 * (h * kv + kv) + h * h + 3 * h * ff;
  const embeddings = text.vocabulary * h * (text.tied ? 1 : 2);
  return {
    vision: patchValues * v + vision.depth * visionBlock + merger,
    text: embeddings + text.layers * layer + h,
  };
}

/** Width of the keys, and of the values, of one layer. */
export function keyValueWidth({ hiddenSize, heads, keyValueHeads }: ModelShape['text']): number {
  return (hiddenSize / heads) * keyValueHeads;
}

/** Tokens that a video takes in the prompt at most: one per 28x28 pixels of every pair of frames. */
export function videoTokens({ policyFrames, size }: FramesConfig): number {
  const pixels = 'width' in size ? size.width * size.height : size.maxPixels;
  return Math.floor(pixels / (28 * 28)) * (policyFrames / 2);
}
