import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { withClient } from '../../stack/bucket.js';
import { judgeUploads } from '../../stack/checks/uploads.js';
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

  const { store } = await ensureUp({
    home,
    workers: [{ name: 'broken', command: process.execPath, args: ['-e', 'process.exit(1)'] }],
  });
  const up = await diagnose(home);
  expect(named(up, 'Temporal')).toMatchObject({ ok: true });
  expect(named(up, 'S3')).toMatchObject({ ok: true });
  expect(named(up, 'unfinished uploads')).toEqual({ name: 'unfinished uploads', ok: true, found: 'none' });
  expect(named(up, 'broken')).toMatchObject({
    ok: false,
    fix: expect.stringContaining('broken.log') as string,
  });

  const begun = { Bucket: store.bucket, Key: 'blobs/sha256/ab/begun' };
  await withClient(store, (client) => client.send(new CreateMultipartUploadCommand(begun)));
  const { ok, found } = named(await diagnose(home), 'unfinished uploads');
  expect([ok, found]).toEqual([true, expect.stringMatching(/^1, begun within the hour: blobs\S+ since 20/)]);
});

test('takes an upload for abandoned after an hour, and says how to be rid of it', () => {
  const hour = 3_600_000;
  const upload = (name: string, since: number) => ({ name, since: new Date(since) });
  const uploads = [upload('old', hour), upload('young', 3 * hour)];
  expect(judgeUploads([], 4 * hour, 'remote')).toMatchObject({ ok: true, found: 'none' });
  expect(judgeUploads(uploads.slice(1), 4 * hour, 'remote')).toMatchObject({ ok: true });
  expect(judgeUploads(uploads, 3.5 * hour, 'embedded')).toMatchObject({
    ok: 'warning',
    found: '1 begun more than an hour ago: old since 1970-01-01T01:00:00.000Z',
    fix: expect.stringContaining('hindsight up') as string,
  });
  expect(judgeUploads(uploads, 3.5 * hour, 'remote').fix).toContain('lifecycle rule');
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
