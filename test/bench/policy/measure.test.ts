import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ours } from '../../../bench/policy/commands.js';
import { bench } from '../../../bench/policy/command.js';
import { measure } from '../../../bench/policy/measure.js';
import type { ParticipantCommand } from '../../../bench/side-by-side/participant.js';
import { endless } from '../../../bench/policy/shapes.js';
import { resultText } from '../../../bench/policy/table.js';
import { batch, type Workload } from '../../../bench/policy/workloads.js';
import { writeWork } from '../../../bench/policy/write-work.js';
import { Random } from '../../../core/random.js';
import { demoGrid, demoModel } from '../../../bench/policy/shapes.js';

/** One layer each of vision and text, two videos. */
const model = {
  ...demoModel,
  vocabSize: 24,
  hiddenSize: 32,
  intermediateSize: 24,
  layers: 1,
  heads: 2,
  keyValueHeads: 1,
  headDim: 16,
  mropeSection: [2, 3, 3] as const,
  vision: { ...demoModel.vision, depth: 1, hiddenSize: 16, intermediateSize: 20, outHiddenSize: 32 },
};
const rows = (completion: number) => [batch(model, Random.from(1, 'test'), 2, 56, () => completion)];
const optimizer = { learningRate: 1e-2, beta1: 0.9, beta2: 0.98, weightDecay: 0.05, maxGradNorm: 1 };
const common = { group: 'prefill' as const, description: 'tiny', model, stepsPerTurn: 2, warmUp: 1 };
const learning: Workload = {
  ...common,
  name: 'tiny-sft',
  group: 'sft-demo',
  work: { kind: 'sft', grid: demoGrid, batches: rows(6), longest: 62, optimizer },
};
const sampling: Workload = {
  ...common,
  name: 'tiny-sampling',
  group: 'sampling',
  model: endless(model),
  work: { kind: 'sampling', grid: demoGrid, batches: rows(0), group: 2, newTokens: 5, seed: 3 },
};
const prefill: Workload = {
  ...common,
  name: 'tiny-prefill',
  work: { kind: 'prefill', grid: demoGrid, batches: rows(0) },
};

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'bench-test-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bench policy on our own participant', () => {
  it('measures every kind of work and finds equal processes equal', { timeout: 120_000 }, async () => {
    const lines: string[] = [];
    const twin: ParticipantCommand = { ...ours(), name: 'twin' };
    const options = { folder, rounds: 2, patience: 0, say: (line: string) => void lines.push(line) };
    const result = await bench([learning, sampling, prefill], [ours(), twin], options);
    expect(result.workloads.map(({ name }) => name)).toEqual(['tiny-sft', 'tiny-sampling', 'tiny-prefill']);
    for (const { participants, comparisons, verdicts } of result.workloads) {
      expect(participants.map(({ participant, apart }) => [participant, apart])).toEqual([
        ['ours', null],
        ['twin', 0],
      ]);
      for (const { rounds, milliseconds, peakBytes } of participants) {
        expect(rounds).toHaveLength(2);
        expect(Math.min(...rounds)).toBe(milliseconds.min);
        expect(milliseconds.min).toBeGreaterThan(0);
        expect(peakBytes).toBeGreaterThan(50e6);
      }
      const [a, b] = participants;
      const ratios = a!.rounds.map((ms, round) => ms / b!.rounds[round]!);
      expect(comparisons[0]!.time).toMatchObject({ min: Math.min(...ratios), max: Math.max(...ratios) });
      expect(comparisons[0]!.memory).toBeCloseTo(1, 0);
      for (const verdict of verdicts) expect(verdict.isMet).toBe(verdict.missedBy === 0);
    }
    const text = resultText(result);
    expect(text).toMatch(/ours, twin: 2 threads, node/);
    expect(text).toMatch(/tokens a second >= 2\.00 of twin: \d+\.\d\d, (met|missed by \d+)/);
    expect(lines.filter((line) => line.includes('round 2 of 2'))).toHaveLength(3);
  });

  it('refuses to time participants that do not compute the same', { timeout: 60_000 }, async () => {
    const liar: ParticipantCommand = {
      name: 'liar',
      command: process.execPath,
      args: [
        '-e',
        `require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
          const answer = { load: { threads: 1, versions: {} }, check: { numbers: [3, 2, 1] } }[JSON.parse(line).do];
          console.log(JSON.stringify(answer ?? { error: 'timed all the same' }));
        });`,
      ],
      environment: {},
    };
    const options = { folder, rounds: 1, patience: 0, say: () => undefined };
    await expect(measure(learning, [ours(), liar], options)).rejects.toMatchObject({
      code: 'bench.disagreement',
    });
  });

  it('writes the same work every time', async () => {
    const read = async (name: string) => {
      const at = join(folder, name);
      await writeWork(at, prefill);
      return ['work.json', 'patches.safetensors', 'model/model.safetensors'].map((file) =>
        readFileSync(join(at, file)).toString('base64'),
      );
    };
    expect(await read('once')).toEqual(await read('again'));
  });
});
