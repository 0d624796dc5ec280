import type { Scalar, Tensor2D } from '@tensorflow/tfjs';
import type { GrpoConfig } from '../config/training.js';
import { batchTensors } from '../policy/batch-tensors.js';
import type { NamedTensors } from '../policy/compile.js';
import type { LoraAdapter } from '../policy/lora.js';
import { Policy } from '../policy/policy.js';
import type { StoredTensor } from './checkpoint.js';
import { patchTensor, type VideoPatches } from './video-patches.js';
import { grpoLoss, type GrpoLossInputs } from './grpo-loss.js';
import { Learner, type LearnerPass, type LossAndMetrics, type StepShape } from './learner.js';
import { tokenEntropy, tokenLogProbs } from './loss.js';
import { microBatches, type MicroBatch } from './micro-batch.js';
import { logProbsOf, Scorer, type ScoreInputs } from './scorer.js';
import { fullTuning, partition, type Tuning } from './tuning.js';
import { tokenWeights } from './token-weights.js';

/** A sampled completion with its advantage, as the update takes it. */
export interface ScoredRollout {
  readonly prompt: readonly number[];
  /** Up to and including the first end of turn. */
  readonly completion: readonly number[];
  /** Log-probabilities of its tokens when they were sampled. */
  readonly logProbs: readonly number[];
  readonly advantage: number;
  /** False leaves its tokens out of the loss; it stays in the group's statistics. */
  readonly counts: boolean;
  /** Index of its video. */
  readonly video: number;
}

type GrpoInputs = ScoreInputs & GrpoLossInputs;

/** Numbers of the updates of one generation; means over its updates. */
export type GrpoUpdateRow = {
  readonly loss: number;
  /** k3 estimate per token against the reference; 0 at beta 0. */
  readonly kl: number;
  /** Nats per token. */
  readonly entropy: number;
  /** Share of tokens whose ratio left the clipping range. */
  readonly clipped: number;
  readonly gradNorm: number;
  readonly learningRate: number;
};

/** Stands before the names of a reference adapter's parameters in the learner. */
const referencePrefix = 'reference.';

/** GRPO's update of a policy, or of its adapter, against a fixed reference policy. */
export class GrpoTrainer {
  readonly #learner: Learner<GrpoInputs>;
  readonly #scoreReference: ((inputs: ScoreInputs, shape: StepShape) => Tensor2D) | null;
  readonly #scorer: Scorer | null;

  /**
   * @param reference null when beta is 0; an adapter of the policy's own shape where the policy has one, so that the
   * weights below exist once
   */
  constructor(
    private readonly policy: Policy,
    reference: Policy | LoraAdapter | null,
    private readonly params: GrpoConfig,
    options: {
      readonly stored: Readonly<Record<string, StoredTensor>> | null;
      readonly tuning?: Tuning;
    },
  ) {
    const { temperature } = params.sampling;
    const { trained, frozen } = partition(policy, options.tuning ?? fullTuning);
    const isAdapter = reference !== null && !(reference instanceof Policy);
    if (isAdapter) {
      for (const [name, variable] of reference.variables) frozen.set(referencePrefix + name, variable);
    }
    const score = (pass: LearnerPass, inputs: NamedTensors, shape: StepShape) =>
      logProbsOf(policy, inputs as ScoreInputs, shape, temperature, {
        ...pass,
        adapterPrefix: referencePrefix,
      });
    this.#learner = new Learner(
      policy.backend,
      { trained, frozen },
      params.optimizer,
      { loss: this.#loss, score },
      options,
    );
    this.#scorer = reference instanceof Policy ? new Scorer(reference, temperature) : null;
    if (isAdapter) {
      this.#scoreReference = (inputs, shape) => this.#learner.score(inputs, shape) as Tensor2D;
    } else {
      const scorer = this.#scorer;
      this.#scoreReference = scorer && ((inputs, shape) => scorer.logProbs(inputs, shape));
    }
  }

