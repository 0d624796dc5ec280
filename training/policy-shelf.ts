import type { Backend } from '../policy/backend.js';
import { Policy } from '../policy/policy.js';
import { Tokenizer } from '../policy/tokenizer.js';

/** A loaded model with its tokenizer. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly tokenizer: Tokenizer;
}

/** Checkpoints that stay loaded between the answer jobs of one process, by digest; the oldest unused one goes first. */
export class PolicyShelf {
  readonly #loaded = new Map<string, LoadedPolicy>();

  constructor(
    private readonly backend: Backend,
    private readonly capacity = 2,
  ) {}

  get size(): number {
    return this.#loaded.size;
  }

  /** The policy of this digest, read from `folder` unless it is loaded. It stays the shelf's: do not dispose of it. */
  async take(digest: string, folder: string): Promise<LoadedPolicy> {
    const known = this.#loaded.get(digest);
    if (known !== undefined) {
      this.#loaded.delete(digest);
      this.#loaded.set(digest, known);
      return known;
    }
    // Room is made first, so that at most `capacity` models are on the device.
    for (const [oldest, { policy }] of this.#loaded) {
      if (this.#loaded.size < this.capacity) break;
      policy.dispose();
      this.#loaded.delete(oldest);
    }
    const tokenizer = await Tokenizer.load(folder);
    const loaded = { policy: await Policy.load(this.backend, folder), tokenizer };
    this.#loaded.set(digest, loaded);
    return loaded;
  }

  /** Frees all, before training needs the device. */
  clear(): void {
    for (const { policy } of this.#loaded.values()) policy.dispose();
    this.#loaded.clear();
  }
}
