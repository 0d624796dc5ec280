import type { CheckpointStage } from '../config/evaluation.js';
import type { PromptTexts, RunConfig } from '../config/schema.js';
import type { CompletionShape } from './answer.js';
import { answersTwice } from './answer.js';

/** What decides the shape of a run's completions. */
export type ShapeConfig = Pick<RunConfig, 'reasoning' | 'grpo' | 'reflection'>;

/** The shape of an answer in one pass: what SFT teaches, and what verification asks for. */
export function onePassShape({ reasoning }: Pick<RunConfig, 'reasoning'>): 'direct' | 'single' {
  return reasoning ? 'single' : 'direct';
}

/** What a checkpoint was trained to write. */
export function shapeOf(checkpoint: CheckpointStage, config: ShapeConfig): CompletionShape {
  if (checkpoint === 'sft' || (checkpoint === 'grpo' && config.grpo.preset === 'vad-r1')) {
    return onePassShape(config);
  }
  return config.reflection.marks ? 'reflective' : 'two-pass';
}

/** The prompt that asks for a completion of this shape. */
export function promptFor(shape: CompletionShape): keyof PromptTexts {
  return answersTwice(shape) ? 'reflective' : 'verdict';
}
