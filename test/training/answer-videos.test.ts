import { afterAll, beforeAll, expect, it } from 'vitest';
import { deriveKey, Random } from '../../core/random.js';
import { SamplingConfig } from '../../config/training.js';
import { type Backend, loadBackend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import {
  answerVideos,
  promptTokensTogether,
  rowsTogether,
  type Question,
} from '../../training/answer-videos.js';
import { givenPatches } from '../../training/video-patches.js';
import { tinyConfig, tinyGrid, tinyPrompt } from '../policy/tiny.js';

let backend: Backend;
let policy: Policy;
beforeAll(async () => {
  backend = await loadBackend();
  policy = Policy.initialise(backend, tinyConfig, deriveKey(4, 'answers'));
});
afterAll(() => policy.dispose());

const greedy = SamplingConfig.parse({ temperature: 0, maxTokens: 2 });

function question(at: number, words: number, answers = 1): Question {
  const random = Random.from(at, 'question');
  return {
    video: givenPatches(
      tinyGrid,
      Float32Array.from({ length: 32 * 24 }, () => random.normal()),
    ),
    prompt: tinyPrompt(...Array.from({ length: words }, () => 7 + random.integer(33))),
    keys: Array.from({ length: answers }, (_, i) => [at, i] as const),
  };
}

/** How many questions were answered after each batch. */
async function batchesOf(questions: readonly Question[]): Promise<number[]> {
  const answered: number[] = [];
  const found = await answerVideos(policy, questions, greedy, { onBatch: (count) => answered.push(count) });
  expect(found.map((own) => own.length)).toEqual(questions.map(({ keys }) => keys.length));
  return answered;
}

it('answers as many questions together as there are sequences for', async () => {
  const each = rowsTogether / 4;
  expect(await batchesOf(Array.from({ length: 5 }, (_, at) => question(at, 4, each)))).toEqual([4, 5]);
});

it('reads no more prompt tokens together than large models have room for, but always one prompt', async () => {
  const words = promptTokensTogether / 4 - tinyPrompt().length;
  const four = Array.from({ length: 4 }, (_, at) => question(at, words));
  expect(await batchesOf(four)).toEqual([4]);
  // One longer prompt makes all of its batch longer.
  expect(await batchesOf([...four.slice(1), question(9, words + 1)])).toEqual([3, 4]);
  expect(await batchesOf([question(0, 4), question(1, promptTokensTogether)])).toEqual([1, 2]);
}, 60_000);

it('answers a question alone as in a batch', async () => {
  const questions = Array.from({ length: 3 }, (_, at) => question(at, 4));
  const together = await answerVideos(policy, questions, greedy);
  for (const [at, one] of questions.entries()) {
    const [alone] = await answerVideos(policy, [one], greedy);
    expect(alone![0]!.ids).toEqual(together[at]![0]!.ids);
  }
});
