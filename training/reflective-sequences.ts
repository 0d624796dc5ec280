import type { ReflectionConfig } from '../config/training.js';
import type { Reflection } from '../datasets/target.js';
import { withoutReflection } from '../datasets/write-answer.js';
import { encodeCompletion } from '../policy/prompt.js';
import type { Tokenizer } from '../policy/tokenizer.js';
import type { FrameCache } from './frame-cache.js';
import type { Prompts } from './prompts.js';
import type { SupervisedSequence } from './supervised.js';

/** Reflections as sequences to learn, by their place in the list; each text is encoded once. */
export class ReflectiveSequences {
  readonly #completions: readonly ReturnType<typeof reflectiveCompletion>[];
  /** Tokens of the longest completion, those of other sequences in the same batches included. */
  readonly longestCompletion: number;

  constructor(
    private readonly frames: FrameCache,
    private readonly prompts: Prompts,
    tokenizer: Tokenizer,
    private readonly used: {
      readonly reflections: readonly Reflection[];
      /** Tokens of the longest completion that shares a batch with these. */
      readonly longestOther: number;
      readonly params: Pick<ReflectionConfig, 'draftLoss' | 'marks'>;
    },
  ) {
    this.#completions = used.reflections.map((r) => reflectiveCompletion(r, used.params, tokenizer));
    const lengths = this.#completions.map(({ completion }) => completion.length);
    this.longestCompletion = lengths.reduce((most, length) => Math.max(most, length), used.longestOther);
  }

  async sequence(place: number): Promise<SupervisedSequence> {
    const { sampleId, frames } = this.used.reflections[place]!;
    const video = await this.frames.patches(sampleId, frames);
    const longest = this.prompts.longest(['verdict', 'category', 'reflective'], video.grid);
    return {
      prompt: this.prompts.ids('reflective', video.grid),
      ...this.#completions[place]!,
      video,
      longest: longest + this.longestCompletion,
    };
  }
}

/** Whether the SFT loss is taken on a first pass. A wrong one is read, but under `right-only` never learnt. */
export function learnsFirstPass(draftLoss: ReflectionConfig['draftLoss'], draftRight: boolean): boolean {
  return draftLoss === 'all' || (draftLoss === 'right-only' && draftRight);
}

/** The whole completion of a reflection, first pass and rest, and which of its tokens are learnt. */
export function reflectiveCompletion(
  { first, rest, draftRight }: Pick<Reflection, 'first' | 'rest' | 'draftRight'>,
  { draftLoss, marks }: Pick<ReflectionConfig, 'draftLoss' | 'marks'>,
  tokenizer: Tokenizer,
): { completion: number[]; learnt: number[] } {
  const head = tokenizer.encode(first.trimEnd());
  const told = marks ? rest : withoutReflection(rest);
  const tail = encodeCompletion(tokenizer, ' ' + told.trimStart());
  const weight = learnsFirstPass(draftLoss, draftRight) ? 1 : 0;
  return {
    completion: [...head, ...tail],
    learnt: [...head.map(() => weight), ...tail.map(() => 1)],
  };
}
