import { z } from 'zod';

/** What the child says at its end. */
export const MeasuredMemory = z.strictObject({
  /** Peak resident bytes above what the process held once TensorFlow was loaded. */
  peak: z.number().positive(),
  backend: z.string(),
});
export type MeasuredMemory = z.infer<typeof MeasuredMemory>;
