import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../core/package-root.js';

const bench = (...args: string[]) =>
  execa(process.execPath, [join(packageRoot, 'dist', 'bench', 'main.js'), 'pipeline', ...args], {
    reject: false,
  });

describe('bench pipeline', () => {
  it('explains its parts', async () => {
    const { stdout, exitCode } = await bench('--help');
    expect(exitCode).toBe(0);
    for (const part of ['reuse', 'overhead', 'kills', 'traffic', 'memory'])
      expect(stdout).toMatch(new RegExp(`^ {2}${part} `, 'm'));
    for (const option of ['--only', '--samples', '--rounds', '--minutes', '--json'])
      expect(stdout).toContain(option);
  });

  it.each([
    [['--only', 'reuse,kils'], "argument 'reuse,kils' is invalid. Allowed: reuse, overhead, kills, traffic"],
    [['--minutes', 'some'], 'A whole number from 1 on.'],
  ])('refuses %j before anything is started', async (args, said) => {
    const { stderr, stdout, exitCode } = await bench(...args);
    expect(stderr).toContain(said);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });
});
