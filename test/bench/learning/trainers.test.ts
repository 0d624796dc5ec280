import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OwnStack } from '../../../bench/pipeline/own-stack.js';
import { processesOf } from '../../../bench/pipeline/processes.js';
import { withTrainers } from '../../../bench/learning/trainers.js';
import { homePaths } from '../../../stack/home.js';

describe('trainers beside those of the stack', () => {
  let stack: OwnStack;
  const gpuWorkers = (): string[] =>
    processesOf(stack.home)
      .map(({ command }) => command.trim())
      .filter((command) => command.endsWith('main.js gpu'));

  beforeAll(async () => {
    stack = await OwnStack.start({ workers: [] });
  });
  afterAll(() => stack.stop());

  it('are there for as long as the work', async () => {
    const during = await withTrainers(homePaths(stack.home), 2, () => Promise.resolve(gpuWorkers()));
    expect(during).toHaveLength(2);
    expect(gpuWorkers()).toEqual([]);
  });

  it('end with work that fails', async () => {
    const work = withTrainers(homePaths(stack.home), 1, () => {
      expect(gpuWorkers()).toHaveLength(1);
      return Promise.reject(new Error('no clips'));
    });
    await expect(work).rejects.toThrow('no clips');
    expect(gpuWorkers()).toEqual([]);
  });

  it('are none where one trainer is enough', async () => {
    await withTrainers(homePaths(stack.home), 0, () => {
      expect(gpuWorkers()).toEqual([]);
      return Promise.resolve();
    });
  });
});
