import { z } from 'zod';

/** What the bench asks of a participant, one JSON object per line on its standard input. */
export const Request = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('load'), folder: z.string() }),
  z.strictObject({ do: z.literal('check') }),
  z.strictObject({ do: z.literal('run'), count: z.int().positive() }),
  z.strictObject({ do: z.literal('profile') }),
]);
export type Request = z.infer<typeof Request>;

/** Answer to `load`: the participant is ready to work. */
export const Loaded = z.object({
  threads: z.int().positive(),
  versions: z.record(z.string(), z.string()),
});
export type Loaded = z.infer<typeof Loaded>;

/**
 * Answer to `check`: numbers on which all participants must agree. The losses of the first three steps, or the logits
 * after every prompt, row by row.
 */
export const Checked = z.object({ numbers: z.array(z.number()) });

/** Answer to `run`: how long each step took. */
export const Ran = z.object({ milliseconds: z.array(z.number().nonnegative()) });

const ProfilePart = z.object({ name: z.string(), calls: z.int(), milliseconds: z.number() });
export type ProfilePart = z.infer<typeof ProfilePart>;

/** Answer to `profile`: where the time goes, longest first. */
export const Profiled = z.object({
  sections: z.array(z.object({ title: z.string(), parts: z.array(ProfilePart) })),
});
export type Profiled = z.infer<typeof Profiled>;
