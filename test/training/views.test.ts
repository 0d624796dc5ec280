import { describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import type { Sample } from '../../datasets/sample.js';
import type { Target } from '../../datasets/target.js';
import { drawView, viewsOf, wantedFrames } from '../../training/views.js';
import { testSample } from '../evaluation/videos.js';

const sample = (id: string, split: Sample['split']): Sample => testSample(id, 'Normal', [], { split });

const target = (sampleId: string, view: string, frames: number[]): Target => ({
  sampleId,
  view,
  frames,
  label: 'Normal',
  category: null,
  span: null,
  words: [],
  verdict: '',
  categoryCompletion: '',
});

const samples = [sample('b', 'sft'), sample('a', 'sft'), sample('held-out', 'val'), sample('bare', 'sft')];
const targets = [
  target('a', 'trim-0', [3, 5]),
  target('a', 'full', [0, 2, 4]),
  target('a', 'trim-1', [4, 6]),
  target('b', 'full', [1, 2]),
  target('held-out', 'full', [0]),
  target('bare', 'trim-0', [0]),
];

describe('views of samples', () => {
  it('come in the order of the samples, of one split, each whole view with those cut from it', () => {
    const views = viewsOf(samples, targets, 'sft');
    expect(views.map(({ sample }) => sample.id)).toEqual(['b', 'a']);
    expect(views[1]!.full.frames).toEqual([0, 2, 4]);
    expect(views[1]!.trimmed.map(({ view }) => view)).toEqual(['trim-0', 'trim-1']);
    expect(viewsOf(samples, targets, 'val').map(({ sample }) => sample.id)).toEqual(['held-out']);
  });

  it('are drawn at the asked share, and whole where nothing was cut', () => {
    const [b, a] = viewsOf(samples, targets, 'sft');
    const random = Random.from(1, 'views');
    const drawn = Array.from({ length: 2000 }, () => drawView(a!, 0.25, random).view);
    const share = (view: string) => drawn.filter((name) => name === view).length / drawn.length;
    expect(share('full')).toBeCloseTo(0.75, 1);
    expect(share('trim-0')).toBeCloseTo(0.125, 1);
    expect(share('trim-1')).toBeCloseTo(0.125, 1);
    expect(drawView(a!, 0, random).view).toBe('full');
    expect(drawView(b!, 1, random).view).toBe('full');
  });

  it('want every frame that one of them shows, and none of a sample that is not theirs', () => {
    const wanted = wantedFrames(viewsOf(samples, targets, 'sft'));
    expect(new Set(wanted('a'))).toEqual(new Set([0, 2, 3, 4, 5, 6]));
    expect(wanted('b')).toEqual([1, 2]);
    expect(wanted('held-out')).toBeNull();
  });
});
