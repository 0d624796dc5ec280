import { defineConfig } from 'vitest/config';

/** `npm run test:chaos`: kill -9 of every kind of process at seeded moments. Long, so not part of `npm test`. */
export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/chaos/**/*.chaos.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
