import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.js';
import { packageRoot } from '../../../core/package-root.js';
import type { ImportResult } from '../../../datasets/annotation.js';
import { parseCompletion } from '../../../datasets/answer.js';
import { importVadReasoning } from '../../../datasets/importers/vad-reasoning.js';
import { canonicalCategory } from '../../../datasets/taxonomy.js';

const text = (rows: object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
const read = (rows: object[], prefixMap: Record<string, string> = {}): ImportResult =>
  importVadReasoning({ text: text(rows), file: 'sft.jsonl', prefixMap, split: null });

/** A row in the released SFT shape, in our own words. */
const abnormal = {
  source: 'UCF',
  video: 'Arson001',
  anomaly_type: 'Fire',
  start: 30,
  end: 90,
  total_frames: 120,
  path: '/disk/author/sft/UCF/Arson001_x264.mp4',
  think:
    '<think><step1>A quiet yard is seen.</step1>  \n\n<step2>Next, flames appear.</step2>  \n<step3>It is a fire.</step3>\n<step4>It may spread.</step4></think>',
  answer:
    '<answer>The anomaly category of the video is <which>Fire</which>. In this video, <what>a shed burns</what>, during <when>[0.25, 0.75]</when>. It is in the <where>lower left</where>, since <why>sheds do not burn</why>. So <how>people may be hurt</how>.</answer>',
};
const normal = {
  source: 'TAD',
  video: 'n1.mp4',
  anomaly_type: 'Normal',
  total_frames: 80,
  path: '/disk/author/sft/TAD/n1.avi',
  think: '<think><step1>A road is seen.</step1><step2>Cars pass.</step2></think>',
  answer:
    '<answer>The category is <which>Normal</which>: <what>traffic flows</what>, <why>as expected</why>.</answer>',
};
const rl = (path: string, solution = 'Abnormal', source = 'XD'): object => ({
  source,
  video: path,
  anomaly_type: solution,
  path,
  data_type: 'video',
  solution,
});

describe('SFT shape', () => {
  it('keeps frame indices, category and text', () => {
    const { annotations, rejects, warnings } = read([abnormal, normal]);
    expect([...rejects, ...warnings]).toEqual([]);
    expect(annotations[0]).toMatchObject({
      id: 'UCF/Arson001_x264',
      label: 'Abnormal',
      category: 'Fire',
      group: 'UCF/Arson001',
      intervals: { unit: 'frames', base: 0, endInclusive: false, totalFrames: 120, spans: [[30, 90]] },
      from: 'sft.jsonl:1',
    });
    expect(annotations[0]!.reasoning!.think).toContain('</step1> <step2>');
    expect(annotations[1]).toMatchObject({ id: 'TAD/n1', label: 'Normal', category: null, intervals: null });
  });

  it('ignores a filled or null interval on Normal and keeps an abnormal row without one as weak', () => {
    const weak = { ...abnormal, start: undefined, end: undefined };
    const { annotations, rejects } = read([
      { ...normal, start: 0, end: 80 },
      { ...normal, path: '/x/b.mp4', start: null, end: null },
      weak,
    ]);
    expect(rejects).toEqual([]);
    expect(annotations.map((a) => a.intervals)).toEqual([null, null, null]);
  });

  it.each<[string, object, string]>([
    ['a reversed span', { start: 90, end: 30 }, 'bad-span'],
    ['an empty span', { start: 30, end: 30 }, 'bad-span'],
    ['text for a number', { start: '30' }, 'bad-field'],
    ['no frames', { total_frames: 0 }, 'bad-field'],
    ['no path', { path: undefined }, 'bad-field'],
    ['no text', { think: null }, 'bad-field'],
  ])('rejects %s', (_, change, reason) => {
    const { annotations, rejects } = read([normal, { ...abnormal, ...change }]);
    expect(annotations).toHaveLength(1);
    expect(rejects).toMatchObject([{ reason, from: 'sft.jsonl:2' }]);
  });

  it('rejects a video that stands twice', () => {
    expect(read([abnormal, abnormal]).rejects).toMatchObject([
      { reason: 'duplicate-id', from: 'sft.jsonl:2', message: expect.stringContaining('line 1') as string },
    ]);
  });
});

describe('dirt in the text', () => {
  const reasoningOf = (change: object): ImportResult => read([{ ...abnormal, ...change }]);

  it('removes stray markup, invisible characters and line breaks', () => {
    const { annotations, warnings } = reasoningOf({
      think: abnormal.think.replace('flames appear', '\u200bflames appear at the <loc> middle-left>'),
    });
    expect(warnings).toEqual([]);
    expect(annotations[0]!.reasoning!.think).toContain('Next, flames appear at the middle-left.');
  });

  it('matches the answer with the row through the alias table', () => {
    for (const [type, which] of [
      ['Red Lgiht Violation', 'Red Light Violation'],
      ['Avalanche and \u200bLandslide', 'Avalanche and Landslide'],
      ['Animal Hurts Human', 'Animals Hurt Human'],
    ] as const) {
      const { annotations, warnings } = reasoningOf({
        anomaly_type: type,
        answer: abnormal.answer.replace('>Fire<', `>${which}<`),
      });
      expect(warnings).toEqual([]);
      expect(annotations[0]).toMatchObject({
        category: type,
        reasoning: { answer: expect.any(String) as string },
      });
    }
  });

  it.each<[string, object, string]>([
    ['another category', { answer: abnormal.answer.replace('>Fire<', '>Riot<') }, 'it answers Riot'],
    ['Normal', { think: normal.think, answer: normal.answer }, 'it answers Normal'],
    ['a broken grammar', { think: abnormal.think.replace('</step2>', '') }, 'tag grammar'],
    ['the steps of the other kind', { think: normal.think }, 'tag grammar'],
  ])('drops a text with %s, and says so', (_, change, message) => {
    const { annotations, warnings } = reasoningOf(change);
    expect(annotations[0]!.reasoning).toBeNull();
    expect(warnings).toMatchObject([{ code: 'reasoning-dropped', from: 'sft.jsonl:1' }]);
    expect(warnings[0]!.message).toContain(message);
  });
});

describe('RL shape', () => {
  it('keeps labels only, and takes ids from the path however the video is written', () => {
    const { annotations, rejects } = read([
      {
        ...rl('/disk/rl/XD/1-1004/Braveheart__#1-02-03_1-02-09_label_B2-G-0.mp4'),
        video: '1-1004/Braveheart.mp4',
      },
      rl('/disk/rl/SH/Normal/01_001.avi', 'Normal', 'SH'),
      rl('/disk/rl/SH/Abnormal/01_0010.mp4', 'Abnormal', 'SH'),
    ]);
    expect(rejects).toEqual([]);
    expect(
      annotations.map(({ id, label, category, intervals, reasoning }) => [
        id,
        label,
        category,
        intervals,
        reasoning,
      ]),
    ).toEqual([
      ['XD/Braveheart__#1-02-03_1-02-09_label_B2-G-0', 'Abnormal', null, null, null],
      ['SH/01_001', 'Normal', null, null, null],
      ['SH/01_0010', 'Abnormal', null, null, null],
    ]);
  });

  it('rejects another solution', () => {
    expect(read([rl('/a/b.mp4'), rl('/a/c.mp4', 'Fire')]).rejects).toMatchObject([
      { reason: 'bad-field', message: '"solution" is "Fire"; allowed: Abnormal, Normal' },
    ]);
  });

  it('groups clips of one film and of one upload', () => {
    const { annotations } = read([
      rl('/d/v=87ss-JRZIs4__#1_label_G-0-0.mp4'),
      rl('/d/v=87ss-JRZIs4__#2_label_A.mp4'),
      rl('/d/wangted.2008#0-27-17_0-28_label_B1.mp4'),
      rl('/d/Plain_label_B2-0-0.mp4'),
      rl('/d/28482404788-1-192-7.mp4', 'Abnormal', 'NEW'),
      rl('/d/28482404788-1-192-21.mp4', 'Abnormal', 'NEW'),
      rl('/d/800150397_nb3-1-30032-3.mp4', 'Abnormal', 'NEW'),
    ]);
    expect(annotations.map((a) => a.group)).toEqual([
      'XD/v=87ss-JRZIs4',
      'XD/v=87ss-JRZIs4',
      'XD/wangted.2008',
      'XD/Plain',
      'NEW/28482404788',
      'NEW/28482404788',
      'NEW/800150397',
    ]);
  });
});

describe('prefix map', () => {
  it('replaces the longest prefix that ends at a folder', () => {
    const { annotations } = read(
      [abnormal, { ...normal, path: '/disk/author/sft2/a.mp4' }, rl('/other/c.mp4')],
      {
        '/disk/author': '/data',
        '/disk/author/sft/': '/fast/',
      },
    );
    expect(annotations.map((a) => a.path)).toEqual([
      '/fast/UCF/Arson001_x264.mp4',
      '/data/sft2/a.mp4',
      '/other/c.mp4',
    ]);
  });
});

describe('another file', () => {
  it('is an input error that names what is expected', () => {
    expect(() => read([{ path: 'a.mp4', label: 'Normal' }])).toThrow(InputError);
    expect(() => read([{ path: 'a.mp4', label: 'Normal' }])).toThrow(/path, label.*think and answer/);
  });
});

const folder = join(packageRoot, '../shared/data/annotations/vad-reasoning');
describe.skipIf(!existsSync(folder))('the released files', () => {
  const load = (file: string): ImportResult =>
    importVadReasoning({
      text: readFileSync(join(folder, file), 'utf8'),
      file,
      prefixMap: { '/media/wbf/VA-Reasoning-SFT': '/data' },
      split: 'sft',
    });

  it('SFT: 400 abnormal rows with spans and valid text', () => {
    const { annotations, rejects, warnings } = load('SFT-train.first400.jsonl');
    expect([...rejects, ...warnings]).toEqual([]);
    expect(annotations).toHaveLength(400);
    for (const annotation of annotations) {
      expect(annotation.path.startsWith('/data/')).toBe(true);
      expect(canonicalCategory(annotation.category!)).not.toBeNull();
      expect(annotation.intervals!.spans[0]![1]).toBeLessThanOrEqual(annotation.intervals!.totalFrames!);
      const { think, answer } = annotation.reasoning!;
      const read = parseCompletion(`${think} ${answer}`, { prompt: 'category', shape: 'single' });
      expect(read.formatValid).toBe(true);
    }
  });

  it('RL: 400 rows with labels', () => {
    const { annotations, rejects } = load('RL.first400.jsonl');
    expect(rejects).toEqual([]);
    expect(annotations.filter((a) => a.label === 'Abnormal')).toHaveLength(140);
    expect(annotations.every((a) => a.intervals === null && a.category === null)).toBe(true);
  });
});
