import { describe, expect, it } from 'vitest';
import { prototypes } from '../../../bench/pipeline/prototypes.js';
import { judgeReuse } from '../../../bench/pipeline/targets.js';
import { loadConfig } from '../../../config/load.js';
import { parseCompletion } from '../../../datasets/answer.js';
import { decodeFramePack } from '../../../video/frame-pack.js';

const at = (median: number) => ({ median, min: median / 2, max: 2 * median });
const seconds = { list: at(0.5), show: at(1), plan: at(4), run: at(12.5), resume: at(10) };

describe('bench pipeline', () => {
  it('judges by the medians', () => {
    expect(judgeReuse(seconds).map(({ target, isMet, missedBy }) => [target, isMet, missedBy])).toEqual([
      ['list <= 1 s', true, 0],
      ['show <= 1 s', true, 0],
      ['plan <= 10 s', true, 0],
      ['run <= 10 s', false, 0.25],
      ['resume <= 10 s', true, 0],
    ]);
  });

  it('records what real stages would read: packs, captions and answers of both labels', async () => {
    const { config } = await loadConfig('demo');
    const of = prototypes(config);
    for (const label of ['Normal', 'Abnormal'] as const) {
      const pack = decodeFramePack(of[label].pack);
      expect(pack.frames).toHaveLength(config.frames.policyFrames);
      expect(pack.teacher?.indices).toHaveLength(of[label].captions.frames.length);
      expect(of[label].annotation.label).toBe(label);
      expect(parseCompletion(of[label].verdict, { prompt: 'verdict', shape: 'single' })).toMatchObject({
        final: { verdict: label },
        formatValid: true,
      });
    }
    expect(of.Abnormal.annotation.spans).not.toEqual([]);
  });
});
