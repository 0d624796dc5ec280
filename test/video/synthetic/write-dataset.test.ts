import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Split } from '../../../config/dataset.js';
import { parseJsonl } from '../../../core/jsonl.js';
import { importJsonl } from '../../../datasets/importers/jsonl.js';
import { extractFrames } from '../../../video/frames.js';
import { packFrames } from '../../../video/frame-pack.js';
import { measureVideo } from '../../../video/measure.js';
import { probeVideo } from '../../../video/probe.js';
import type { SceneAnnotation } from '../../../video/synthetic/annotation.js';
import {
  writeSyntheticDataset,
  type SyntheticDatasetOptions,
} from '../../../video/synthetic/write-dataset.js';
import { videoFolder } from '../make-video.js';

const none: Record<Split, number> = { sft: 0, reflect: 0, rl: 0, val: 0, test: 0 };
const some = { ...none, sft: 18, rl: 4, test: 3 };

describe('writeSyntheticDataset', { timeout: 120_000 }, async () => {
  const root = await videoFolder();
  const write = (name: string, options: Partial<SyntheticDatasetOptions> = {}) =>
    writeSyntheticDataset({ dir: join(root, name), seed: 5, counts: some, ...options });
  const bytesOf = async (name: string): Promise<Map<string, string>> => {
    const files = await readdir(join(root, name, 'videos'));
    const read = files.sort().map(async (file) => {
      const bytes = await readFile(join(root, name, 'videos', file));
      return [file, bytes.toString('base64')] as const;
    });
    return new Map(await Promise.all(read));
  };
  const annotationsOf = async (name: string): Promise<SceneAnnotation[]> =>
    parseJsonl(
      await readFile(join(root, name, 'annotations.jsonl'), 'utf8'),
      'annotations.jsonl',
    ) as SceneAnnotation[];

  it('writes H.264 files and one annotation each', async () => {
    const result = await write('first');
    expect(result).toEqual({
      annotations: join(root, 'first', 'annotations.jsonl'),
      rendered: 25,
      reused: 0,
    });
    const annotations = await annotationsOf('first');
    expect(annotations.map((a) => basename(a.path))).toEqual([
      ...Array.from({ length: 18 }, (_, i) => `sft-${String(i + 1).padStart(5, '0')}.mp4`),
      ...['rl-00001.mp4', 'rl-00002.mp4', 'rl-00003.mp4', 'rl-00004.mp4'],
      ...['test-00001.mp4', 'test-00002.mp4', 'test-00003.mp4'],
    ]);
    expect((await readdir(join(root, 'first', 'videos'))).length).toBe(25);
    for (const path of [annotations[0]!.path, annotations.at(-1)!.path]) {
      expect(await probeVideo(join(root, 'first', path))).toMatchObject({
        codec: 'h264',
        width: 168,
        height: 112,
        fps: 8,
        frames: 32,
        packets: 32,
        durationSeconds: 4,
        startTime: 0,
      });
    }
    expect((await readdir(join(root, 'first'))).sort()).toEqual([
      'annotations.jsonl',
      'clips.jsonl',
      'videos',
    ]);
  });

  it('annotates fully but for the weakly labelled split, in the format that the importer reads', async () => {
    const annotations = await annotationsOf('first');
    for (const { split, label, category, spans, place, description } of annotations) {
      const full = label === 'Abnormal' && split !== 'rl';
      expect([category, spans, place, description].every((field) => (field !== undefined) === full)).toBe(
        true,
      );
      for (const [start, end] of spans ?? []) {
        expect(start).toBeGreaterThan(0);
        expect(end).toBeLessThan(4);
        expect(end).toBeGreaterThan(start);
      }
    }
    expect(annotations.filter((a) => a.split === 'sft' && a.label === 'Abnormal')).toHaveLength(9);
    const imported = importJsonl({
      text: await readFile(join(root, 'first', 'annotations.jsonl'), 'utf8'),
      file: 'annotations.jsonl',
      videos: join(root, 'first'),
    });
    expect(imported.rejects).toEqual([]);
    expect(imported.annotations).toHaveLength(25);
  });

  it('annotates the spans of the weakly labelled split when they are asked for, and nothing else of it', async () => {
    const options = { dir: join(root, 'spans'), seed: 5, counts: some };
    const weak = (await annotationsOf('first')).filter(({ split }) => split === 'rl');
    await cp(join(root, 'first'), options.dir, { recursive: true });
    await writeSyntheticDataset({ ...options, rlSpans: true });
    const annotations = await annotationsOf('spans');
    const rl = annotations.filter(({ split }) => split === 'rl');
    for (const { label, spans, category } of rl) {
      expect(spans !== undefined).toBe(label === 'Abnormal');
      expect(category).toBeUndefined();
    }
    expect(rl.some(({ spans }) => spans !== undefined)).toBe(true);
    expect(rl.map(({ path, split, label }) => ({ path, split, label }))).toEqual(weak);
  });

  it('shows in the decoded video what it annotates', async () => {
    const fire = (await annotationsOf('first')).find((a) => a.category === 'Fire')!;
    const path = join(root, 'first', fire.path);
    const all = Array.from({ length: 32 }, (_, i) => i);
    const pack = await extractFrames(path, await measureVideo(path), {
      policy: { width: 84, height: 56 },
      teacherWidth: 84,
      choose: () => ({ policy: all, pool: null, teacher: null }),
    });
    const [start, end] = fire.spans![0]!.map((s) => s * 8) as [number, number];
    const flames = all.map((frame) => {
      const pixels = packFrames(pack, [frame]);
      let count = 0;
      for (let p = 0; p < pixels.length; p += 3) {
        // Orange as no car and no wall is.
        if (pixels[p]! > 225 && pixels[p + 1]! < 160 && pixels[p + 2]! < 80) count++;
      }
      return count;
    });
    const usual = Math.min(...flames);
    const burning = all.filter((frame) => flames[frame]! > usual + 20);
    expect(burning[0]).toBeGreaterThanOrEqual(start);
    expect(burning[0]).toBeLessThanOrEqual(start + 2);
    expect(burning.at(-1)).toBeLessThan(end);
    expect(burning.at(-1)).toBeGreaterThanOrEqual(end - 3);
  });

  it('gives the same bytes again, whatever the concurrency', async () => {
    await write('second', { concurrency: 1 });
    expect(await bytesOf('second')).toEqual(await bytesOf('first'));
    for (const file of ['annotations.jsonl']) {
      expect(await readFile(join(root, 'second', file), 'utf8')).toBe(
        await readFile(join(root, 'first', file), 'utf8'),
      );
    }
  });

  it('reuses what is there', async () => {
    const progress = vi.fn();
    expect(await write('first', { onProgress: progress })).toMatchObject({ rendered: 0, reused: 25 });
    expect(progress.mock.calls).toEqual([[{ done: 25, total: 25 }]]);
  });

  it('adds clips for larger counts and changes none', async () => {
    const before = await bytesOf('first');
    const result = await write('first', { counts: { ...some, sft: 35, val: 1 } });
    // The batch that was not full is rendered again as a whole.
    expect(result).toEqual(expect.objectContaining({ rendered: 16 + 3 + 1, reused: 4 + 3 + 16 }));
    const after = await bytesOf('first');
    expect(after.size).toBe(43);
    for (const [file, bytes] of before) expect(after.get(file)).toBe(bytes);
    const smaller = await write('first');
    expect(smaller.rendered).toBe(0);
    expect(await annotationsOf('first')).toHaveLength(25);
  });

  it('renders again what is missing, cut short or changed', async () => {
    const whole = await bytesOf('second');
    const video = (name: string): string => join(root, 'second', 'videos', name);
    await rm(video('sft-00003.mp4'));
    await truncate(video('rl-00002.mp4'), 100);
    const bytes = await readFile(video('test-00001.mp4'));
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(video('test-00001.mp4'), bytes);
    expect(await write('second')).toMatchObject({ rendered: 16 + 4 + 3, reused: 2 });
    expect(await bytesOf('second')).toEqual(whole);
  });

  it('trusts no list of another seed, and survives one that was cut short', async () => {
    const list = join(root, 'second', 'clips.jsonl');
    const lines = (await readFile(list, 'utf8')).split('\n');
    await writeFile(list, lines.slice(0, 12).join('\n') + '\n{"path":"videos/sft-000');
    expect((await write('second')).rendered).toBe(25);
    expect((await write('second')).rendered).toBe(0);
    const before = await bytesOf('second');
    expect((await write('second', { seed: 6 })).rendered).toBe(25);
    const after = await bytesOf('second');
    expect([...after].every(([file, bytes]) => before.get(file) !== bytes)).toBe(true);
  });

  it('stops when told to, leaves nothing half done, and goes on later', async () => {
    const stop = new AbortController();
    const onProgress = vi.fn(({ done }: { done: number }) => {
      if (done > 0) stop.abort(new Error('enough'));
    });
    const counts = { ...none, sft: 64 };
    await expect(write('third', { counts, concurrency: 1, signal: stop.signal, onProgress })).rejects.toThrow(
      'enough',
    );
    expect((await readdir(join(root, 'third'))).filter((name) => name.startsWith('.'))).toEqual([]);
    const result = await write('third', { counts });
    expect(result.reused).toBeGreaterThanOrEqual(16);
    expect(result.rendered).toBe(64 - result.reused);
    expect(await annotationsOf('third')).toHaveLength(64);
  });

  it('clears away what a killed run left', async () => {
    await mkdir(join(root, 'fourth', '.part-killed'), { recursive: true });
    await writeFile(join(root, 'fourth', '.part-killed', '00000.mp4'), 'half');
    await write('fourth', { counts: { ...none, test: 1 } });
    expect((await readdir(join(root, 'fourth'))).sort()).toEqual([
      'annotations.jsonl',
      'clips.jsonl',
      'videos',
    ]);
  });

  it('works in a folder whose name ffmpeg would read as a pattern', async () => {
    const result = await write("50%d of it's", { counts: { ...none, test: 2 } });
    expect(result.rendered).toBe(2);
    expect([...(await bytesOf("50%d of it's")).keys()]).toEqual(['test-00001.mp4', 'test-00002.mp4']);
  });

  it('says so when ffmpeg fails', async () => {
    const broken = join(root, 'broken-ffmpeg');
    await writeFile(broken, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    vi.stubEnv('HINDSIGHT_FFMPEG', broken);
    await expect(write('fifth', { counts: { ...none, test: 40 } })).rejects.toMatchObject({
      code: 'video.encode-failed',
      fix: expect.stringContaining('libx264') as string,
    });
    vi.unstubAllEnvs();
    expect(await readdir(join(root, 'fifth'))).toEqual(['clips.jsonl', 'videos']);
  });
});
