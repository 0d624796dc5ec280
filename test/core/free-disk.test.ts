import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { lowDisk } from '../../core/free-disk.js';

const folder = tmpdir();

afterEach(() => void delete process.env['HINDSIGHT_MIN_FREE_GIB']);

test('a disk is nearly full below its limit, and not above', async () => {
  const { bavail, bsize } = statfsSync(folder);
  // Others write to this disk meanwhile: a GB to either side.
  const limitBytes = bavail * bsize + 1e9;
  expect(await lowDisk(folder, limitBytes)).toMatchObject({ folder, limitBytes });
  expect(await lowDisk(folder, bavail * bsize - 1e9)).toBeNull();
});

test('HINDSIGHT_MIN_FREE_GIB sets the limit, and nonsense is refused', async () => {
  process.env['HINDSIGHT_MIN_FREE_GIB'] = '1000000';
  expect(await lowDisk(folder)).toMatchObject({ limitBytes: 1_000_000 * 2 ** 30 });
  process.env['HINDSIGHT_MIN_FREE_GIB'] = '0';
  expect(await lowDisk(folder)).toBeNull();
  process.env['HINDSIGHT_MIN_FREE_GIB'] = 'plenty';
  await expect(lowDisk(folder)).rejects.toMatchObject({ code: 'cli.bad-environment' });
});

test('a folder that is not there is no finding', async () => {
  expect(await lowDisk('/no/such/folder', Infinity)).toBeNull();
});
