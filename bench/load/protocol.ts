import { z } from 'zod';

/** What the child process measured, as the last line of its stdout. Bytes and seconds. */
export const LoadMeasurement = z.strictObject({
  backend: z.string(),
  threads: z.int(),
  versions: z.record(z.string(), z.string()),
  parameters: z.int(),
  float32Bytes: z.int(),
  /** Resident before anything of the model was read. */
  residentBefore: z.int(),
  /** Largest resident size while loading, and to the end of the forward pass. */
  peakLoading: z.int(),
  peak: z.int(),
  loadSeconds: z.number(),
  forwardSeconds: z.number(),
  /** Of the forward pass. */
  tokens: z.int(),
  logits: z.int(),
  largestLogit: z.number(),
  /** False when a logit was NaN or infinite. */
  finite: z.boolean(),
});
export type LoadMeasurement = z.infer<typeof LoadMeasurement>;
