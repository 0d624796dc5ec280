import type { RandomKey } from '../core/random.js';
import type { SamplingConfig } from '../config/training.js';
import { generate, type GenerateRequest } from '../policy/generate.js';
import { layOutVision } from '../policy/media.js';
import type { Policy } from '../policy/policy.js';
import { patchTensor, type VideoPatches } from './video-patches.js';

/** One video to be asked about, once per key. */
export interface Question {
  readonly video: VideoPatches;
  /** Prompt ids, the video's placeholders included. */
  readonly prompt: readonly number[];
  /** One per completion: what its random draws derive from. Greedy answers do not use them. */
  readonly keys: readonly RandomKey[];
}

export interface Answer {
  /** With the token that ended it. */
  readonly ids: readonly number[];
  readonly finish: 'stop' | 'length';
  /** Per token, at the sampling temperature (1 when greedy). */
  readonly logProbs: readonly number[];
}

/** Sequences generated together at most. */
export const rowsTogether = 128;
/** Prompt tokens (distinct prompts x longest prompt) that are read together: what bounds memory for large models. */
export const promptTokensTogether = 8192;

/**
 * Answers every question, in batches that follow from the list alone: by grid, in the given order, as many questions as
 * fit {@link rowsTogether} sequences and {@link promptTokensTogether}, but always one. Completions of one question share its vision and its prefill.
 * @returns one list per question, one answer per key
 */
export async function answerVideos(
  policy: Policy,
  questions: readonly Question[],
  sampling: SamplingConfig,
  options: { readonly stop?: GenerateRequest['stop']; onBatch?(answered: number): void } = {},
): Promise<Answer[][]> {
  const byGrid = new Map<string, number[]>();
  for (const [at, { video }] of questions.entries()) {
    const key = `${video.grid.t}x${video.grid.h}x${video.grid.w}`;
    byGrid.set(key, [...(byGrid.get(key) ?? []), at]);
  }
  const answers: Answer[][] = questions.map(() => []);
  let answered = 0;
  for (const members of byGrid.values()) {
    for (const batch of batches(questions, members)) {
      const found = await answerBatch(
        policy,
        batch.map((at) => questions[at]!),
        sampling,
        options.stop,
      );
      for (const [i, at] of batch.entries()) answers[at] = found[i]!;
      answered += batch.length;
      options.onBatch?.(answered);
    }
  }
  return answers;
}

function batches(questions: readonly Question[], members: readonly number[]): number[][] {
  const found: number[][] = [];
  let rows = rowsTogether;
  let longest = 0;
  for (const at of members) {
    const { keys, prompt } = questions[at]!;
    longest = Math.max(longest, prompt.length);
    const tokens = ((found.at(-1)?.length ?? 0) + 1) * longest;
    if (rows + keys.length > rowsTogether || tokens > promptTokensTogether) {
      found.push([]);
      rows = 0;
      longest = prompt.length;
    }
    found.at(-1)!.push(at);
    rows += keys.length;
  }
  return found;
}

async function answerBatch(
  policy: Policy,
  questions: readonly Question[],
  sampling: SamplingConfig,
  stop: GenerateRequest['stop'],
): Promise<Answer[][]> {
  const patches = patchTensor(
    policy,
    questions.map((q) => q.video),
  );
  const media = questions.map((q) => ({ kind: 'video' as const, grid: q.video.grid }));
  const { segments } = layOutVision(media, policy.config.vision.spatialMergeSize);
  const vision = policy.vision(patches, segments);
  patches.dispose();
  const rows = questions.flatMap((question, video) => question.keys.map((key) => ({ question, video, key })));
  try {
    const { ids, finish, logProbs } = await generate(policy, {
      prompts: rows.map((row) => row.question.prompt),
      vision,
      media,
      shows: rows.map((row) => [row.video]),
      keys: rows.map((row) => row.key),
      temperature: sampling.temperature,
      topP: sampling.topP,
      maxTokens: sampling.maxTokens,
      ...(stop === undefined ? {} : { stop }),
    });
    const answers: Answer[][] = questions.map(() => []);
    rows.forEach(({ video }, row) =>
      answers[video]!.push({ ids: ids[row]!, finish: finish[row]!, logProbs: logProbs[row]! }),
    );
    return answers;
  } finally {
    vision.dispose();
  }
}
