import type { Scalar, Tensor2D } from '@tensorflow/tfjs';
import type { OptimizerConfig } from '../config/model.js';
import { batchTensors, type BatchTensors } from '../policy/batch-tensors.js';
import type { Policy } from '../policy/policy.js';
import type { StoredTensor } from './checkpoint.js';
import { Learner, type Objective, type StepShape } from './learner.js';
import { crossEntropy, tokenLogProbs } from './loss.js';
import { microBatches, type MicroBatch } from './micro-batch.js';
import { fullTuning, partition, type Tuning } from './tuning.js';
import { patchTensor, type VideoPatches } from './video-patches.js';

/** A completion to be learnt, and the video it is about. */
export interface SupervisedSequence {
  readonly prompt: readonly number[];
  readonly completion: readonly number[];
  /** 1 where a completion token is learnt, 0 where it is only read. */
  readonly learnt: readonly number[];
  readonly video: VideoPatches;
  /** Tokens of the longest sequence of this grid that the phase will see: one length for all compiles one graph. */
  readonly longest: number;
}

/** Inputs of a supervised micro-batch on the device. */
export type SupervisedInputs = BatchTensors & {
  /** [videos * t * h * w, patch values] */
  readonly patches: Tensor2D;
  /** [rows, predicted]: what each token weighs in the loss. */
  readonly weights: Tensor2D;
};

/** Numbers of one supervised step. */
export type SupervisedRow = {
  /** Mean -log p over the learnt tokens. */
  readonly loss: number;
  /** Share of the learnt tokens that are the most likely ones. */
  readonly tokenAccuracy: number;
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Learnt tokens. */
  readonly tokens: number;
};

/** Supervised fine-tuning of a policy or its adapter: token-mean cross entropy on the learnt tokens of a batch. */
export class SupervisedTrainer {
  readonly #learner: Learner<SupervisedInputs>;
  readonly #packing: boolean;

  constructor(
    private readonly policy: Policy,
    private readonly batchSize: number,
    optimizer: OptimizerConfig,
    options: {
      readonly stored: Readonly<Record<string, StoredTensor>> | null;
      readonly tuning?: Tuning;
      readonly evaluates?: boolean;
      /** Several sequences share a row; results are those of a row each. */
      readonly packing?: boolean;
    },
  ) {
    const { tf } = policy.backend;
    this.#packing = options.packing ?? false;
    const loss: Objective<SupervisedInputs>['loss'] = (pass, inputs, shape) => {
      const vision = policy.vision(inputs.patches, shape.segments, pass);
      const logits = policy.logits(inputs, vision, pass);
      const logProbs = tokenLogProbs(policy.backend, logits, inputs.targets);
      const right = tf.equal(tf.argMax(logits, -1), inputs.targets).toFloat();
      return {
        loss: crossEntropy(logProbs, inputs.weights),
        metrics: [right.mul(inputs.weights).sum<Scalar>()],
      };
    };
    const weights = partition(policy, options.tuning ?? fullTuning);
    this.#learner = new Learner(policy.backend, weights, optimizer, { loss }, options);
  }

  /** One update on a batch. */
  async step(sequences: readonly SupervisedSequence[], learningRate: number): Promise<SupervisedRow> {
    let gradNorm: number | undefined;
    const { loss, tokenAccuracy, tokens } = await this.#run(sequences, async (inputs, shape, isOnly) => {
      if (!isOnly) return this.#learner.accumulate(inputs, shape);
      const { numbers, norm } = await this.#learner.step(inputs, shape, learningRate);
      gradNorm = norm;
      return numbers;
    });
    gradNorm ??= await this.#learner.apply(learningRate);
    return { loss, tokenAccuracy, gradNorm, learningRate, tokens };
  }

  /** Loss and token accuracy of a batch, without learning from it. */
  validate(
    sequences: readonly SupervisedSequence[],
  ): Promise<Omit<SupervisedRow, 'gradNorm' | 'learningRate'>> {
    return this.#run(sequences, (inputs, shape) => this.#learner.evaluate(inputs, shape));
  }

  /** Brings the policy's variables up to date and gives the optimizer's state. */
  state(): Promise<Record<string, StoredTensor>> {
    this.#learner.sync();
    return this.#learner.state();
  }

  dispose(): void {
    this.#learner.sync();
    this.#learner.dispose();
  }

  async #run(
    sequences: readonly SupervisedSequence[],
    work: (inputs: SupervisedInputs, shape: StepShape, isOnly: boolean) => Promise<number[]>,
  ): Promise<{ loss: number; tokenAccuracy: number; tokens: number }> {
    const tokens = sequences.reduce((sum, s) => sum + s.learnt.reduce((a, b) => a + b, 0), 0);
    const parts = microBatches(
      this.policy.config,
      sequences.map((s, video) => ({
        prompt: s.prompt,
        completion: s.completion,
        weights: Float32Array.from(s.learnt, (x) => x / Math.max(tokens, 1)),
        video,
        longest: s.longest,
      })),
      sequences.map((s) => s.video.grid),
      { batchSize: this.batchSize, packing: this.#packing },
    );
    let loss = 0;
    let tokenAccuracy = 0;
    for (const part of parts) {
      const inputs = this.#inputs(part, sequences);
      const [partLoss, partRight] = await work(
        inputs,
        { segments: part.batch.layout.segments },
        parts.length === 1,
      );
      this.policy.backend.tf.dispose(inputs);
      loss += partLoss!;
      tokenAccuracy += partRight!;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return { loss, tokenAccuracy, tokens };
  }

  #inputs(part: MicroBatch, sequences: readonly SupervisedSequence[]): SupervisedInputs {
    const { rows, predicted } = part.batch;
    return {
      ...batchTensors(this.policy.backend, this.policy.config, part.batch),
      patches: patchTensor(
        this.policy,
        part.videos.map((at) => sequences[at]!.video),
      ),
      weights: this.policy.backend.tf.tensor2d(part.weights, [rows, predicted]),
    };
  }
}
