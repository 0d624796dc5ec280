import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildDigest } from '../../stack/build-digest.js';
import { temporaryHome } from './temporary-home.js';

test('follows names and bytes of compiled code and nothing else', () => {
  const dist = join(temporaryHome().root, 'dist');
  mkdirSync(join(dist, 'workers'), { recursive: true });
  writeFileSync(join(dist, 'a.js'), 'one');
  writeFileSync(join(dist, 'workers', 'main.js'), 'two');
  const before = buildDigest(dist);
  expect(before).toMatch(/^[0-9a-f]{64}$/);
  writeFileSync(join(dist, 'a.js.map'), '{}');
  writeFileSync(join(dist, '.tsbuildinfo'), '{}');
  expect(buildDigest(dist)).toBe(before);
  writeFileSync(join(dist, 'workers', 'main.js'), 'three');
  const changed = buildDigest(dist);
  expect(changed).not.toBe(before);
  rmSync(join(dist, 'a.js'));
  writeFileSync(join(dist, 'b.js'), 'one');
  expect(buildDigest(dist)).not.toBe(changed);
});

test('without a build it says how to make one', () => {
  expect(() => buildDigest('/no/such/dist')).toThrow(expect.objectContaining({ code: 'stack.not-built' }));
});
