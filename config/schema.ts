import { z } from 'zod';
import { DatasetConfig, FramesConfig, TeacherConfig } from './dataset.js';
import { checkpointStages, EvaluationConfig } from './evaluation.js';
import { ModelConfig } from './model.js';
import { GrpoConfig, ReflectionConfig, SftConfig } from './training.js';

const seed = (of: string) =>
  z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1)
    .describe(`seed of ${of}`);

/** A name that can stand in ids and in tables. */
const variantName = /^[a-z0-9][a-z0-9-]{0,40}$/;

const PromptFiles = z
  .strictObject({
    verdict: z.string().default('verdict.md').describe('asks for Abnormal or Normal, in one pass'),
    category: z.string().default('category.md').describe('asks for the fine category, in one pass'),
    reflective: z
      .string()
      .default('reflective.md')
      .describe('asks for Abnormal or Normal: first answer, reflection, revised answer'),
  })
  .describe('prompt templates: files of config/prompts, or paths relative to the config file');

/**
 * One run, whole: everything that can change an artifact is in here and nothing else (never a host, a path of the store
 * or a secret). Stages receive their own part of it, which is what goes into their key.
 */
export const RunConfig = z.strictObject({
  name: z
    .string()
    .regex(variantName, 'lower-case letters, digits and dashes, at most 41')
    .describe('begins the run id'),
  seed: z
    .strictObject({
      data: seed('splits, trimmed views and teacher texts'),
      train: seed('weights, batches and sampled completions'),
      eval: seed('predictions and bootstrap'),
    })
    .prefault({})
    .describe('every random draw derives from one of these three'),
  dataset: DatasetConfig.describe('which videos, with which annotations, in which split'),
  frames: FramesConfig.prefault({}).describe('which frames of a video are kept, and how large'),
  teacher: TeacherConfig.prefault({ kind: 'embedded' }).describe(
    'who writes captions, reasoning and reflections',
  ),
  model: ModelConfig.prefault({ kind: 'scratch' }).describe('the policy'),
  prompts: PromptFiles.prefault({}),
  sft: SftConfig.prefault({}).describe('supervised fine-tuning on reasoning texts'),
  reflection: ReflectionConfig.prefault({}).describe(
    'drafts, reflections and the fine-tuning on them (SRVAU-R1)',
  ),
  grpo: GrpoConfig.prefault({}).describe('reinforcement fine-tuning'),
  evaluation: EvaluationConfig.prefault({}).describe('benchmark and statistics'),
  reasoning: z
    .boolean()
    .default(true)
    .describe('false: answers without `<think>`, to measure what reasoning adds; single-pass only'),
  stages: z
    .array(z.enum(checkpointStages))
    .min(1)
    .optional()
    .describe(
      'training stages of the run, each from the checkpoint of the one before; by default sft and grpo under the preset `vad-r1`, all three under the others',
    ),
  variants: z
    .record(
      z.string().regex(variantName, 'lower-case letters, digits and dashes, at most 41'),
      z.record(z.string(), z.json()),
    )
    .default({})
    .describe(
      'branches of the run by name, each a map of the fields that differ; what a branch shares with others is made once; with `extends`, the name of another variant, one differs from that and is compared with it too',
    ),
  trainer: z
    .enum(['native', 'external'])
    .default('native')
    .describe('`native`: TensorFlow.js in a child process of the GPU worker; `external`: not offered yet'),
});
export type RunConfig = z.infer<typeof RunConfig>;
/** What a person may write: defaults still missing. */
export type RunConfigInput = z.input<typeof RunConfig>;

/** The texts of the prompt templates, read when a config is loaded, so that a run does not depend on files that may change. */
export interface PromptTexts {
  readonly verdict: string;
  readonly category: string;
  readonly reflective: string;
}

/** A config with all defaults resolved, the prompt texts read and dataset paths made absolute. */
export interface ResolvedConfig {
  readonly config: RunConfig;
  readonly prompts: PromptTexts;
}

/** What a run is started with: its own config, and those of its variants, each whole. */
export interface ResolvedRun extends ResolvedConfig {
  readonly variants: Readonly<Record<string, ResolvedConfig>>;
}
