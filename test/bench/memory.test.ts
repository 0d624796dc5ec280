import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { memoryCases } from '../../bench/memory/cases.js';
import { memoryText } from '../../bench/memory/command.js';
import { estimateOf, type MemoryResult } from '../../bench/memory/measure.js';
import { packageRoot } from '../../core/package-root.js';
import { trainingMemory } from '../../training/step-memory.js';

const bench = (...args: string[]) =>
  execa(process.execPath, [join(packageRoot, 'dist', 'bench', 'main.js'), 'memory', ...args], {
    reject: false,
  });
const caseOf = (name: string) => memoryCases.find((one) => one.name === name)!;

describe('bench memory', () => {
  it('finds the peak of real training steps within a fifth of the estimate', async () => {
    const { stdout, exitCode } = await bench('--only', 'small', '--json');
    const [result] = JSON.parse(stdout) as [MemoryResult];
    expect(result).toMatchObject({ name: 'small', withinTolerance: true, backend: 'tensorflow-cpu' });
    expect(result.ratio).toBeCloseTo(result.estimate.total / result.measured, 9);
    expect(result.estimate).toEqual(estimateOf(caseOf('small')));
    expect(exitCode).toBe(0);
  }, 120_000);

  it('refuses a case that is not there', async () => {
    const { stderr, exitCode } = await bench('--only', 'small,huge');
    expect(stderr).toContain('there is no case huge; there are sft, ');
    expect(exitCode).toBe(2);
  });

  it('says what the estimate is made of, and where it is off', () => {
    const estimate = { weights: 3e6, gradients: 0, moments: 2e6, reference: 0, activations: 5e6, cache: 0 };
    const result = (measured: number): MemoryResult => ({
      name: 'one',
      description: 'a case',
      backend: 'tensorflow-cpu',
      estimate: { ...estimate, graph: 1e6, total: 11e6 },
      measured,
      ratio: 11e6 / measured,
      withinTolerance: measured === 10e6,
    });
    expect(memoryText([result(10e6), result(20e6)])).toMatchInlineSnapshot(`
      "case  estimate  measured  ratio  within 20%  estimated for
      one   11 MB     10 MB     1.10   yes         weights 3, moments 2, activations 5, graph 1
      one   11 MB     20 MB     0.55   NO          weights 3, moments 2, activations 5, graph 1
      "
    `);
  });
});

describe('the estimate of a training step', () => {
  const estimates = Object.fromEntries(memoryCases.map((one) => [one.name, estimateOf(one)]));

  it('has nothing of the size of the weights under LoRA but the weights', () => {
    const { weights, gradients, moments, reference } = estimates['grpo-lora']!;
    expect(gradients + moments + reference).toBeLessThan(weights / 4);
    expect(estimates.grpo!.reference).toBe(4 * 26_081_664);
  });

  it('keeps one layer at a time under recomputation', () => {
    expect(estimates['sft-recompute']!.activations).toBeLessThan(estimates.sft!.activations / 3);
  });

  it('sums gradients of several micro-batches beside the new ones', () => {
    const { model, tuning } = caseOf('sft');
    const batch = { rows: 2, length: 128, predicted: 64, segments: [] };
    const one = trainingMemory(model, tuning, batch);
    const several = trainingMemory(model, tuning, batch, { parts: 3 });
    expect(several.gradients).toBe(2 * one.gradients);
    expect(several.activations).toBe(one.activations);
  });
});
