import { withoutReasoning } from '../datasets/write-answer.js';
import type { Target } from '../datasets/target.js';
import { encodeCompletion } from '../policy/prompt.js';
import type { Tokenizer } from '../policy/tokenizer.js';
import type { FrameCache } from './frame-cache.js';
import type { Prompts } from './prompts.js';
import type { SupervisedSequence } from './supervised.js';

/** The two prompts that targets answer. */
export const singlePassPrompts = ['verdict', 'category'] as const;
export type SinglePassPrompt = (typeof singlePassPrompts)[number];

/** Targets as sequences to learn, each text encoded once. */
export class TargetSequences {
  readonly #encoded = new Map<string, readonly number[]>();
  /** Tokens of the longest completion under any prompt that is used. */
  readonly longestCompletion: number;

  /** @param used targets and prompts that will be asked for, and whether completions keep their `<think>` */
  constructor(
    private readonly frames: FrameCache,
    private readonly prompts: Prompts,
    private readonly tokenizer: Tokenizer,
    private readonly used: {
      readonly targets: readonly Target[];
      readonly prompts: readonly SinglePassPrompt[];
      readonly reasoning: boolean;
    },
  ) {
    const lengths = used.targets.flatMap((target) =>
      used.prompts.map((kind) => this.completion(target, kind).length),
    );
    this.longestCompletion = Math.max(0, ...lengths);
  }

  /** Ids of a target's completion, with the end of the turn. */
  completion(target: Target, prompt: SinglePassPrompt): readonly number[] {
    const whole = prompt === 'verdict' ? target.verdict : target.categoryCompletion;
    const text = this.used.reasoning ? whole : withoutReasoning(whole);
    let ids = this.#encoded.get(text);
    if (ids === undefined) {
      ids = encodeCompletion(this.tokenizer, text);
      this.#encoded.set(text, ids);
    }
    return ids;
  }

  /** @param longest tokens that any completion of the phase may have; by default those of the targets */
  async sequence(
    target: Target,
    prompt: SinglePassPrompt,
    longest = this.longestCompletion,
  ): Promise<SupervisedSequence> {
    const video = await this.frames.patches(target.sampleId, target.frames);
    const completion = this.completion(target, prompt);
    return {
      prompt: this.prompts.ids(prompt, video.grid),
      completion,
      learnt: completion.map(() => 1),
      video,
      longest: this.prompts.longest(['verdict', 'category', 'reflective'], video.grid) + longest,
    };
  }
}

/** The prompts that a share of category sequences leaves in use. */
export function usedPrompts(categoryShare: number): SinglePassPrompt[] {
  return singlePassPrompts.filter((kind) => (kind === 'verdict' ? categoryShare < 1 : categoryShare > 0));
}
