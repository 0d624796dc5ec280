import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../core/package-root.js';

const main = join(packageRoot, 'dist', 'cli', 'main.js');

beforeAll(() => {
  if (!existsSync(main)) throw new Error('these tests start the built program: `npm run build` first');
});

test('the process ends with the code, data on stdout and talk on stderr', async () => {
  const help = await execa(process.execPath, [main, 'run', '--help']);
  expect(help.stdout).toContain('Usage: hindsight run');
  expect(help.stderr).toBe('');
  const mistake = await execa(process.execPath, [main, 'run', 'dmeo'], { reject: false });
  expect(mistake.exitCode).toBe(2);
  expect(mistake.stdout).toBe('');
  expect(mistake.stderr).toContain('did you mean `demo`?');
});

test('a reader that stops reading is no error', async () => {
  const child = spawn(process.execPath, [main, 'run', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let talk = '';
  child.stderr.on('data', (chunk: Buffer) => (talk += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number];
  expect(talk).toBe('');
  expect(code).toBe(0);
});

test('npx finds the program in the checkout', async () => {
  const asked = await execa('npx', ['hindsight', '--version'], { cwd: packageRoot });
  expect(asked.stdout).toMatch(/^\d+\.\d+\.\d+$/);
});
