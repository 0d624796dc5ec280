import { beforeAll, describe, expect, it } from 'vitest';
import { optimizerConfig } from '../../config/model.js';
import { GrpoConfig } from '../../config/training.js';
import { deriveKey, Random } from '../../core/random.js';
import { type Backend, loadBackend } from '../../policy/backend.js';
import { freshAdapter, type LoraConfig } from '../../policy/lora.js';
import { Policy } from '../../policy/policy.js';
import type { StoredTensor } from '../../training/checkpoint.js';
import { GrpoTrainer, type ScoredRollout } from '../../training/grpo-trainer.js';
import { SupervisedTrainer, type SupervisedSequence } from '../../training/supervised.js';
import { fullTuning, partition, type Tuning } from '../../training/tuning.js';
import { givenPatches } from '../../training/video-patches.js';
import { smallConfig } from './small-config.js';

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend();
});

const grid = { t: 2, h: 2, w: 4 };
const prompt = [1, 2, ...Array<number>(4).fill(smallConfig.tokens.video), 3, 4];
const video = (random: Random) =>
  givenPatches(
    grid,
    Float32Array.from({ length: 16 * 1176 }, () => random.normal()),
  );

const sequences = (): SupervisedSequence[] => {
  const random = Random.from(1, 'batch');
  return Array.from({ length: 4 }, () => {
    const completion = Array.from({ length: 20 }, () => 9 + random.integer(31));
    return { prompt, completion, learnt: completion.map(() => 1), video: video(random), longest: 28 };
  });
};

const lora: LoraConfig = { rank: 2, alpha: 4, dropout: 0.1, targets: ['q_proj', 'down_proj', 'qkv'] };
const tuning = (some: Partial<Tuning>): Tuning => ({ ...fullTuning, dropoutKey: [3, 4], ...some });
const optimizer = optimizerConfig({ learningRate: 1e-2, warmupSteps: 0 }).parse({});

const fresh = (adapter: LoraConfig | null): Policy => {
  const policy = Policy.initialise(backend, smallConfig, deriveKey(1, 'x'));
  if (adapter !== null) policy.addAdapter(adapter, deriveKey(2, 'adapter'));
  return policy;
};

const valuesOf = (policy: Policy) =>
  new Map(
    [...policy.variables, ...(policy.adapter?.variables ?? [])].map(([name, v]) => [name, [...v.dataSync()]]),
  );

async function train(
  policy: Policy,
  how: Tuning,
  steps: number,
  stored: Record<string, StoredTensor> | null,
) {
  const trainer = new SupervisedTrainer(policy, 4, optimizer, { stored, tuning: how });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await trainer.step(sequences(), 3e-2)).loss);
  const state = await trainer.state();
  trainer.dispose();
  return { losses, state };
}

describe('partition', () => {
  it('trains everything, all but the vision tower, or the adapter alone', () => {
    const policy = fresh(null);
    expect(partition(policy, fullTuning).frozen.size).toBe(0);
    const { trained, frozen } = partition(policy, tuning({ freezeVision: true }));
    expect([...frozen.keys()].every((name) => name.startsWith('visual.'))).toBe(true);
    expect(trained.size + frozen.size).toBe(policy.variables.size);
    policy.addAdapter(lora, [1, 2]);
    const adapted = partition(policy, fullTuning);
    expect([...adapted.trained.keys()]).toEqual([...policy.adapter!.variables.keys()]);
    const frozenTower = partition(policy, tuning({ freezeVision: true }));
    expect([...frozenTower.trained.keys()].some((name) => name.startsWith('visual.'))).toBe(false);
    policy.dispose();
  });
});

describe('supervised training of a part', () => {
  it('moves the adapter and nothing else, with dropout and recomputation, and resumes exactly', async () => {
    const how = tuning({ recompute: true });
    const policy = fresh(lora);
    const before = valuesOf(policy);
    const { losses } = await train(policy, how, 6, null);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.05);
    const after = valuesOf(policy);
    for (const name of policy.variables.keys()) expect(after.get(name), name).toEqual(before.get(name));
    for (const name of policy.adapter!.variables.keys())
      expect(after.get(name), name).not.toEqual(before.get(name));
    // Half of the steps, then the others from what was stored: the same bytes.
    const other = fresh(lora);
    const half = await train(other, how, 3, null);
    await train(other, how, 3, half.state);
    expect(valuesOf(other)).toEqual(after);
    for (const p of [policy, other]) p.dispose();
  }, 120_000);

  it('leaves a frozen vision tower as it is, and gives the same losses with and without recomputation', async () => {
    const [kept, again] = [fresh(null), fresh(null)];
    const before = valuesOf(kept);
    const a = await train(kept, tuning({ freezeVision: true }), 3, null);
    const b = await train(again, tuning({ freezeVision: true, recompute: true }), 3, null);
    a.losses.forEach((loss, i) => expect(Math.abs(loss / b.losses[i]! - 1)).toBeLessThan(1e-5));
    for (const [name, values] of valuesOf(kept)) {
      if (name.startsWith('visual.')) expect(values, name).toEqual(before.get(name));
    }
    expect(valuesOf(kept).get('model.norm.weight')).not.toEqual(before.get('model.norm.weight'));
    for (const p of [kept, again]) p.dispose();
  }, 120_000);
});

describe('GRPO of an adapter', () => {
  it('measures the divergence from a reference adapter as from the same policy loaded beside it', async () => {
    const random = Random.from(6, 'rollouts');
    const videos = [video(random)];
    const rollouts: ScoredRollout[] = Array.from({ length: 4 }, (_, i) => {
      const completion = Array.from({ length: 12 }, () => 9 + random.integer(31));
      const logProbs = completion.map(() => -3);
      return { prompt, completion, logProbs, advantage: i % 2 === 0 ? 1 : -1, counts: true, video: 0 };
    });
    const params = GrpoConfig.parse({ beta: 0.5, sampling: { maxTokens: 12 } });
    const config = { ...lora, dropout: 0 };
    const shake = (policy: Policy) => {
      for (const [name, variable] of policy.adapter!.variables) {
        const draw = Random.from(7, name);
        const values = Float32Array.from({ length: variable.size }, () => draw.normal() * 0.2);
        backend.tf.tidy(() => variable.assign(backend.tf.tensor(values, variable.shape)));
      }
    };
    const kls: number[] = [];
    for (const kind of ['adapter', 'policy']) {
      const policy = fresh(config);
      const other = fresh(config);
      shake(other);
      const reference =
        kind === 'policy' ? other : freshAdapter(backend, smallConfig, config, deriveKey(2, 'adapter'));
      if (kind === 'policy') other.mergeAdapter();
      else
        for (const [name, variable] of (reference as { variables: typeof other.variables }).variables)
          variable.assign(other.adapter!.variables.get(name)!);
      const trainer = new GrpoTrainer(policy, reference, params, { stored: null, tuning: fullTuning });
      kls.push((await trainer.update(rollouts, videos, 4, 1e-3)).kl);
      trainer.dispose();
      for (const p of [policy, other]) p.dispose();
    }
    expect(kls[0]).toBeGreaterThan(0.01);
    expect(kls[0]! / kls[1]!).toBeCloseTo(1, 4);
  }, 120_000);
});
