import { describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.js';
import type { ImportResult } from '../../../datasets/annotation.js';
import { importJsonl } from '../../../datasets/importers/jsonl.js';

const read = (...lines: (string | object)[]): ImportResult =>
  importJsonl({
    text: lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    file: 'clips.jsonl',
    videos: '/videos',
  });

describe('a good file', () => {
  it('gives one annotation per line', () => {
    const { annotations, rejects } = read({ path: 'cam1/a.b.mp4', label: 'Normal' }, '', {
      path: '/else/x.avi',
      label: 'Abnormal',
      category: 'Fire',
      spans: [
        [1, 2.5],
        [4, 5],
      ],
      split: 'test',
      group: 'film',
      place: 'on the left',
      description: 'a bin burns',
      id: 'x1',
    });
    expect(rejects).toEqual([]);
    expect(annotations).toEqual([
      {
        id: 'cam1/a.b',
        path: '/videos/cam1/a.b.mp4',
        label: 'Normal',
        category: null,
        intervals: null,
        split: null,
        group: 'cam1/a.b',
        place: null,
        description: null,
        reasoning: null,
        from: 'clips.jsonl:1',
      },
      {
        id: 'x1',
        path: '/else/x.avi',
        label: 'Abnormal',
        category: 'Fire',
        intervals: {
          unit: 'seconds',
          base: 0,
          endInclusive: false,
          totalFrames: null,
          spans: [
            [1, 2.5],
            [4, 5],
          ],
        },
        split: 'test',
        group: 'film',
        place: 'on the left',
        description: 'a bin burns',
        reasoning: null,
        from: 'clips.jsonl:3',
      },
    ]);
  });

  it('may have a byte order mark, CRLF, trailing blanks, and names of any kind', () => {
    const { annotations, rejects } = importJsonl({
      text: `\uFEFF${JSON.stringify({ path: "监控 视频 (1) 'a' & $b.mp4", label: 'Normal' })}  \r\n\r\n${JSON.stringify({ path: 'v=AbC__#00-00-05_label_B1-B2-0.mp4', label: 'Normal' })}`,
      file: 'clips.jsonl',
      videos: '/videos',
    });
    expect(rejects).toEqual([]);
    expect(annotations.map((a) => a.id)).toEqual([
      "监控 视频 (1) 'a' & $b",
      'v=AbC__#00-00-05_label_B1-B2-0',
    ]);
    expect(annotations[0]!.path).toBe("/videos/监控 视频 (1) 'a' & $b.mp4");
  });
});

describe('bad lines', () => {
  const bad = (row: string | object): { reason: string; message: string } => {
    const { annotations, rejects } = read({ path: 'ok.mp4', label: 'Normal' }, row);
    expect(annotations).toHaveLength(1);
    expect(rejects).toHaveLength(1);
    expect(rejects[0]!.from).toBe('clips.jsonl:2');
    return rejects[0]!;
  };

  it.each<[string, object | string, string, string]>([
    ['not JSON', '{"path": "a.mp4",', 'not-json', 'this line is not a JSON object'],
    ['no object', '["a.mp4"]', 'not-json', '["a.mp4"]'],
    [
      'a misspelt field',
      { path: 'a.mp4', labl: 'Normal', label: 'Normal' },
      'bad-field',
      'did you mean "label"?',
    ],
    [
      'an unknown field',
      { path: 'a.mp4', label: 'Normal', fps: 25 },
      'bad-field',
      'unknown field "fps"; known: path',
    ],
    ['no label', { path: 'a.mp4' }, 'bad-field', '"label" is missing'],
    ['no path', { label: 'Normal' }, 'bad-field', '"path" is missing'],
    [
      'another label',
      { path: 'a.mp4', label: 'normal' },
      'bad-field',
      '"label" is "normal"; allowed: Normal, Abnormal',
    ],
    [
      'another split',
      { path: 'a.mp4', label: 'Normal', split: 'train' },
      'bad-field',
      'allowed: sft, reflect, rl, val, test',
    ],
    [
      'a reversed span',
      { path: 'a.mp4', label: 'Abnormal', spans: [[3, 2]] },
      'bad-field',
      '"spans.0" is [3,2]; a span needs start < end',
    ],
    [
      'a negative time',
      { path: 'a.mp4', label: 'Abnormal', spans: [[-1, 2]] },
      'bad-field',
      '"spans.0.0" is -1',
    ],
    ['a flat span', { path: 'a.mp4', label: 'Abnormal', spans: [1, 2] }, 'bad-field', '"spans.0" is 1'],
    ['an empty path', { path: '', label: 'Normal' }, 'bad-field', '"path" is ""'],
  ])('%s', (_, row, reason, message) => {
    const reject = bad(row);
    expect(reject.reason).toBe(reason);
    expect(reject.message).toContain(message);
  });

  it('are named by their path where they have one', () => {
    expect(read({ path: 'ok.mp4', label: 'Normal' }, { path: 'a.mp4' }).rejects[0]!.id).toBe('a.mp4');
    expect(read({ path: 'ok.mp4', label: 'Normal' }, 'x').rejects[0]!.id).toBe('clips.jsonl:2');
  });

  it('may not name a video or an id twice', () => {
    const { annotations, rejects } = read(
      { path: 'a.mp4', label: 'Normal' },
      { path: './a.mp4', label: 'Abnormal', id: 'other' },
      { path: 'a.avi', label: 'Normal' },
      { path: 'b.mp4', label: 'Normal' },
    );
    expect(annotations.map((a) => a.id)).toEqual(['a', 'b']);
    expect(rejects.map((r) => [r.from, r.reason])).toEqual([
      ['clips.jsonl:2', 'duplicate-path'],
      ['clips.jsonl:3', 'duplicate-id'],
    ]);
    expect(rejects[0]!.message).toContain('by line 1');
  });
});

describe('no JSONL at all', () => {
  it.each([
    ['CSV', 'path,label\na.mp4,Normal\n'],
    ['a pretty JSON array', '[\n  {\n    "path": "a.mp4"\n  }\n]\n'],
    ['an empty file', ' \n'],
    ['HTML', '<!doctype html>\n<p>404</p>'],
  ])('%s is an input error', (_, text) => {
    expect(() => importJsonl({ text, file: 'clips.jsonl', videos: '/videos' })).toThrow(InputError);
    expect(() => importJsonl({ text, file: 'clips.jsonl', videos: '/videos' })).toThrow(/clips\.jsonl/);
  });
});
