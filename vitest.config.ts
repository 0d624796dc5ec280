import { defineConfig } from 'vitest/config';

/** Tests that need the running stack: started once for all of them by their global set-up. */
const onStack = ['test/artifacts/**/*.test.ts', 'test/integration/**/*.test.ts'];
/** Tests that start and kill stacks of their own; they want the machine for themselves. */
const ownStacks = ['test/stack/**/*.test.ts', 'test/chaos/**/*.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    // Two cores: one file of TensorFlow or ffmpeg work beside one of the rest.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // No disk counts as nearly full but where a test asks for it: what runs say must not depend on the machine's.
    env: { HINDSIGHT_MIN_FREE_GIB: '0' },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...onStack, ...ownStacks],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'stack',
          include: onStack,
          globalSetup: ['test/integration/start-stack.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'kills',
          include: ownStacks,
          fileParallelism: false,
          testTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
