import { describe, expect, it } from 'vitest';
import { prototypes } from '../../../bench/pipeline/prototypes.js';
import { reuseText } from '../../../bench/pipeline/command.js';
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

  it('prints times and verdicts', () => {
    const machine = { processor: 'a processor', processors: 2, memoryBytes: 2 ** 33 };
    const verdicts = judgeReuse(seconds);
    expect(reuseText({ schema: 1, machine, samples: 20_000, rounds: 3, seconds, verdicts }))
      .toMatchInlineSnapshot(`
      "A recorded run of 20000 samples: 3 rounds.
      Machine: a processor, 2 processors, 8 GiB.
      Times are medians over the rounds (least to most).

              seconds
      list    0.50 (0.25 to 1.00)    hindsight list, from start to end of its process
      show    1.00 (0.50 to 2.00)    hindsight show of a finished run, likewise
      plan    4.00 (2.00 to 8.00)    hindsight run --plan, likewise
      run     12.50 (6.25 to 25.00)  a new run that finds everything in the store
      resume  10.00 (5.00 to 20.00)  resume of a run that is done
      list <= 1 s: 0.50, met
      show <= 1 s: 1.00, met
      plan <= 10 s: 4.00, met
      run <= 10 s: 12.50, missed by 25%
      resume <= 10 s: 10.00, met
      "
    `);
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
