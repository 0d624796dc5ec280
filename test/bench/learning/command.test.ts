import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../core/package-root.js';

describe('bench learning', () => {
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'bench-learning-'));
  });
  afterEach(() => rm(home, { recursive: true }));

  const bench = (...args: string[]) =>
    execa(process.execPath, [join(packageRoot, 'dist', 'bench', 'main.js'), 'learning', ...args], {
      reject: false,
      env: { HINDSIGHT_HOME: home },
    });

  it('refuses an ablation that is not there before anything is made', async () => {
    const { stderr, exitCode } = await bench('--variants', 'tiou,nope');
    expect(stderr).toContain('there is no ablation nope [bench.unknown-variant]');
    expect(stderr).toContain('choose among no-reflection, ');
    expect(exitCode).toBe(1);
    expect(await readdir(home)).toEqual([]);
  });

  it('refuses seeds that are no whole numbers', async () => {
    const { stderr, exitCode } = await bench('--seeds', '1,two');
    expect(stderr).toContain('whole numbers with commas');
    expect(exitCode).toBe(2);
    expect(await readdir(home)).toEqual([]);
  });
});
