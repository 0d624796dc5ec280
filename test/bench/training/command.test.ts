import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../core/package-root.js';

const bench = (...args: string[]) =>
  execa(process.execPath, [join(packageRoot, 'dist', 'bench', 'main.js'), 'training', ...args], {
    reject: false,
  });

describe('bench training', () => {
  it('explains what is compared and what the targets are', async () => {
    const { stdout, exitCode } = await bench('--help');
    expect(exitCode).toBe(0);
    for (const said of ['batched', 'one by one', 'learning rate 0', '<= 1.10', 'Flat means', '--rounds']) {
      expect(stdout).toContain(said);
    }
  });
  it('refuses a part that is not there before anything is made', async () => {
    const { stderr, exitCode } = await bench('--only', 'step,huge');
    expect(stderr).toContain('Allowed: step, checkpoint, memory.');
    expect(exitCode).toBe(2);
  });
});
