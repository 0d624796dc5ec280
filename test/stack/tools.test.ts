import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadTools } from '../../stack/tools.js';
import { temporaryHome } from './temporary-home.js';

const good = {
  schema: 1,
  temporal: process.execPath,
  versitygw: process.execPath,
  ffmpeg: process.execPath,
  ffprobe: process.execPath,
  chromium: null,
  backend: { kind: 'js', reason: 'no Python' },
};

function fileWith(content: string): string {
  const path = join(temporaryHome().root, 'tools.json');
  writeFileSync(path, content);
  return path;
}

test('reads what set-up wrote', () => {
  expect(loadTools(fileWith(JSON.stringify(good)))).toEqual(good);
  // And what it wrote for this checkout.
  expect(loadTools().temporal).toMatch(/temporal/);
});

test.each([
  ['never set up', null],
  ['not JSON', '{'],
  ['an older shape', JSON.stringify({ ...good, schema: 0 })],
  ['an unknown backend', JSON.stringify({ ...good, backend: { kind: 'abacus' } })],
])('%s: asks for set-up', (_, content) => {
  const path = content === null ? '/no/such/tools.json' : fileWith(content);
  expect(() => loadTools(path)).toThrow(
    expect.objectContaining({ code: 'stack.tools-missing', fix: 'npm run setup' }),
  );
});

test('names a program that has gone since', () => {
  const path = fileWith(JSON.stringify({ ...good, ffprobe: '/gone/ffprobe' }));
  expect(() => loadTools(path)).toThrow('ffprobe is gone from /gone/ffprobe');
});
