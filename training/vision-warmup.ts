import type { Rank, Scalar, Tensor2D, Variable } from '@tensorflow/tfjs';
import type { SftConfig } from '../config/training.js';
import { TerminalError } from '../core/errors.js';
import { Random } from '../core/random.js';
import type { Policy } from '../policy/policy.js';
import type { Grid } from '../policy/processor.js';
import type { StoredTensor } from './checkpoint.js';
import { DataOrder } from './data-order.js';
import { requireFinite } from './finite.js';
import type { FrameCache } from './frame-cache.js';
import { patchTensor, type VideoPatches } from './video-patches.js';
import { Learner, type Objective } from './learner.js';
import { crossEntropy, tokenLogProbs } from './loss.js';
import type { Phase, PhaseRun } from './run-phases.js';
import { learningRateAt } from './schedule.js';
import { drawView, type SampleViews } from './views.js';

type WarmupInputs = {
  /** [videos * t * h * w, patch values] */
  readonly patches: Tensor2D;
  /** int32 [1, videos * t]: index of each temporal patch's word */
  readonly words: Tensor2D;
};

/**
 * What only a from-scratch run needs before SFT: the vision tower learns, through a linear head, the perception word of
 * each temporal patch; the head is dropped afterwards. The head sees all merged tokens of a temporal patch, each divided
 * by its root mean square, one after the other; so it fits any number of them, but one grid: samples of another grid than
 * the most frequent one are left out. (Pooling the tokens instead did not learn.)
 */
export function visionWarmup(options: {
  readonly policy: Policy;
  readonly views: readonly SampleViews[];
  readonly frames: FrameCache;
  readonly params: SftConfig;
  readonly seed: number;
  readonly workDir: string;
}): Phase {
  const { policy, views, frames, params, seed, workDir } = options;
  const { steps, batchSize, optimizer } = params.visionWarmup;
  return {
    name: 'vision-warmup',
    steps,
    start: async (stored): Promise<PhaseRun> => {
      const words = [...new Set(views.flatMap((v) => [v.full, ...v.trimmed].flatMap((t) => t.words)))].sort();
      const load = (place: number, view: string): Promise<VideoPatches> => {
        const { sample, full, trimmed } = views[place]!;
        const target = view === 'full' ? full : trimmed.find((t) => t.view === view)!;
        return frames.patches(sample.id, target.frames);
      };
      const { grid, members } = await largestGrid(views, frames);
      const head = createHead(policy, { words: words.length, grid, seed, stored });
      const visual = [...policy.variables].filter(([name]) => name.startsWith('visual.'));
      const trained = new Map<string, Variable>([...visual, ...head]);
      const learner = new Learner<WarmupInputs>(
        policy.backend,
        { trained },
        optimizer,
        { loss: warmupLoss(policy) },
        { stored },
      );
      const order = new DataOrder(members.length, seed, 'vision-warmup');
      const { tf } = policy.backend;
      return {
        step: async (k) => {
          const videos: VideoPatches[] = [];
          const targets: number[] = [];
          const drawn: unknown[] = [];
          for (let i = 0; i < batchSize; i++) {
            const position = k * batchSize + i;
            const place = members[order.at(position)]!;
            const target = drawView(
              views[place]!,
              params.trimmedShare,
              Random.from(seed, 'vision-warmup', 'view', position),
            );
            videos.push(await load(place, target.view));
            targets.push(...wordIndices(target.words, words, grid.t, target.sampleId));
            drawn.push({ sampleId: target.sampleId, view: target.view });
          }
          const inputs = {
            patches: patchTensor(policy, videos),
            words: tf.tensor2d(targets, [1, targets.length], 'int32'),
          };
          const shape = {
            segments: [{ frames: batchSize * grid.t, h: grid.h, w: grid.w }],
          };
          const learningRate = learningRateAt(k + 1, steps, optimizer);
          const { numbers, norm: gradNorm } = await learner.step(inputs, shape, learningRate);
          const [loss, patchAccuracy] = numbers;
          tf.dispose(inputs);
          const row = { loss: loss!, patchAccuracy: patchAccuracy!, gradNorm, learningRate };
          await requireFinite(workDir, { step: k + 1, ...row, expectGradient: true }, drawn);
          return row;
        },
        state: async () => {
          learner.sync();
          const state = await learner.state();
          for (const [name, variable] of head) {
            state[name] = { shape: variable.shape, values: (await variable.data()) as Float32Array };
          }
          return state;
        },
        dispose: () => {
          learner.sync();
          learner.dispose();
          for (const [, variable] of head) variable.dispose();
        },
      };
    },
  };
}

