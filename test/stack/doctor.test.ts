import { expect, test } from 'vitest';
import { diagnose, type Check } from '../../stack/doctor.js';
import { ensureUp } from '../../stack/up.js';
import { temporaryHome } from './temporary-home.js';

const named = (checks: Check[], name: string): Check =>
  checks.find((each) => each.name.trim() === name) ?? expect.fail(name);

test('finds everything in place, with the stack down and up', { timeout: 120_000 }, async () => {
  const home = temporaryHome();
  const down = await diagnose(home);
  expect(down.filter((check) => check.ok === false)).toEqual([]);
  expect(named(down, 'TensorFlow').found).toMatch(/GFLOP\/s|plain JavaScript/);
  expect(named(down, 'ffmpeg').found).toMatch(/^\S+, \//);
  expect(named(down, 'stack').found).toContain('not running');

  await ensureUp({
    home,
    workers: [{ name: 'broken', command: process.execPath, args: ['-e', 'process.exit(1)'] }],
  });
  const up = await diagnose(home);
  expect(named(up, 'Temporal')).toMatchObject({ ok: true });
  expect(named(up, 'S3')).toMatchObject({ ok: true });
  expect(named(up, 'broken')).toMatchObject({
    ok: false,
    fix: expect.stringContaining('broken.log') as string,
  });
});

test('says which remote service does not answer', { timeout: 60_000 }, async () => {
  const home = temporaryHome();
  Object.assign(process.env, {
    HINDSIGHT_STACK: 'remote',
    TEMPORAL_ADDRESS: '127.0.0.1:9',
    HINDSIGHT_BUCKET: 'none',
    HINDSIGHT_S3_ENDPOINT: 'http://127.0.0.1:9',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
  });
  const checks = await diagnose(home);
  expect(named(checks, 'Temporal')).toMatchObject({
    ok: false,
    found: expect.stringContaining('127.0.0.1:9') as string,
  });
  expect(named(checks, 'S3')).toMatchObject({
    ok: false,
    found: expect.stringContaining('127.0.0.1:9') as string,
  });
});
