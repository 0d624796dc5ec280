import { describe, expect, it } from 'vitest';
import { pauseAfter } from '../../../cli/live/look-pause.js';

describe('the pause between two looks at a run', () => {
  it.each([0, 5, 21])('is .4 s after a quick look (%i ms)', (look) => {
    expect(pauseAfter(look)).toBe(400);
  });

  it.each([30, 100, 200])('leaves a look of %i ms a twentieth of the time', (look) => {
    expect(look / (look + pauseAfter(look))).toBeCloseTo(1 / 20, 10);
  });

  it('is never longer than a person would wait for news', () => {
    expect(pauseAfter(60_000)).toBe(5000);
  });
});
