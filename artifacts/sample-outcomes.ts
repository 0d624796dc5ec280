import { z } from 'zod';
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

  async read(stage: string, key: string): Promise<Record<string, SampleOutcome>> {
    const bytes = await this.objects.read(`samples/${stage}/${key}.json`);
    return bytes === null ? {} : OutcomeRecord.parse(JSON.parse(bytes.toString('utf8')));
  }

  async write(stage: string, key: string, outcomes: Record<string, SampleOutcome>): Promise<void> {
    await this.objects.write(
      `samples/${stage}/${key}.json`,
      Buffer.from(JSON.stringify(outcomes)),
      'application/json',
    );
  }
}
