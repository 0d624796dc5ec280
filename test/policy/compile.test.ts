import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs';
import { deriveKey, uniformAt } from '../../core/random.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { prepareBatch } from '../../policy/batch.js';
import { compileStep, type CompiledStep, type Step } from '../../policy/compile.js';
import { tokenLogProbabilities } from '../../policy/ops.js';
import { batchTensors } from '../../policy/batch-tensors.js';
import { Policy } from '../../policy/policy.js';
import { tinyConfig, tinyMedia, tinyPrompt, tinySegments } from './tiny.js';

let backend: Backend;
let policy: Policy;
// Several graphs are compiled; give a busy machine time.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  backend = await loadBackend();
  policy = Policy.initialise(backend, tinyConfig, deriveKey(1, 'compile'));
});
afterAll(() => policy.dispose());

/**
 * Weights with moments, and one clipped step of the policy on a batch's completions. The denominator's large constant
 * keeps Adam from blowing up the rounding of gradients that are nearly zero.
 */
function trainingStep(): { state: Map<string, Variable>; step: Step } {
  const { tf } = backend;
  const names = [...policy.variables.keys()];
  const state = new Map<string, Variable>();
  for (const [name, variable] of policy.variables) {
    state.set(name, tf.variable(variable.clone()));
    const zeros = tf.zeros(variable.shape);
    // Both moments start from one tensor: they share memory and must still be told apart.
    state.set(`m/${name}`, tf.variable(zeros));
    state.set(`v/${name}`, tf.variable(zeros));
    zeros.dispose();
  }
  const step: Step = (inputs, read) => {
    const batch = inputs as never;
    const loss = (...weights: Tensor[]) => {
      const pass = { parameter: (name: string) => weights[names.indexOf(name)]! };
      const vision = policy.vision(inputs['patches'] as Tensor2D, tinySegments(2), pass);
      const logp = tokenLogProbabilities(backend, policy.logits(batch, vision, pass), inputs['targets']!);
      return tf.neg(tf.div(tf.sum(tf.mul(logp, inputs['mask']!)), tf.sum(inputs['mask']!)));
    };
    const { value, grads } = tf.valueAndGrads(loss)(names.map(read));
    const norm = tf.sqrt(tf.addN(grads.map((gradient) => tf.sum(tf.square(gradient)))));
    const scale = tf.minimum(tf.div(1, norm), 1);
    const updates = new Map<string, Tensor>();
    names.forEach((name, i) => {
      const gradient = tf.mul(grads[i]!, scale);
      const m = tf.add(tf.mul(read(`m/${name}`), 0.9), tf.mul(gradient, 0.1));
      const v = tf.add(tf.mul(read(`v/${name}`), 0.98), tf.mul(tf.square(gradient), 0.02));
      const change = tf.mul(inputs['rate']!, tf.div(m, tf.add(tf.sqrt(v), 0.1)));
      updates
        .set(`m/${name}`, m)
        .set(`v/${name}`, v)
        .set(name, tf.sub(read(name), change));
    });
    return { outputs: { loss: value, norm }, updates };
  };
  return { state, step };
}

/** Inputs of step i: two batches in turn, the odd one with longer rows. */
function inputsOf(i: number): Record<string, Tensor> {
  const { tf } = backend;
  const completions = [0, 1].map((row) =>
    Array.from({ length: 6 + 3 * (i % 2) }, (_, j) => 10 + (((i % 2) + row * 7 + j * j) % 28)),
  );
  const batch = prepareBatch(tinyConfig, {
    prompts: [tinyPrompt(8), tinyPrompt(9)],
    completions,
    media: tinyMedia(2),
  });
  const patches = Float32Array.from({ length: 64 * 24 }, (_, j) => uniformAt([i % 2, 9], j) * 2 - 1);
  return {
    ...batchTensors(backend, tinyConfig, batch),
    patches: tf.tensor2d(patches, [64, 24]),
    rate: tf.scalar(1 / (6 + i)),
  };
}

async function runSteps(compiled: CompiledStep, count: number): Promise<number[][]> {
  const seen: number[][] = [];
  for (let i = 0; i < count; i++) {
    const inputs = inputsOf(i);
    const { loss, norm } = compiled.run(inputs);
    seen.push([(await loss!.data())[0]!, (await norm!.data())[0]!]);
    backend.tf.dispose([...Object.values(inputs), loss!, norm!]);
  }
  return seen;
}

