import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { optimizerConfig } from '../../config/model.js';
import { GrpoConfig } from '../../config/training.js';
import { packageRoot } from '../../core/package-root.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import { groupAdvantages } from '../../training/advantages.js';
import type { StoredTensor } from '../../training/checkpoint.js';
import { givenPatches, type VideoPatches } from '../../training/video-patches.js';
import { GrpoTrainer, type ScoredRollout } from '../../training/grpo-trainer.js';
import { SupervisedTrainer, type SupervisedSequence } from '../../training/supervised.js';
import { GridFields, readSafetensors, relativeDifference } from '../policy/parity-case.js';

// What PyTorch and transformers 4.57.6 make of single training steps, see scripts/fixtures/training_step.py.
const fixtures = join(packageRoot, 'test/fixtures/training-step');
const readJson = (name: string): unknown => JSON.parse(readFileSync(join(fixtures, `${name}.json`), 'utf8'));

vi.setConfig({ testTimeout: 120_000 });

const numbers = z.array(z.number());
const Batch = z.object({
  maxTokens: z.number(),
  groupSize: z.number(),
  grids: z.array(GridFields),
  prompts: z.array(numbers),
  completions: z.array(z.array(numbers)),
  rewards: z.array(numbers),
});
const Optimizer = z.object({
  learningRate: z.number(),
  beta1: z.number(),
  beta2: z.number(),
  weightDecay: z.number(),
  maxGradNorm: z.number(),
});
const updateNumbers = {
  loss: z.number(),
  kl: z.number(),
  entropy: z.number(),
  clipped: z.number(),
  gradNorm: z.number(),
};
const Settings = z.object({
  beta: z.number(),
  clipLow: z.number(),
  clipHigh: z.number(),
  scaleRewards: z.enum(['group', 'none']),
  maskTruncated: z.boolean(),
  temperature: z.number(),
  aggregation: z.enum(['grpo', 'bnpo', 'dr_grpo', 'dapo']),
  sampledBy: z.enum(['policy', 'other']),
  prompts: numbers,
  advantages: numbers,
  old: z.array(numbers),
});
const GrpoStep = Settings.extend(updateNumbers);
const TwoUpdates = Settings.extend({ optimizer: Optimizer, updates: z.array(z.object(updateNumbers)) });
const SftStep = z.object({
  optimizer: Optimizer,
  sequences: z.array(z.tuple([z.number(), numbers, numbers])),
  loss: z.number(),
  gradNorm: z.number(),
});
const Steps = z.object({ 'two-updates': TwoUpdates, sft: SftStep }).catchall(GrpoStep);

const batch = Batch.parse(readJson('batch'));
const steps = Steps.parse(readJson('steps'));
const endOfTurn = 2;

let backend: Backend;
let videos: VideoPatches[];
beforeAll(async () => {
  backend = await loadBackend();
  const patches = await readSafetensors(join(fixtures, 'patches.safetensors'));
  videos = batch.grids.map((grid, at) => givenPatches(grid, patches.get(String(at))!));
});

/** Without momentum and clipping the first moment after a step is the gradient itself. */
const readGradients = { beta1: 0, maxGradNorm: 1e9 };

async function expectGradients(name: string, state: Record<string, StoredTensor>): Promise<void> {
  const wanted = await readSafetensors(join(fixtures, `gradients-${name}.safetensors`));
  const found = Object.keys(state).filter((key) => key.startsWith('first.'));
  expect(found.sort()).toEqual([...wanted.keys()].map((key) => `first.${key}`).sort());
  for (const [key, gradient] of wanted) {
    const own = state[`first.${key}`]!.values;
    expect(relativeDifference(own, gradient), `gradient of ${key}`).toBeLessThan(1e-4);
  }
}

/** Compares how far the weights have moved, as a share of the learning rate: the size of an AdamW step. */
async function expectWeights(name: string, policy: Policy, learningRate: number): Promise<void> {
  const wanted = await readSafetensors(join(fixtures, `updated-${name}.safetensors`));
  const before = await readSafetensors(join(fixtures, 'policy/model.safetensors'));
  expect([...wanted.keys()].sort()).toEqual([...policy.variables.keys()].sort());
  for (const [key, values] of wanted) {
    const own = await policy.variables.get(key)!.data();
    const start = before.get(key)!;
    const differences = values.map((value, i) => Math.abs(value - own[i]!) / learningRate);
    const meanSquare = differences.reduce((sum, x) => sum + x ** 2, 0) / differences.length;
    expect(Math.sqrt(meanSquare), key).toBeLessThan(1e-3);
    // Where a gradient is about as small as AdamW's epsilon, rounding moves the step.
    expect(Math.max(...differences), key).toBeLessThan(2e-2);
    expect(Math.max(...values.map((value, i) => Math.abs(value - start[i]!)))).toBeGreaterThan(
      learningRate / 2,
    );
  }
}

/** The scored rollouts of some of the groups, with our own advantages. */
function rolloutsOf(step: z.infer<typeof Settings>): ScoredRollout[] {
  return step.prompts.flatMap((video, group) => {
    const { advantages } = groupAdvantages(batch.rewards[video]!, step.scaleRewards);
    return batch.completions[video]!.map((completion, i) => ({
      prompt: batch.prompts[video]!,
      completion,
      logProbs: step.old[group * batch.groupSize + i]!,
      advantage: advantages[i]!,
      counts: !(step.maskTruncated && completion.at(-1) !== endOfTurn),
      video,
    }));
  });
}

