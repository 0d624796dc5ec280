import { beforeAll, describe, expect, it } from 'vitest';
import { optimizerConfig } from '../../config/model.js';
import { deriveKey, Random } from '../../core/random.js';
import { type Backend, loadBackend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import type { StoredTensor } from '../../training/checkpoint.js';
import { SupervisedTrainer, type SupervisedSequence } from '../../training/supervised.js';
import { givenPatches } from '../../training/video-patches.js';
import { smallConfig } from './small-config.js';

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend();
});

const grid = { t: 2, h: 2, w: 4 };
const videoToken = smallConfig.tokens.video;

/** Four sequences with completions of this many tokens. */
const batch = (tokens: number): SupervisedSequence[] => {
  const random = Random.from(tokens, 'batch');
  return Array.from({ length: 4 }, () => {
    const completion = Array.from({ length: tokens }, () => random.integer(40));
    return {
      prompt: [1, 2, ...Array<number>(4).fill(videoToken), 3, 4],
      completion,
      learnt: completion.map(() => 1),
      video: givenPatches(
        grid,
        Float32Array.from({ length: 16 * 1176 }, () => random.normal()),
      ),
      longest: tokens + 8,
    };
  });
};

const trainerOf = (policy: Policy, stored: Readonly<Record<string, StoredTensor>> | null) =>
  new SupervisedTrainer(policy, 4, optimizerConfig({ learningRate: 1e-2 }).parse({}), { stored });

describe('learner', () => {
  it('makes the same bytes whatever shapes the process has seen before', async () => {
    const walked = Policy.initialise(backend, smallConfig, deriveKey(1, 'x'));
    const first = trainerOf(walked, null);
    await first.step(batch(100), 1e-2);
    const stored = await first.state();
    const fresh = Policy.initialise(backend, smallConfig, deriveKey(1, 'x'));
    for (const [name, variable] of walked.variables) fresh.variables.get(name)!.assign(variable);
    const second = trainerOf(fresh, stored);
    for (const trainer of [first, second]) {
      await trainer.step(batch(40), 1e-2);
      await trainer.step(batch(20), 1e-2);
      await trainer.state();
    }
    for (const [name, variable] of walked.variables) {
      expect(fresh.variables.get(name)!.dataSync(), name).toEqual(variable.dataSync());
    }
    for (const policy of [walked, fresh]) policy.dispose();
    first.dispose();
    second.dispose();
  }, 60_000);
});
