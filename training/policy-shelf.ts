import type { Backend } from '../policy/backend.js';
import { Tokenizer } from '../policy/tokenizer.js';
import { isAdapterFolder, loadCheckpoint, readAdapter, type LoadedPolicy } from './checkpoint-policy.js';
import type { AnswerJob } from './job.js';

interface Loaded extends LoadedPolicy {
  /** Of the checkpoint whose adapter the policy has; of a whole model, its own. */
  readonly digest: string;
}

/**
 * Models that stay loaded between the answer jobs of one process; the oldest unused one goes first. Adapters on one base
 * take turns: the base stays, and is there once.
 */
export class PolicyShelf {
  /** By digest of the checkpoint, of adapters by their base. */
  readonly #loaded = new Map<string, Loaded>();

  constructor(
    private readonly backend: Backend,
    private readonly capacity = 2,
  ) {}

  get size(): number {
    return this.#loaded.size;
  }

  /** The policy of a checkpoint, read unless it is loaded. It stays the shelf's: do not dispose of it. */
  async take(job: Pick<AnswerJob, 'checkpoint' | 'checkpointDigest' | 'base'>): Promise<LoadedPolicy> {
    const { checkpoint: folder, checkpointDigest: digest, base } = job;
    const isAdapter = base !== null && (await isAdapterFolder(folder));
    const key = isAdapter ? `${base.folder} ${base.revision}` : digest;
    const known = this.#loaded.get(key);
    this.#loaded.delete(key);
    if (known !== undefined) {
      // Back on the shelf first, so that a broken adapter does not lose the base.
      this.#loaded.set(key, known);
      if (known.digest === digest) return known;
      known.policy.setAdapter(await readAdapter(known.policy, folder));
      const turned = { policy: known.policy, tokenizer: await Tokenizer.load(folder), digest };
      this.#loaded.set(key, turned);
      return turned;
    }
    // Room is made first, so that at most `capacity` models are on the device.
    for (const [oldest, { policy }] of this.#loaded) {
      if (this.#loaded.size < this.capacity) break;
      policy.dispose();
      this.#loaded.delete(oldest);
    }
    const loaded = { ...(await loadCheckpoint(this.backend, folder, base)), digest };
    this.#loaded.set(key, loaded);
    return loaded;
  }

  /** Frees all, before training needs the device. */
  clear(): void {
    for (const { policy } of this.#loaded.values()) policy.dispose();
    this.#loaded.clear();
  }
}
