import { TerminalError } from '../core/errors.js';
import { keyValueWidth, modelShape, parameterCounts, videoTokens } from './model-shape.js';
import type { ModelShape } from './model-shape.js';
import type { ResolvedConfig } from './schema.js';

/** Bytes on the device while one stage runs, by what they are for. */
export interface StageMemory {
  readonly stage: 'sft' | 'drafts' | 'reflection-sft' | 'grpo' | 'predictions';
  readonly weights: number;
  readonly gradients: number;
  /** Adam's two moments. */
  readonly moments: number;
  /** GRPO's reference policy. */
  readonly reference: number;
  /** What the backward pass keeps, at the largest micro-batch. */
  readonly activations: number;
  /** Keys and values of the sequences that are written at once. */
  readonly cache: number;
  readonly total: number;
}

export interface MemoryEstimate {
  readonly parameters: number;
  /** Prompt and completion of the longest sequence, in tokens. */
  readonly longestSequence: number;
  readonly stages: readonly StageMemory[];
  readonly peak: StageMemory;
}

/** TensorFlow.js computes in float32. */
const bytesPerValue = 4;
/** Tokens of one micro-batch of training; longer sequences go one at a time, GRPO groups as a whole. */
export const tokensAtOnce = 8192;
/** Answers written at once by drafts and predictions. */
const answersAtOnce = 64;
/** A tokenizer of words makes about one token of a word, a byte-pair one about 1.35. */
const tokensPerWord = { scratch: 1, pretrained: 1.35 };

/**
 * Device memory that a run needs, from the config alone: an upper estimate of what is kept, without the allocator's
 * waste. Not measured on a GPU.
 */
export function estimateMemory({ config, prompts }: ResolvedConfig): MemoryEstimate {
  const shape = modelShape(config.model);
  const counts = parameterCounts(shape);
  const parameters = counts.vision + counts.text;
  const words = (text: string): number =>
    Math.ceil(text.split(/\s+/).length * tokensPerWord[config.model.kind]);
  const prompt = videoTokens(config.frames) + Math.max(...Object.values(prompts).map(words)) + 16;
  const held = parameters * bytesPerValue;
  const sequence = (completion: number): number => prompt + completion;

  const trained = (
    stage: StageMemory['stage'],
    completion: number,
    { together = 1, cached = 0, reference = false } = {},
  ): StageMemory => {
    const length = sequence(completion);
    const rows = together * Math.max(1, Math.floor(tokensAtOnce / (length * together)));
    return sum({
      stage,
      weights: held,
      gradients: held,
      moments: 2 * held,
      reference: reference ? held : 0,
      activations: rows * activationBytes(shape, config.frames, length, completion),
      cache: cached * cacheBytes(shape, length),
    });
  };
  const answered = (stage: StageMemory['stage'], completion: number): StageMemory =>
    sum({
      stage,
      weights: held,
      gradients: 0,
      moments: 0,
      reference: 0,
      activations: 0,
      cache: answersAtOnce * cacheBytes(shape, sequence(completion)),
    });

  const { reflection, grpo, evaluation } = config;
  // What SFT is taught is about as long as what may be drafted or answered in one pass.
  const single = reflection.sampling.maxTokens;
  const stages = [
    trained('sft', single),
    ...(grpo.preset === 'vad-r1'
      ? []
      : [answered('drafts', single), trained('reflection-sft', grpo.sampling.maxTokens)]),
    trained('grpo', grpo.sampling.maxTokens, {
      together: grpo.groupSize,
      cached: grpo.promptsPerStep * grpo.groupSize,
      reference: grpo.beta > 0,
    }),
    answered('predictions', evaluation.sampling.maxTokens),
  ];
  return {
    parameters,
    longestSequence: sequence(Math.max(single, grpo.sampling.maxTokens, evaluation.sampling.maxTokens)),
    stages,
    peak: stages.reduce((most, stage) => (stage.total > most.total ? stage : most)),
  };
}

/**
 * @param available bytes of device memory
 * @throws TerminalError `config.does-not-fit`, with both numbers
 */
export function requireFit(estimate: MemoryEstimate, available: number, device: string): void {
  const { peak } = estimate;
  if (peak.total <= available) return;
  throw new TerminalError(
    'config.does-not-fit',
    `\`${peak.stage}\` needs about ${gib(peak.total)} of device memory, ${device} has ${gib(available)}`,
    {
      fix: 'take a smaller model, fewer or smaller frames, or a device with more memory (--device-memory says how much it has)',
      fields: { stage: peak.stage, needed: peak.total, available },
    },
  );
}

/** `165.2 GiB`, `13 MiB`. */
export function gib(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

/** Values that the backward pass of one sequence keeps: block inputs, attention probabilities, SwiGLU, logits. */
function activationBytes(
  { vision, text }: ModelShape,
  frames: ResolvedConfig['config']['frames'],
  length: number,
  completion: number,
): number {
  const kv = keyValueWidth(text);
  const perToken = 8 * text.hiddenSize + 2 * kv + 4 * text.intermediateSize + 2 * text.heads * length;
  const patches = 4 * videoTokens(frames);
  const patchesTogether = (2 * patches) / frames.policyFrames;
  const perPatch = 11 * vision.hiddenSize + 4 * vision.intermediateSize + 2 * vision.heads * patchesTogether;
  const logits = 3 * completion * text.vocabulary;
  return bytesPerValue * (length * text.layers * perToken + patches * vision.depth * perPatch + logits);
}

/** Keys and values of one sequence in all layers. */
function cacheBytes({ text }: ModelShape, length: number): number {
  return bytesPerValue * 2 * text.layers * keyValueWidth(text) * length;
}

function sum(parts: Omit<StageMemory, 'total'>): StageMemory {
  const { weights, gradients, moments, reference, activations, cache } = parts;
  return { ...parts, total: weights + gradients + moments + reference + activations + cache };
}
