import { expect, test } from 'vitest';
import { detectDevice, parseBytes } from '../../cli/device.js';

test('sizes are read with their units', () => {
  expect([parseBytes('80GiB'), parseBytes('24 GB'), parseBytes('512mib'), parseBytes('1.5TiB')]).toEqual([
    80 * 2 ** 30,
    24e9,
    512 * 2 ** 20,
    1.5 * 2 ** 40,
  ]);
});

test.each(['80', 'GiB', '80 gallons', '-3GiB', ''])('%j is refused', (text) => {
  expect(() => parseBytes(text)).toThrow('allowed: a number with MB, GB, MiB or GiB, e.g. 80GiB');
});

test('a stated device wins; otherwise there is always one', async () => {
  expect(await detectDevice('80GiB')).toMatchObject({ memory: 80 * 2 ** 30, source: 'stated' });
  const found = await detectDevice(undefined);
  expect(found.memory).toBeGreaterThan(2 ** 29);
  expect(found.speed.flops).toBeGreaterThan(1e9);
});
