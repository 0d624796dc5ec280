import { describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import { bootstrap, pairedInterval, percentileInterval } from '../../evaluation/bootstrap.js';
import { meanOf, ratioOf, ratioValue } from '../../evaluation/ratio.js';

const bits = (count: number, share: number, seed: number) => {
  const random = Random.from(seed, 'bits');
  return Array.from({ length: count }, () => Number(random.chance(share)));
};
const mean = (values: readonly number[]) => meanOf(values, (value) => value);

describe('bootstrap', () => {
  it('draws what a plain loop over the same stream draws', () => {
    const values = [0.1, 0.5, 0.9, 0.2];
    const [got] = bootstrap([mean(values)], 20, Random.from(5, 'plain'));
    const random = Random.from(5, 'plain');
    for (const value of got!) {
      const drawn = values.map(() => values[random.integer(values.length)]!);
      expect(value).toBeCloseTo(drawn.reduce((a, b) => a + b, 0) / drawn.length, 12);
    }
  });

  it('gives the interval that theory gives for a mean: 1.96 standard errors', () => {
    const values = bits(400, 0.8, 1);
    const share = ratioValue(mean(values))!;
    const { low, high } = percentileInterval(bootstrap([mean(values)], 4000, Random.from(1))[0]!, 0.95)!;
    const error = Math.sqrt((share * (1 - share)) / 400);
    expect(low).toBeCloseTo(share - 1.96 * error, 2);
    expect(high).toBeCloseTo(share + 1.96 * error, 2);
  });

  it('pairs: two metrics that agree on every video differ by nothing, whatever is drawn', () => {
    const values = bits(100, 0.7, 2);
    const [a, b] = bootstrap([mean(values), mean([...values])], 500, Random.from(2));
    expect(pairedInterval(a!, b!, 0.95)).toEqual({ low: 0, high: 0 });
  });

  it('pairs: the interval of a difference is far narrower than two separate ones', () => {
    const before = bits(300, 0.8, 3);
    const after = before.map((right, index) => (index % 20 === 0 ? 1 : right));
    const [a, b] = bootstrap([mean(before), mean(after)], 2000, Random.from(3));
    const paired = pairedInterval(a!, b!, 0.95)!;
    const single = percentileInterval(a!, 0.95)!;
    expect(paired.high - paired.low).toBeLessThan((single.high - single.low) / 2);
    expect(paired.low).toBeGreaterThanOrEqual(0);
  });

  it('leaves out resamples without a scored video, and knows when there are none at all', () => {
    const one = ratioOf([1, 0, 0], (value) => (value === 1 ? [1, 1] : null));
    const none = ratioOf([1, 0, 0], () => null);
    const [some, nothing] = bootstrap([one, none], 200, Random.from(4));
    expect([...some!].some(Number.isNaN)).toBe(true);
    expect(percentileInterval(some!, 0.95)).toEqual({ low: 1, high: 1 });
    expect(percentileInterval(nothing!, 0.95)).toBeNull();
  });

  it('interpolates between order statistics', () => {
    const values = Float64Array.from([40, 10, 30, 20, 50]);
    expect(percentileInterval(values, 0.5)).toEqual({ low: 20, high: 40 });
    const { low, high } = percentileInterval(values, 0.8)!;
    expect(low).toBeCloseTo(14, 10);
    expect(high).toBeCloseTo(46, 10);
  });

  it('is the same for the same seed, and another for another', () => {
    const draw = (seed: number) => [...bootstrap([mean(bits(50, 0.5, 5))], 50, Random.from(seed))[0]!];
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('refuses to pair lists of different videos', () => {
    expect(() => bootstrap([mean([1]), mean([1, 2])], 10, Random.from(1))).toThrow(/same 1 videos/);
  });

  it('takes less than a second for 2,000 resamples of 300 videos', () => {
    const ratios = Array.from({ length: 30 }, (_, index) => mean(bits(300, 0.5, index)));
    // Processor time: other work on the machine must not decide.
    const before = process.cpuUsage();
    bootstrap(ratios, 2000, Random.from(1));
    expect(process.cpuUsage(before).user).toBeLessThan(1e6);
  });
});
