import { compileStep, type CompiledStep } from '../policy/compile.js';
import type { BatchTensors } from '../policy/batch-tensors.js';
import type { Policy } from '../policy/policy.js';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import type { StepShape } from './learner.js';
import { tokenLogProbs } from './loss.js';

/** What a forward pass over a micro-batch needs. */
export type ScoreInputs = BatchTensors & {
  /** [videos * t * h * w, patch values] */
  readonly patches: Tensor2D;
};

/** Log-probabilities of completions under a policy that is not being trained: the reference, or the one before an update. */
export class Scorer {
  readonly #step: CompiledStep;
  readonly #marker: Tensor;

  /** @param temperature that the completions were sampled at */
  constructor(policy: Policy, temperature: number) {
    this.#marker = policy.backend.tf.scalar(0);
    this.#step = compileStep(policy.backend, {
      state: policy.variables,
      step: (inputs, read) => {
        const batch = inputs as unknown as ScoreInputs;
        const shape = JSON.parse(Object.keys(inputs).find((name) => name.startsWith('{'))!) as StepShape;
        const vision = policy.vision(batch.patches, shape.segments, { parameter: read });
        const logits = policy.logits(batch, vision, { parameter: read });
        const logProbs = tokenLogProbs(policy.backend, logits, batch.targets, temperature);
        return { outputs: { logProbs }, updates: new Map() };
      },
    });
  }

  /** [rows, predicted]; the caller disposes of it. */
  logProbs(inputs: ScoreInputs, shape: StepShape): Tensor2D {
    const found = this.#step.run({ ...inputs, [JSON.stringify(shape)]: this.#marker });
    return found.logProbs as Tensor2D;
  }

  /** Takes over the policy's variables after they changed. */
  refresh(): void {
    this.#step.writeState();
  }

  /** Frees the graph, not the policy. */
  dispose(): void {
    this.#step.dispose();
    this.#marker.dispose();
  }
}