/** The update of a step by our trainer, with what it was made of. */
async function updated(
  step: z.infer<typeof Settings>,
  options: { readonly updates: number; readonly learningRate: number; readonly optimizer: object },
) {
  const policy = await Policy.load(backend, join(fixtures, 'policy'));
  const reference = await Policy.load(backend, join(fixtures, 'reference'));
  const { beta, clipLow, clipHigh, aggregation, temperature } = step;
  const params = GrpoConfig.parse({
    ...{ beta, clipLow, clipHigh, aggregation, groupSize: batch.groupSize },
    sampling: { temperature, maxTokens: batch.maxTokens },
    updatesPerGeneration: options.updates,
    optimizer: options.optimizer,
  });
  const trainer = new GrpoTrainer(policy, reference, params, { stored: null });
  const rollouts = rolloutsOf(step);
  const row = await trainer.update(rollouts, videos, batch.groupSize, options.learningRate);
  const state = await trainer.state();
  trainer.dispose();
  reference.dispose();
  return { policy, rollouts, row, state };
}

describe.each(['grpo', 'grpo-clipped-masked', 'bnpo', 'dr_grpo', 'dapo'])(
  'a GRPO step as PyTorch makes it: %s',
  (name) => {
    it('has the same advantages, loss, KL, entropy, clipped share and gradient of every parameter', async () => {
      const step = GrpoStep.parse(steps[name]);
      // Only a second update on a generation looks at the log-probabilities of its sampling. Both are the same step at a
      // learning rate of 0.
      const updates = step.sampledBy === 'policy' ? 1 : 2;
      const { policy, rollouts, row, state } = await updated(step, {
        updates,
        learningRate: 0,
        optimizer: readGradients,
      });
      policy.dispose();
      const advantages = rollouts.map(({ advantage }) => advantage);
      expect(relativeDifference(advantages, Float32Array.from(step.advantages))).toBeLessThan(1e-6);
      for (const key of ['loss', 'kl', 'entropy', 'clipped', 'gradNorm'] as const) {
        expect(Math.abs(row[key] - step[key]), key).toBeLessThanOrEqual(1e-4 * Math.abs(step[key]));
      }
      expect(row.clipped > 0).toBe(step.sampledBy === 'other');
      await expectGradients(name, state);
    });
  },
);

describe('the batch of the fixture', () => {
  it('holds what the steps are to show: a group without spread, truncated rows, lengths and grids that differ', () => {
    const completions = batch.completions.flat();
    expect(batch.rewards.filter((own) => new Set(own).size === 1)).toHaveLength(1);
    const truncated = completions.filter((ids) => !ids.includes(endOfTurn));
    expect(truncated.map((ids) => ids.length)).toEqual([batch.maxTokens, batch.maxTokens]);
    for (const ids of completions) expect(ids.slice(0, -1)).not.toContain(endOfTurn);
    expect(new Set(completions.map((ids) => ids.length)).size).toBeGreaterThan(5);
    expect(new Set(batch.grids.map((grid) => JSON.stringify(grid))).size).toBe(2);
  });
});

describe('two GRPO updates on one generation as PyTorch makes them', () => {
  it('have the same numbers and end with the same weights', async () => {
    const step = steps['two-updates'];
    const { optimizer, updates } = step;
    const { learningRate } = optimizer;
    const { policy, row } = await updated(step, { updates: 2, learningRate, optimizer });
    for (const key of ['loss', 'kl', 'entropy', 'clipped', 'gradNorm'] as const) {
      const wanted = (updates[0]![key] + updates[1]![key]) / 2;
      expect(Math.abs(row[key] - wanted), key).toBeLessThanOrEqual(1e-3 * Math.abs(wanted));
    }
    await expectWeights('two-updates', policy, learningRate);
    policy.dispose();
  });
});

describe('an SFT step as PyTorch makes it', () => {
  const { sequences, optimizer, loss, gradNorm } = steps.sft;
  const step = async (settings: object, learningRate: number) => {
    const policy = await Policy.load(backend, join(fixtures, 'policy'));
    const config = optimizerConfig({ learningRate: 1 }).parse(settings);
    const trainer = new SupervisedTrainer(policy, sequences.length, config, { stored: null });
    const taught = sequences.map(([video, completion, learnt]): SupervisedSequence => {
      return { prompt: batch.prompts[video]!, completion, learnt, video: videos[video]!, longest: 40 };
    });
    const row = await trainer.step(taught, learningRate);
    const state = await trainer.state();
    trainer.dispose();
    return { policy, row, state };
  };

  it('has the same loss and gradient of every parameter, where some first passes are read and not learnt', async () => {
    const unlearnt = sequences.filter(([, , learnt]) => learnt.includes(0));
    expect(unlearnt).toHaveLength(2);
    const { policy, row, state } = await step(readGradients, 0);
    policy.dispose();
    expect(Math.abs(row.loss - loss)).toBeLessThan(1e-4 * loss);
    expect(Math.abs(row.gradNorm - gradNorm)).toBeLessThan(1e-4 * gradNorm);
    expect(row.tokens).toBe(sequences.flatMap(([, , learnt]) => learnt.filter((x) => x === 1)).length);
    await expectGradients('sft', state);
  });

  it('ends with the weights of torch.optim.AdamW after clip_grad_norm_', async () => {
    const { policy, row } = await step(optimizer, optimizer.learningRate);
    expect(row.gradNorm).toBeGreaterThan(optimizer.maxGradNorm);
    await expectWeights('sft', policy, optimizer.learningRate);
    policy.dispose();
  });
});
