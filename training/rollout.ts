import type { GrpoConfig } from '../config/training.js';
import { deriveKey, Random } from '../core/random.js';
import type { Sample } from '../datasets/sample.js';
import type { Policy } from '../policy/policy.js';
import type { Tokenizer } from '../policy/tokenizer.js';
import { parseCompletion, type CompletionShape } from '../datasets/answer.js';
import { promptFor } from '../datasets/completion-shape.js';
import { poolIndices, uniformIndices } from '../video/sampling.js';
import type { FramesConfig } from '../config/dataset.js';
import { groupAdvantages, totalRewards } from './advantages.js';
import { answerVideos, type Answer, type Question } from './answer-videos.js';
import type { FrameCache } from './frame-cache.js';
import type { VideoPatches } from './video-patches.js';
import type { Prompts } from './prompts.js';
import { readCompletion } from './rewards/read-completion.js';
import type { RewardName, RewardPlan } from './rewards/presets.js';
import type { CutOutcome, ScoredCompletion } from './rewards/reward.js';
import { planCut, type CutPlan } from './verification-cut.js';

/** One sampled completion and what it earned. */
export interface Rollout extends Answer {
  readonly text: string;
  readonly scored: ScoredCompletion;
  readonly cut: CutOutcome;
  /** By reward; null where it abstained. */
  readonly rewards: Readonly<Partial<Record<RewardName, number | null>>>;
  readonly total: number | null;
  readonly advantage: number;
}

/** All completions of one prompt. */
export interface Group {
  readonly sample: Sample;
  readonly video: VideoPatches;
  readonly prompt: readonly number[];
  readonly rollouts: readonly Rollout[];
  readonly meanReward: number;
  readonly std: number;
  readonly flat: boolean;
}

/** What a generation is made with. */
export interface RolloutTools {
  readonly policy: Policy;
  readonly tokenizer: Tokenizer;
  readonly prompts: Prompts;
  readonly frames: FrameCache;
  readonly framesConfig: FramesConfig;
  readonly params: GrpoConfig;
  readonly plan: RewardPlan;
  /** What the prompt asks for. */
  readonly shape: CompletionShape;
  readonly seed: number;
}

/** The completions of one prompt before they are checked and rewarded. */
export interface SampledGroup {
  readonly sample: Sample;
  readonly video: VideoPatches;
  readonly prompt: readonly number[];
  readonly answers: readonly Answer[];
  readonly texts: readonly string[];
  readonly scored: readonly ScoredCompletion[];
}

/**
 * One generation: samples a group of completions per video, checks them by verification where the preset does, and rewards
 * each group. @param generation counts from 0 over all epochs; it is part of every draw's key
 */
export async function rollOut(
  tools: RolloutTools,
  samples: readonly Sample[],
  generation: number,
): Promise<Group[]> {
  const sampled = await sampleGroups(tools, samples, generation);
  const cuts = tools.plan.verifies
    ? (await verify(tools, sampled, generation)).cuts
    : sampled.map(({ scored }) => scored.map((): CutOutcome => ({ kind: 'abstain' })));
  return sampled.map((group, at) => reward(tools, group, cuts[at]!));
}

/** The first part of {@link rollOut}: a group of completions per video, read but not yet rewarded. */
export async function sampleGroups(
  { policy, tokenizer, prompts, frames, framesConfig, params, shape, seed }: RolloutTools,
  samples: readonly Sample[],
  generation: number,
): Promise<SampledGroup[]> {
  const questions: Question[] = [];
  for (const sample of samples) {
    const shown = uniformIndices(sample.frames, framesConfig.policyFrames);
    const video = await frames.patches(sample.id, shown);
    const prompt = prompts.ids(promptFor(shape), video.grid);
    const keys = Array.from({ length: params.groupSize }, (_, i) =>
      deriveKey(seed, 'grpo', 'rollout', generation, sample.id, i),
    );
    questions.push({ video, prompt, keys });
  }
  const answers = await answerVideos(policy, questions, params.sampling);
  return samples.map((sample, at) => {
    const { video, prompt } = questions[at]!;
    const own = answers[at]!;
    const texts = own.map(({ ids }) => tokenizer.decode(ids));
    const scored = own.map(({ ids }, i) => readCompletion(texts[i]!, ids.length, shape, tokenizer));
    return { sample, video, prompt, answers: own, texts, scored };
  });
}

