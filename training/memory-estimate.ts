import { TerminalError } from '../core/errors.js';
import type { FramesConfig } from '../config/dataset.js';
import { trainedCheckpoints } from '../config/cross-checks.js';
import type { ResolvedConfig } from '../config/schema.js';
import type { SftConfig } from '../config/training.js';
import type { PolicyConfig } from '../policy/config.js';
import type { Segment } from '../policy/media.js';
import { samplesTogether } from './answer.js';
import { promptTokensTogether, rowsTogether } from './answer-videos.js';
import { paddedLength, tokensPerMicroBatch } from './micro-batch.js';
import { parameterCounts, videoTokens } from './model-shape.js';
import { packedShape } from './packing.js';
import {
  answeringMemory,
  trainingMemory,
  valueCounts,
  type AnswerBatch,
  type SequenceBatch,
  type StepMemory,
} from './step-memory.js';
import { tuningOf } from './model-tuning.js';

/** Bytes on the device while one stage runs, by what they are for. */
export interface StageMemory extends StepMemory {
  readonly stage: 'sft' | 'drafts' | 'reflection-sft' | 'grpo' | 'predictions';
}

export interface MemoryEstimate {
  readonly parameters: number;
  /** Those that are trained: all, all but the vision tower's, or an adapter's. */
  readonly trained: number;
  /** Prompt and completion of the longest sequence, in tokens. */
  readonly longestSequence: number;
  readonly stages: readonly StageMemory[];
  readonly peak: StageMemory;
}

/** A tokenizer of words makes about one token of a word, a byte-pair one about 1.35. */
const tokensPerWord = { scratch: 1, pretrained: 1.35 };

/**
 * Device memory that a run needs: an upper estimate of what is kept, without the allocator's waste. Checked against
 * measured peaks on the CPU by `npm run bench -- memory`; not measured on a GPU.
 *
 * @param policy the shape of the model that is trained
 */
export function estimateMemory({ config, prompts }: ResolvedConfig, policy: PolicyConfig): MemoryEstimate {
  const { frames, reflection, grpo, evaluation, model } = config;
  const tuning = tuningOf(model);
  const counts = parameterCounts(policy);
  const words = (text: string): number => Math.ceil(text.split(/\s+/).length * tokensPerWord[model.kind]);
  const prompt = videoTokens(frames) + Math.max(...Object.values(prompts).map(words)) + 16;

  const batch = (rows: number, videos: number, completion: number): SequenceBatch => ({
    rows,
    length: prompt + completion,
    predicted: completion,
    segments: [segmentOf(frames, videos)],
  });
  /** How a batch is cut into micro-batches of whole groups, as `micro-batch.ts` does it. */
  const cut = (groups: number, together: number, completion: number) => {
    const most = Math.max(1, Math.floor(tokensPerMicroBatch / ((prompt + completion) * together)));
    const parts = Math.ceil(groups / most);
    return { rows: together * Math.ceil(groups / parts), parts };
  };
  const trained = (
    stage: StageMemory['stage'],
    { batchSize, packing }: Pick<SftConfig, 'batchSize' | 'packing'>,
    completion: number,
  ): StageMemory => {
    if (packing) return { stage, ...trainingMemory(policy, tuning, ...packed(batchSize, completion)) };
    const { rows, parts } = cut(batchSize, 1, completion);
    return { stage, ...trainingMemory(policy, tuning, batch(rows, rows, completion), { parts }) };
  };
  /** The largest packed micro-batch: full rows, with as many videos as prompts can be in them. */
  const packed = (batchSize: number, completion: number): [SequenceBatch, { parts: number }] => {
    const longest = paddedLength(prompt + completion);
    const { rows, length } = packedShape(longest, batchSize, tokensPerMicroBatch);
    const videos = Math.min(batchSize, rows * Math.floor(length / prompt));
    const most = Math.ceil(batchSize / Math.floor(length / longest));
    const parts = Math.ceil(most / rows);
    return [{ rows, length, predicted: length - prompt, segments: [segmentOf(frames, videos)] }, { parts }];
  };
  /** What is written together, as `answer-videos.ts` cuts it. */
  const answers = (questions: number, each: number, completion: number): AnswerBatch => {
    const most = Math.min(Math.floor(rowsTogether / each), Math.floor(promptTokensTogether / prompt));
    const together = Math.max(1, Math.min(questions, most));
    return { ...batch(together * each, together, completion), prompts: together };
  };
  const answered = (stage: StageMemory['stage'], each: number, completion: number): StageMemory => ({
    stage,
    ...answeringMemory(policy, tuning, answers(samplesTogether, each, completion)),
  });

  // What SFT is taught is about as long as what may be drafted or answered in one pass.
  const single = reflection.sampling.maxTokens;
  const sampled = grpo.sampling.maxTokens;
  const { rows, parts } = cut(grpo.promptsPerStep, grpo.groupSize, sampled);
  const trains = trainedCheckpoints(config);
  const stages: StageMemory[] = [
    trained('sft', config.sft, single),
    ...(trains.includes('reflection-sft')
      ? [
          answered('drafts', reflection.draftsPerSample, single),
          trained('reflection-sft', reflection.sft, sampled),
        ]
      : []),
    ...(trains.includes('grpo')
      ? [
          {
            stage: 'grpo' as const,
            ...trainingMemory(policy, tuning, batch(rows, rows / grpo.groupSize, sampled), {
              parts,
              reference: grpo.beta === 0 ? null : tuning.lora === null ? 'policy' : 'adapter',
              answers: answers(grpo.promptsPerStep, grpo.groupSize, sampled),
            }),
          },
        ]
      : []),
    answered('predictions', 1, evaluation.sampling.maxTokens),
  ];
  return {
    parameters: counts.vision + counts.text,
    trained: valueCounts(policy, tuning).trained,
    longestSequence: prompt + Math.max(single, sampled, evaluation.sampling.maxTokens),
    stages,
    peak: stages.reduce((most, stage) => (stage.total > most.total ? stage : most)),
  };
}

/** The patches of some videos of a run; of a pixel budget, all of it in a nearly square picture. */
function segmentOf({ policyFrames, size }: FramesConfig, videos: number): Segment {
  const frames = (videos * policyFrames) / 2;
  if ('width' in size) return { frames, h: size.height / 14, w: size.width / 14 };
  const tokens = Math.floor(size.maxPixels / (28 * 28));
  const rows = Math.max(1, Math.floor(Math.sqrt(tokens)));
  return { frames, h: 2 * rows, w: 2 * Math.floor(tokens / rows) };
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
      fix: 'take a smaller model, LoRA (model.tuning), fewer or smaller frames, or a device with more memory (--device-memory says how much it has)',
      fields: { stage: peak.stage, needed: peak.total, available },
    },
  );
}

/** `165.2 GiB`, `13 MiB`. */
export function gib(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
