import type { EvaluationResult } from '../result.js';

const known: Readonly<Record<string, string>> = {
  sft: 'SFT',
  'reflection-sft': 'Reflection SFT',
  grpo: 'GRPO',
  'always-normal': 'Always Normal',
  'always-abnormal': 'Always Abnormal',
  'best-constant-span-oracle': 'Best constant span (oracle)',
};

/** What people call a checkpoint or a baseline; an unknown name is its own. */
export function displayName(name: string): string {
  return known[name] ?? name;
}

/** Colour class of a checkpoint: the later in the pipeline, the stronger. */
export function toneOf({ checkpoints }: EvaluationResult, checkpoint: string): string {
  const position = checkpoints.findIndex((candidate) => candidate.checkpoint === checkpoint);
  // The last one always has the strongest colour, whatever the number of stages.
  return `c${Math.max(0, Math.min(2, 3 - checkpoints.length + position))}`;
}

/** Each policy in a sentence. */
export const policyMeanings: Readonly<Record<string, string>> = {
  all_videos:
    'every video counts; a Normal video rightly called Normal has IoU 1; a missing or unreadable answer is wrong',
  abnormal_only: 'truly Abnormal videos only, as VAU-R1 reports grounding; saying Normal scores 0',
  vadr1_upstream:
    'the released Vad-R1 evaluator: a missing verdict counts as Abnormal, a video without a prediction is dropped',
};
