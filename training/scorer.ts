import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import type { BatchTensors } from '../policy/batch-tensors.js';
import { compileStep, type CompiledStep } from '../policy/compile.js';
import type { ForwardPass, Policy } from '../policy/policy.js';
import type { StepShape } from './learner.js';
import { tokenLogProbs } from './loss.js';

/** What a forward pass over a micro-batch needs. */
export type ScoreInputs = BatchTensors & {
  /** [videos * t * h * w, patch values] */
  readonly patches: Tensor2D;
};

/** Log-probabilities of a micro-batch's completions, [rows, predicted]. */
export function logProbsOf(
  policy: Policy,
  inputs: ScoreInputs,
  shape: StepShape,
  temperature: number,
  pass: ForwardPass,
): Tensor2D {
  const vision = policy.vision(inputs.patches, shape.segments, pass);
  const logits = policy.logits(inputs, vision, pass);
  return tokenLogProbs(policy.backend, logits, inputs.targets, temperature);
}

/** Log-probabilities of completions under a policy that is not being trained: the reference. */
export class Scorer {
  readonly #step: CompiledStep;
  readonly #marker: Tensor;

  /** @param temperature that the completions were sampled at */
  constructor(policy: Policy, temperature: number) {
    this.#marker = policy.backend.tf.scalar(0);
    this.#step = compileStep(policy.backend, {
      state: policy.variables,
      step: (inputs, parameter) => {
        const shape = JSON.parse(Object.keys(inputs).find((name) => name.startsWith('{'))!) as StepShape;
        const logProbs = logProbsOf(policy, inputs as ScoreInputs, shape, temperature, { parameter });
        return { outputs: { logProbs }, updates: new Map() };
      },
    });
  }

  /** [rows, predicted]; the caller disposes of it. */
  logProbs(inputs: ScoreInputs, shape: StepShape): Tensor2D {
    const found = this.#step.run({ ...inputs, [JSON.stringify(shape)]: this.#marker });
    return found.logProbs as Tensor2D;
  }

  /** Frees the graph, not the policy. */
  dispose(): void {
    this.#step.dispose();
    this.#marker.dispose();
  }
}
