import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeClips } from '../../../bench/training/demo-clips.js';
import { loadConfig } from '../../../config/load.js';
import { Sample } from '../../../datasets/sample.js';
import { Target } from '../../../datasets/target.js';
import { FrameCache } from '../../../training/frame-cache.js';
import { readFrameIndex, readRecords } from '../../../training/records.js';
import { scratchTokenizer } from '../../../training/scratch-model.js';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'bench-clips-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('writeClips', () => {
  it('writes clips as training jobs read them, with texts of the demo', async () => {
    const { config, prompts } = await loadConfig('demo');
    const files = await writeClips(folder, { sft: 12, rl: 6 }, config);
    const samples = await readRecords(files.samples, Sample);
    expect(samples.map(({ split }) => split)).toEqual([
      ...Array<string>(12).fill('sft'),
      ...Array<string>(6).fill('rl'),
    ]);
    // Weak labels: what rewards may not see is not there.
    for (const sample of samples.filter(({ split }) => split === 'rl')) {
      expect([sample.spans, sample.category]).toEqual([[], null]);
    }

    const frames = new FrameCache(files.blobDir, await readFrameIndex(files.frameIndex));
    for (const { id } of samples) {
      expect(await frames.grid(id, config.frames.policyFrames)).toEqual({ t: 8, h: 4, w: 6 });
      expect((await frames.pack(id)).frames).toHaveLength(32);
    }

    const targets = await readRecords(files.targets, Target);
    expect(new Set(targets.map(({ sampleId }) => sampleId)).size).toBe(12);
    const tokenizer = scratchTokenizer(targets, prompts, []);
    for (const label of ['Normal', 'Abnormal'] as const) {
      const lengths = targets
        .filter((target) => target.label === label)
        .map(({ verdict }) => tokenizer.encode(verdict).length);
      const [least, most] = label === 'Normal' ? [50, 85] : [90, 135];
      expect(Math.min(...lengths)).toBeGreaterThan(least);
      expect(Math.max(...lengths)).toBeLessThan(most);
    }
  });

  it('writes the same bytes every time', async () => {
    const { config } = await loadConfig('demo');
    const write = async (name: string) => {
      const { samples, frameIndex, targets } = await writeClips(
        join(folder, name),
        { sft: 1, rl: 1 },
        config,
      );
      return Promise.all([samples, frameIndex, targets].map((path) => readFile(path, 'utf8')));
    };
    expect(await write('once')).toEqual(await write('again'));
  });
});