const headWeight = 'head.weight';
const headBias = 'head.bias';

/** The head as it was, or fresh: uniform in +-1/sqrt(inputs). */
function createHead(
  policy: Policy,
  options: { words: number; grid: Grid; seed: number; stored: Readonly<Record<string, StoredTensor>> | null },
): [string, Variable][] {
  const { tf } = policy.backend;
  const { vision } = policy.config;
  const { words, grid, seed, stored } = options;
  const inputs = ((grid.h * grid.w) / vision.spatialMergeSize ** 2) * vision.outHiddenSize;
  return [
    { name: headWeight, shape: [words, inputs] },
    { name: headBias, shape: [words] },
  ].map(({ name, shape }) => {
    const random = Random.from(seed, 'vision-warmup', name);
    const bound = 1 / Math.sqrt(inputs);
    const size = shape.reduce((a, b) => a * b, 1);
    const values =
      stored?.[name]?.values ?? Float32Array.from({ length: size }, () => random.uniform(-bound, bound));
    return [name, tf.tidy(() => tf.variable(tf.tensor(values, shape), false))];
  });
}

function warmupLoss(policy: Policy): Objective<WarmupInputs>['loss'] {
  const { tf } = policy.backend;
  return (pass, inputs, shape) => {
    const frames = shape.segments[0]!.frames;
    const seen = policy.vision(inputs.patches, shape.segments, pass);
    const normal = seen.mul(seen.square().mean(-1, true).add(1e-6).rsqrt());
    const patches = normal.reshape<Tensor2D>([frames, -1]);
    const weight = pass.parameter(headWeight) as Tensor2D;
    const logits = tf.matMul(patches, weight, false, true).add<Tensor2D>(pass.parameter(headBias));
    const rows = logits.shape[0];
    const logp = tokenLogProbs(policy.backend, logits.reshape([1, rows, -1]), inputs.words);
    const right = tf.equal(tf.argMax(logits, -1), inputs.words.reshape([rows])).toFloat();
    const weights = tf.ones<Rank.R2>([1, rows]).div<Tensor2D>(rows);
    return { loss: crossEntropy(logp, weights), metrics: [right.mean<Scalar>()] };
  };
}

/** The most frequent grid of the whole views, the first of equals, and which samples have it. */
async function largestGrid(
  views: readonly SampleViews[],
  frames: FrameCache,
): Promise<{ grid: Grid; members: number[] }> {
  const found = new Map<string, { grid: Grid; members: number[] }>();
  for (const [place, { sample, full }] of views.entries()) {
    const grid = await frames.grid(sample.id, full.frames.length);
    const key = `${grid.t}x${grid.h}x${grid.w}`;
    const same = found.get(key);
    if (same === undefined) found.set(key, { grid, members: [place] });
    else same.members.push(place);
  }
  let best: { grid: Grid; members: number[] } | undefined;
  for (const group of found.values()) {
    if (best === undefined || group.members.length > best.members.length) best = group;
  }
  if (best === undefined)
    throw new TerminalError('training.no-samples', 'no sample to warm the vision tower up with');
  return best;
}

function wordIndices(
  own: readonly string[],
  words: readonly string[],
  patches: number,
  sampleId: string,
): number[] {
  if (own.length !== patches) {
    throw new TerminalError(
      'training.bad-target',
      `the target of ${sampleId} has ${own.length} words for ${patches} temporal patches`,
    );
  }
  return own.map((word) => words.indexOf(word));
}
