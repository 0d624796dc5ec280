import { describe, expect, it } from 'vitest';
import { Pace } from '../../cli/pace.js';

const at = (step: number, phase = 'grpo', steps = 60) => ({ phase, step, steps, metrics: {} });
const seen = (...looks: readonly (readonly [ReturnType<typeof at>, seconds: number])[]): Pace => {
  const pace = new Pace();
  for (const [progress, seconds] of looks) pace.see(progress, seconds * 1000);
  return pace;
};

describe('pace', () => {
  it('is known after a few seconds, and counts down between two steps', () => {
    const pace = seen([at(10), 100], [at(12), 104]);
    expect(pace.reading(104_000)).toBeNull();
    pace.see(at(15), 110_000);
    expect(pace.reading(110_000)).toEqual({ stepsPerSecond: 0.5, secondsLeft: 90 });
    expect(pace.reading(111_000)).toEqual({ stepsPerSecond: 0.5, secondsLeft: 89 });
    expect(pace.reading(999_000)?.secondsLeft).toBe(0);
  });

  it('is the mean since the first step that ended: waits before it do not count, later ones do', () => {
    const pace = seen([at(50), 1000], [at(50), 1500], [at(55), 1510]);
    expect(pace.reading(1_510_000)).toBeNull();
    pace.see(at(60), 1_520_000);
    expect(pace.reading(1_520_000)?.stepsPerSecond).toBe(0.5);
    pace.see(at(65), 1_610_000);
    expect(pace.reading(1_610_000)?.stepsPerSecond).toBe(0.1);
  });

  it('starts afresh with a phase, with another number of steps, and after a fall back to a checkpoint', () => {
    const before = [
      [at(10), 0],
      [at(20), 10],
    ] as const;
    expect(seen(...before, [at(21, 'other'), 20]).reading(20_000)).toBeNull();
    expect(seen(...before, [at(15), 20]).reading(20_000)).toBeNull();
    expect(seen(...before, [at(20, 'grpo', 30), 20]).reading(20_000)).toBeNull();
    expect(seen(...before, [at(15), 20], [at(20), 25], [at(30), 35]).reading(35_000)).toEqual({
      stepsPerSecond: 1,
      secondsLeft: 30,
    });
  });

  it('does not guess the pace of the phase after the warm-up', () => {
    const warmup = seen(
      [at(0, 'vision-warmup', 700), 0],
      [at(50, 'vision-warmup', 700), 5],
      [at(100, 'vision-warmup', 700), 10],
    );
    expect(warmup.reading(10_000)).toEqual({ stepsPerSecond: 10, secondsLeft: null });
  });
});
