import type { PromptTexts } from '../config/schema.js';
import { buildPrompt } from '../policy/prompt.js';
import { videoTokens, type Grid } from '../policy/processor.js';
import type { Tokenizer } from '../policy/tokenizer.js';

export type PromptKind = keyof PromptTexts;

/** Prompt ids of the run's three templates, built once per kind and grid. */
export class Prompts {
  readonly #built = new Map<string, number[]>();

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly texts: PromptTexts,
    private readonly spatialMergeSize: number,
  ) {}

  ids(kind: PromptKind, grid: Grid): number[] {
    const tokens = videoTokens(grid, this.spatialMergeSize);
    const key = `${kind}:${tokens}`;
    let ids = this.#built.get(key);
    if (ids === undefined) {
      ids = buildPrompt(this.tokenizer, this.texts[kind].trim(), tokens);
      this.#built.set(key, ids);
    }
    return ids;
  }

  /** Tokens of the longest of some prompts for a grid. */
  longest(kinds: readonly PromptKind[], grid: Grid): number {
    return Math.max(...kinds.map((kind) => this.ids(kind, grid).length));
  }
}