describe('compileStep', () => {
  it('trains with the same numbers as eager code, over two shapes and with the state shared between them', async () => {
    const plain = { ...backend, name: 'plain-js' as const };
    const [eager, graph] = [trainingStep(), trainingStep()];
    const reference = compileStep(plain, eager);
    const compiled = compileStep(backend, graph);
    expect([reference.isCompiled, compiled.isCompiled]).toEqual([false, true]);
    const wanted = await runSteps(reference, 6);
    const got = await runSteps(compiled, 6);
    expect(wanted[4]![0]).toBeLessThan(wanted[0]![0]! * 0.98);
    // A graph sums in another order, and each step starts from what the last one left: after six, the norms of some processors
    // differ by 7e-6, of others by 1.1e-5. An update that is lost or made twice differs by hundredths.
    got.forEach((values, i) =>
      values.forEach((x, j) => expect(Math.abs(x / wanted[i]![j]! - 1)).toBeLessThan(1e-4)),
    );

    const before = await graph.state.get('model.norm.weight')!.data();
    expect([...before]).toEqual(new Array(32).fill(1));
    compiled.readState();
    for (const [name, variable] of eager.state) {
      const [a, b] = [await variable.data(), await graph.state.get(name)!.data()];
      for (let i = 0; i < a.length; i++) expect(Math.abs(a[i]! - b[i]!), name).toBeLessThan(1e-5);
    }
    compiled.dispose();
    for (const { state } of [eager, graph]) for (const variable of state.values()) variable.dispose();
  });

  it('takes values from outside, reads parts, and repeats itself bit by bit', async () => {
    const run = async () => {
      const { state, step } = trainingStep();
      const shapes = [0, 1].map((i) => {
        const inputs = inputsOf(i);
        const entries = Object.entries(inputs).map(([name, { shape, dtype }]) => [
          name,
          { shape, dtype: dtype as 'int32' },
        ]);
        backend.tf.dispose(Object.values(inputs));
        return Object.fromEntries(entries) as Record<string, { shape: number[]; dtype: 'int32' }>;
      });
      const compiled = compileStep(backend, { state, step, shapes });
      const first = await runSteps(compiled, 2);
      const gain = state.get('model.norm.weight')!;
      gain.assign(backend.tf.fill([32], 2));
      compiled.writeState(['model.norm.weight']);
      const second = await runSteps(compiled, 2);
      const before = await state.get('visual.merger.ln_q.weight')!.data();
      compiled.readState(['model.norm.weight']);
      expect([...(await state.get('visual.merger.ln_q.weight')!.data())]).toEqual([...before]);
      const values = [...(await gain.data())];
      compiled.dispose();
      for (const variable of state.values()) variable.dispose();
      return { first, second, values };
    };
    const once = await run();
    expect(await run()).toEqual(once);
    expect(once.second[0]![0]).not.toBe(once.first[0]![0]);
    expect(Math.abs(once.values[0]! - 2)).toBeLessThan(0.1);
  });

  it('applies all updates after all reads', async () => {
    const { tf } = backend;
    const state = new Map([
      ['a', tf.variable(tf.tensor1d([1]))],
      ['b', tf.variable(tf.tensor1d([10]))],
    ]);
    const swap: Step = ({ x }, read) => ({
      outputs: { a: read('a'), x: x!, sum: tf.add(read('a'), read('b')), fixed: tf.tensor1d([7]) },
      updates: new Map([
        ['a', read('b')],
        ['b', tf.add(read('a'), x!)],
      ]),
    });
    const compiled = compileStep(backend, { state, step: swap });
    const x = tf.tensor1d([100]);
    const seen: number[][] = [];
    for (let i = 0; i < 3; i++) {
      const out = compiled.run({ x });
      seen.push(
        await Promise.all(['a', 'x', 'sum', 'fixed'].map(async (name) => (await out[name]!.data())[0]!)),
      );
    }
    expect(seen).toEqual([
      [1, 100, 11, 7],
      [10, 100, 111, 7],
      [101, 100, 211, 7],
    ]);
    compiled.dispose();
    expect(() => compiled.run({ x })).toThrow(/disposed/);
  });

  it('keeps the number of tensors constant and leaves no files', async () => {
    const { state, step } = trainingStep();
    const scratch = mkdtempSync(join(tmpdir(), 'compile-'));
    vi.stubEnv('TMPDIR', scratch);
    const compiled = compileStep(backend, { state, step });
    await runSteps(compiled, 2);
    vi.unstubAllEnvs();
    expect(readdirSync(scratch)).toEqual([]);
    rmdirSync(scratch);
    const before = backend.tf.memory().numTensors;
    await runSteps(compiled, 200);
    compiled.readState();
    compiled.writeState();
    expect(backend.tf.memory().numTensors).toBe(before);
    compiled.dispose();
    for (const variable of state.values()) variable.dispose();
  });

  it('says which state is unknown', () => {
    const { tf } = backend;
    const state = new Map([['a', tf.variable(tf.tensor1d([1]))]]);
    const reads = compileStep(backend, {
      state,
      step: (_, read) => ({ outputs: { b: read('b') }, updates: new Map() }),
    });
    expect(() => reads.run({})).toThrow(/no state b/);
    const whole = new Map([['a', tf.variable(tf.tensor1d([1], 'int32'))]]);
    expect(() =>
      compileStep(backend, { state: whole, step: () => ({ outputs: {}, updates: new Map() }) }),
    ).toThrow(/int32/);
    // A step that failed while it was traced leaves the backend working.
    expect(tf.add(1, 2).dataSync()[0]).toBe(3);
  });
});