  /**
   * Updates on one generation, `updatesPerGeneration` times on all of it; afterwards the policy's variables are current.
   * @param groupSize completions per video, next to each other
   */
  async update(
    rollouts: readonly ScoredRollout[],
    videos: readonly VideoPatches[],
    groupSize: number,
    learningRate: number,
  ): Promise<GrpoUpdateRow> {
    const { tf } = this.policy.backend;
    const parts = this.#layOut(rollouts, videos, groupSize);
    const batches = parts.map((part) => this.#inputs(part, rollouts, videos));
    const sums = { loss: 0, kl: 0, entropy: 0, clipped: 0, gradNorm: 0 };
    try {
      for (let update = 0; update < this.params.updatesPerGeneration; update++) {
        const add = ([loss, kl, entropy, clipped]: number[]): void => {
          sums.loss += loss!;
          sums.kl += kl!;
          sums.entropy += entropy!;
          sums.clipped += clipped!;
        };
        if (batches.length === 1) {
          const [{ inputs, shape }] = batches as [(typeof batches)[0]];
          const { numbers, norm } = await this.#learner.step(inputs, shape, learningRate);
          add(numbers);
          sums.gradNorm += norm;
          continue;
        }
        for (const { inputs, shape } of batches) {
          add(await this.#learner.accumulate(inputs, shape));
          await new Promise<void>((resolve) => setImmediate(resolve));
        }
        sums.gradNorm += await this.#learner.apply(learningRate);
      }
    } finally {
      for (const { inputs } of batches) tf.dispose(inputs);
    }
    this.#learner.sync();
    const n = this.params.updatesPerGeneration;
    return {
      loss: sums.loss / n,
      kl: sums.kl / n,
      entropy: sums.entropy / n,
      clipped: sums.clipped / n,
      gradNorm: sums.gradNorm / n,
      learningRate,
    };
  }

  /** Optimizer state; the policy's variables are current. */
  state(): Promise<Record<string, StoredTensor>> {
    this.#learner.sync();
    return this.#learner.state();
  }

  dispose(): void {
    this.#learner.dispose();
    this.#scorer?.dispose();
  }

  readonly #loss = (pass: LearnerPass, inputs: GrpoInputs, shape: StepShape): LossAndMetrics => {
    const { policy, params } = this;
    const { backend } = policy;
    const { tf } = backend;
    const { temperature } = params.sampling;
    const vision = policy.vision(inputs.patches, shape.segments, pass);
    const logits = policy.logits(inputs, vision, pass);
    const logProbs = tokenLogProbs(backend, logits, inputs.targets, temperature);
    const { loss, kl, clipped } = grpoLoss(tf, logProbs, inputs, params);
    const entropy = tokenEntropy(tf, logits, temperature).mul(inputs.share).sum<Scalar>();
    return { loss, metrics: [kl, entropy, clipped] };
  };

  #layOut(
    rollouts: readonly ScoredRollout[],
    videos: readonly VideoPatches[],
    groupSize: number,
  ): { readonly batch: MicroBatch; readonly share: Float32Array }[] {
    const columns = Math.max(1, ...rollouts.map((r) => r.completion.length));
    const mask = new Float32Array(rollouts.length * columns);
    for (const [row, { counts, completion }] of rollouts.entries()) {
      if (counts) mask.fill(1, row * columns, row * columns + completion.length);
    }
    const activeTokens = mask.reduce((sum, x) => sum + x, 0);
    const weights = tokenWeights(mask, columns, {
      aggregation: this.params.aggregation,
      rows: rollouts.length,
      maxCompletion: this.params.sampling.maxTokens,
      activeTokens,
    });
    const cut = (values: Float32Array, row: number): Float32Array =>
      values.subarray(row * columns, row * columns + rollouts[row]!.completion.length);
    const parts = microBatches(
      this.policy.config,
      rollouts.map((r, row) => ({ ...r, weights: cut(weights, row) })),
      videos.map((v) => v.grid),
      { together: groupSize },
    );
    return parts.map((batch) => {
      const { predicted, from } = batch.batch;
      const share = new Float32Array(batch.weights.length);
      batch.sequences.forEach((at, row) => {
        const start = row * predicted + rollouts[at]!.prompt.length - from;
        share.set(
          cut(mask, at).map((x) => x / Math.max(activeTokens, 1)),
          start,
        );
      });
      return { batch, share };
    });
  }

  /** [rows, predicted]: the log-probabilities that the completions were sampled with; 0 elsewhere. */
  #sampled({ batch, sequences }: MicroBatch, rollouts: readonly ScoredRollout[]): Tensor2D {
    const { rows, predicted, from } = batch;
    const values = new Float32Array(rows * predicted);
    sequences.forEach((at, row) => {
      const { prompt, logProbs } = rollouts[at]!;
      values.set(logProbs, row * predicted + prompt.length - from);
    });
    return this.policy.backend.tf.tensor2d(values, [rows, predicted]);
  }

  #inputs(
    { batch: part, share }: { readonly batch: MicroBatch; readonly share: Float32Array },
    rollouts: readonly ScoredRollout[],
    videos: readonly VideoPatches[],
  ): { inputs: GrpoInputs; shape: StepShape } {
    const { policy } = this;
    const { tf } = policy.backend;
    const { rows, predicted } = part.batch;
    const shape = { segments: part.batch.layout.segments };
    const seen: ScoreInputs = {
      ...batchTensors(policy.backend, policy.config, part.batch),
      patches: patchTensor(
        policy,
        part.videos.map((at) => videos[at]!),
      ),
    };
    const advantages = Float32Array.from({ length: rows }, (_, row) => {
      const at = part.sequences[row];
      return at === undefined ? 0 : rollouts[at]!.advantage;
    });
    const reference = this.#scoreReference?.(seen, shape);
    const old = this.params.updatesPerGeneration > 1 ? this.#sampled(part, rollouts) : undefined;
    return {
      shape,
      inputs: {
        ...seen,
        weights: tf.tensor2d(part.weights, [rows, predicted]),
        share: tf.tensor2d(share, [rows, predicted]),
        advantages: tf.tensor2d(advantages, [rows, 1]),
        ...(reference === undefined ? {} : { reference }),
        ...(old === undefined ? {} : { old }),
      },
    };
  }
}