/** What verification decided, asked and found, by group and completion. */
export interface Verification {
  readonly plans: readonly (readonly CutPlan[])[];
  readonly cuts: readonly (readonly CutOutcome[])[];
  /** One per cut that differs from the others. */
  readonly answers: readonly Answer[];
}

/**
 * The second part of {@link rollOut}. Every completion's own prediction checked against the shortened video, all groups in
 * one batch. Equal cuts of one video are answered once: greedily and in one pass, ended after `</which>`. Greedy, because a
 * verdict drawn at random would add noise to the reward (the paper does not say; the released code draws one answer at
 * temperature 1).
 */
export async function verify(
  { policy, tokenizer, prompts, frames, framesConfig, params, seed }: RolloutTools,
  groups: readonly SampledGroup[],
  generation: number,
): Promise<Verification> {
  const questions: Question[] = [];
  const places = new Map<string, number>();
  const plans: { plan: CutPlan; place: number }[][] = [];
  for (const { sample, scored } of groups) {
    const video = {
      label: sample.label,
      frames: sample.frames,
      pool: poolIndices(sample.frames, framesConfig.poolFrames),
      policyFrames: framesConfig.policyFrames,
    };
    const own: { plan: CutPlan; place: number }[] = [];
    for (const [i, completion] of scored.entries()) {
      const random = Random.from(seed, 'grpo', 'cut', generation, sample.id, i);
      const plan = planCut(completion.final, video, params.verification, random);
      let place = -1;
      if (plan.kind === 'cut') {
        const key = `${sample.id} ${plan.frames.join(',')}`;
        const known = places.get(key);
        place = known ?? questions.length;
        if (known === undefined) {
          const patches = await frames.patches(sample.id, plan.frames);
          // A greedy answer draws nothing; the key only says that one answer is wanted.
          questions.push({ video: patches, prompt: prompts.ids('verdict', patches.grid), keys: [[0, 0]] });
          places.set(key, place);
        }
      }
      own.push({ plan, place });
    }
    plans.push(own);
  }
  const closing = '</which>';
  const stop = tokenizer.has(closing)
    ? [tokenizer.idOf(closing)]
    : (ids: readonly number[]): boolean => tokenizer.decode(ids.slice(-8)).trimEnd().endsWith(closing);
  const sampling = { ...params.sampling, temperature: 0 };
  const answered = await answerVideos(policy, questions, sampling, { stop });
  const answers = answered.map(([answer]) => answer!);
  const verdicts = answers.map(({ ids }) => {
    const text = tokenizer.decode(ids);
    return parseCompletion(text, { prompt: 'verdict', shape: 'single' }).final.verdict;
  });
  const cuts = plans.map((own) =>
    own.map(({ plan, place }): CutOutcome =>
      plan.kind === 'cut' ? { kind: 'answered', verdict: verdicts[place] ?? null } : { kind: plan.kind },
    ),
  );
  return { plans: plans.map((own) => own.map(({ plan }) => plan)), cuts, answers };
}

/** The last part of {@link rollOut}: rewards and advantages of one group. */
export function reward(
  { params, plan }: RolloutTools,
  group: SampledGroup,
  cuts: readonly CutOutcome[],
): Group {
  const { sample, answers, texts, scored } = group;
  const context = { label: sample.label, spans: params.labels === 'spans' ? sample.spans : [], cuts };
  const components = plan.rewards.map(({ name, weight, reward: of }) => ({
    name,
    weight,
    values: of(scored, context),
  }));
  const totals = totalRewards(components, scored.length);
  const { advantages, mean, std, flat } = groupAdvantages(totals, params.scaleRewards);
  return {
    sample,
    video: group.video,
    prompt: group.prompt,
    meanReward: mean,
    std,
    flat,
    rollouts: answers.map((answer, i) => ({
      ...answer,
      text: texts[i]!,
      scored: scored[i]!,
      cut: cuts[i]!,
      rewards: Object.fromEntries(components.map(({ name, values }) => [name, values[i]!])),
      total: totals[i]!,
      advantage: advantages[i]!,
    })),
  };
}
