import { z } from 'zod';
import { isDamage } from './damage.js';
import type { ObjectStore } from './object-store.js';

/** How one sample fared in one stage, with its result where it is `ok`. */
export const SampleOutcome = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('ok'), value: z.json(), blobs: z.array(z.string()) }),
  z.strictObject({
    outcome: z.enum(['rejected', 'refused', 'failed']),
    reason: z.string(),
    message: z.string(),
  }),
]);
export type SampleOutcome = z.infer<typeof SampleOutcome>;

const OutcomeRecord = z.record(z.string(), SampleOutcome);

/**
 * Per-sample results of a shard that is still being worked on (`samples/<stage>/<key>.json`), so that a retry pays only
 * for what is missing.
 */
export class SampleOutcomes {
  constructor(private readonly objects: ObjectStore) {}

  /** What is recorded so far; a record that is damaged counts as none. */
  async read(stage: string, key: string): Promise<Record<string, SampleOutcome>> {
    try {
      const bytes = await this.objects.read(nameOf(stage, key));
      return bytes === null ? {} : OutcomeRecord.parse(JSON.parse(bytes.toString('utf8')));
    } catch (error) {
      if (isDamage(error) || error instanceof SyntaxError || error instanceof z.ZodError) return {};
      throw error;
    }
  }

  /**
   * Adds to what is recorded, and gives back all of it. What is there already stays: an attempt that outlived the start
   * of its successor cannot change what that one has read.
   */
  async add(
    stage: string,
    key: string,
    outcomes: Readonly<Record<string, SampleOutcome>>,
  ): Promise<Record<string, SampleOutcome>> {
    const all = { ...outcomes, ...(await this.read(stage, key)) };
    await this.objects.write(nameOf(stage, key), Buffer.from(JSON.stringify(all)), 'application/json');
    return all;
  }

  /** Takes samples out of the record, for another to work on them anew. */
  async drop(stage: string, key: string, samples: readonly string[]): Promise<void> {
    const all = await this.read(stage, key);
    for (const sample of samples) delete all[sample];
    await this.objects.write(nameOf(stage, key), Buffer.from(JSON.stringify(all)), 'application/json');
  }
}

const nameOf = (stage: string, key: string): string => `samples/${stage}/${key}.json`;
