import { z } from 'zod';

/** The five disjoint splits of a run. `sft` and `reflect` get reasoning texts, `rl` only labels, `val` and `test` never train. */
export const splits = ['sft', 'reflect', 'rl', 'val', 'test'] as const;
export type Split = (typeof splits)[number];

const share = z.number().min(0).max(1);
const shareOf = (split: string) => share.describe(`share of the samples that go to \`${split}\``);

export const DatasetSource = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('jsonl')
      .describe('a folder of videos with one JSONL annotation file, in our own documented format'),
    annotations: z.string().describe('path of the annotation file, relative to the config file'),
    videos: z
      .string()
      .optional()
      .describe(
        'folder that the paths in the annotation file are relative to; default: the folder of that file',
      ),
  }),
  z.strictObject({
    kind: z
      .literal('vad-reasoning')
      .describe('the released Vad-Reasoning JSONL files (SFT or RL shape, told apart by their keys)'),
    annotations: z.string().describe('path of the JSONL file, relative to the config file'),
    prefixMap: z
      .record(z.string(), z.string())
      .default({})
      .describe('replaces the start of each path, e.g. "/media/wbf/VA-Reasoning-SFT": "/data/vad/sft"'),
    split: z.enum(splits).optional().describe('the split of all rows of this file; default: seeded shares'),
  }),
]);
export type DatasetSource = z.infer<typeof DatasetSource>;

export const DatasetConfig = z.strictObject({
  sources: z.array(DatasetSource).min(1).describe('where samples come from; all sources are merged'),
  shares: z
    .strictObject({
      sft: shareOf('sft'),
      reflect: shareOf('reflect'),
      rl: shareOf('rl'),
      val: shareOf('val'),
      test: shareOf('test'),
    })
    .refine(
      (s) => Math.abs(Object.values(s).reduce((a, b) => a + b, 0) - 1) < 1e-6,
      'the shares must add up to 1',
    )
    .default({ sft: 0.5, reflect: 0.1, rl: 0.2, val: 0.02, test: 0.18 })
    .describe(
      'share of each split (all five are written), for samples whose annotation names none; one film or source stays on one side',
    ),
  maxRejectShare: share
    .default(0.1)
    .describe('a larger share of rejected videos or annotations parks the run, status `awaiting`'),
  minFrames: z
    .int()
    .min(2)
    .default(16)
    .describe('a video with fewer decodable frames is rejected as too short'),
});
export type DatasetConfig = z.infer<typeof DatasetConfig>;

export const FramesConfig = z.strictObject({
  policyFrames: z
    .int()
    .min(2)
    .multipleOf(2)
    .default(16)
    .describe('uniform frames that the policy sees (Vad-R1: 16)'),
  poolFrames: z
    .int()
    .min(2)
    .default(64)
    .describe('uniform frames kept for verification and for trimmed views'),
  size: z
    .union([
      z.strictObject({
        width: z
          .int()
          .min(28)
          .multipleOf(28)
          .describe('fixed width in pixels; a `scratch` model wants a fixed size'),
        height: z.int().min(28).multipleOf(28).describe('fixed height in pixels'),
      }),
      z.strictObject({
        maxPixels: z
          .int()
          .min(28 * 28)
          .describe('pixel budget of a frame; sides become multiples of 28, aspect nearly kept'),
      }),
    ])
    .default({ maxPixels: 128 * 28 * 28 })
    .describe(
      'policy frame size: fixed, or smart-resized to multiples of 28 within a pixel budget (Vad-R1: 128*28*28)',
    ),
  teacherEvery: z
    .int()
    .min(1)
    .default(16)
    .describe('every n-th frame goes to the caption teacher (Vad-R1: 16)'),
  teacherMost: z
    .int()
    .min(2)
    .default(128)
    .describe('at most this many teacher frames; the step grows with the video'),
  teacherWidth: z.int().min(28).default(224).describe('width of teacher frames in pixels, aspect kept'),
});
export type FramesConfig = z.infer<typeof FramesConfig>;

export const TeacherConfig = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('embedded')
      .describe('measures pixels and writes from templates; no network, no labels in captions'),
    trimmedViews: z
      .int()
      .min(0)
      .default(1)
      .describe(
        'extra SFT views per sample with a segment cut out and the text rewritten, so verification inputs are familiar',
      ),
  }),
]);
export type TeacherConfig = z.infer<typeof TeacherConfig>;
