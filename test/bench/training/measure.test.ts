import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ours } from '../../../bench/training/commands.js';
import { measureTraining } from '../../../bench/training/measure.js';
import { GENERATIONS } from '../../../bench/training/protocol.js';
import { Recorded } from '../../../bench/training/recorded.js';
import { loadBackend } from '../../../policy/backend.js';
import type { ParticipantCommand } from '../../../bench/side-by-side/participant.js';
import { runJob } from '../../../training/run-job.js';
import { listen, makeTinyWorld, type TinyWorld } from '../../training/tiny-world.js';

let world: TinyWorld;
let folder: string;

beforeAll(async () => {
  world = await makeTinyWorld();
  folder = await mkdtemp(join(tmpdir(), 'bench-training-'));
  const sft = await world.sft('sft', {
    visionWarmup: { steps: 0 },
    steps: 60,
    batchSize: 8,
    checkpointEvery: 60,
    optimizer: { learningRate: 1e-2, warmupSteps: 5 },
  });
  const backend = await loadBackend();
  await runJob(sft, backend, listen());
  const reference = join(sft.workDir, 'model');
  const sampling = { maxTokens: 80 };
  // A policy that has left its reference, so that there is a KL to agree on.
  const first = await world.grpo('first', reference, { sampling });
  await runJob(first, backend, listen());
  const job = await world.grpo('work', join(first.workDir, 'model'), { sampling });
  await writeFile(join(folder, 'job.json'), JSON.stringify({ ...job, reference }));
}, 120_000);
afterAll(async () => {
  await world.remove();
  await rm(folder, { recursive: true, force: true });
});

const options = () => ({
  folder,
  rounds: 2,
  patience: 0,
  look: [2, 3],
  say: () => undefined,
});

describe('bench training on our own participant', () => {
  it('measures every part and finds equal processes equal', { timeout: 180_000 }, async () => {
    const twin: ParticipantCommand = { ...ours(), name: 'batched' };
    const only = ['step', 'checkpoint', 'memory'] as const;
    const { step, checkpoint, memory } = await measureTraining(ours(), [twin], { ...options(), only });

    const [own, other] = step!.participants;
    expect([own!.apart, other!.apart]).toEqual([null, 0]);
    expect(own!.rounds).toHaveLength(2);
    // The same two generations of four prompts with two completions each.
    const work = ({ parts }: typeof own & object) =>
      Object.values(parts).map(({ sequences, tokens }) => [sequences, tokens]);
    expect(work(own!)).toEqual(work(other!));
    expect(own!.parts.rollout.sequences).toBe(2 * 8);
    expect(own!.parts.update.tokens).toBe(own!.parts.rollout.tokens);
    for (const { milliseconds } of Object.values(own!.parts)) expect(milliseconds.min).toBeGreaterThan(0);
    expect(other!.ratio!.median).toBeGreaterThan(0);
    expect(step!.verdicts).toHaveLength(2);

    expect(checkpoint!.stateBytes).toBeGreaterThan(checkpoint!.modelBytes);
    expect(checkpoint!.saveMilliseconds.min).toBeGreaterThan(0);
    expect(checkpoint!.restoreMilliseconds.min).toBeGreaterThan(0);

    expect(memory!.held.map((held) => held.step)).toEqual([2, 3]);
    expect(memory!.held[0]!.tensors).toBe(memory!.held[1]!.tensors);
    // The kernel counts pages of each processor in batches: two readings may be some pages apart.
    expect(memory!.peakBytes!).toBeGreaterThan(0.99 * memory!.held[1]!.residentBytes);
  });

  it('leaves its generations for the others, with frames for every video', async () => {
    const recorded = Recorded.parse(JSON.parse(await readFile(join(folder, 'generations.json'), 'utf8')));
    expect(recorded.generations).toHaveLength(GENERATIONS);
    const { videos, count, height, width } = recorded.frames;
    expect({ videos, count, height, width }).toEqual({ videos: 8, count: 16, height: 28, width: 56 });
    expect((await readFile(join(folder, 'frames.bin'))).length).toBe(videos * count * height * width * 3);
    for (const { videos: shown, completions, advantages, cuts } of recorded.generations) {
      expect(shown).toHaveLength(4);
      expect(completions).toHaveLength(8);
      expect(advantages).toHaveLength(8);
      for (const cut of cuts) {
        expect(cut.completion).toBeLessThan(8);
        expect(cut.frames).toHaveLength(recorded.shown.length);
      }
    }
    expect(recorded.generations.some(({ cuts }) => cuts.length > 0)).toBe(true);
  });

  it('refuses to time participants that do not compute the same', { timeout: 60_000 }, async () => {
    const liar: ParticipantCommand = {
      name: 'liar',
      command: process.execPath,
      args: [
        '-e',
        `require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
          const numbers = Array(${2 * GENERATIONS}).fill(7);
          const answer = { load: { threads: 1, versions: {} }, check: { numbers } }[JSON.parse(line).do];
          console.log(JSON.stringify(answer ?? { error: 'timed all the same' }));
        });`,
      ],
      environment: {},
    };
    await expect(measureTraining(ours(), [liar], { ...options(), only: ['step'] })).rejects.toMatchObject({
      code: 'bench.disagreement',
    });
  });
});
