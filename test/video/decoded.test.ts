import { describe, expect, it } from 'vitest';
import { judgeDecoded } from '../../video/decoded.js';

const clean = { errors: false };

describe('judgeDecoded', () => {
  it('accepts what was promised, and up to 5% or two frames less', () => {
    const promised = { frames: 100, durationSeconds: 10 };
    expect(judgeDecoded(promised, { frames: 100, seconds: 10, ...clean })).toBeNull();
    expect(judgeDecoded(promised, { frames: 120, seconds: 12, ...clean })).toBeNull();
    expect(judgeDecoded(promised, { frames: 95, seconds: 9.5, errors: true })).toBeNull();
    expect(
      judgeDecoded({ frames: 10, durationSeconds: 1 }, { frames: 8, seconds: 0.8, errors: true }),
    ).toBeNull();
  });

  it('calls a file cut off that ends early', () => {
    const reject = judgeDecoded(
      { frames: 377, durationSeconds: 30.16 },
      { frames: 151, seconds: 12.08, errors: true },
    );
    expect(reject?.reason).toBe('truncated');
    expect(reject?.message).toBe(
      'the header promises 377 frames, only 151 can be decoded: the file is cut off',
    );
    expect(reject?.retryable).toBe(false);
  });

  it('calls it cut off without a complaint too: ffmpeg may see a clean end', () => {
    const early = { frames: 7, seconds: 0.7, ...clean };
    expect(judgeDecoded({ frames: 10, durationSeconds: 1 }, early)?.reason).toBe('truncated');
    expect(judgeDecoded({ frames: 10, durationSeconds: null }, early)?.reason).toBe('truncated');
  });

  it('believes a clock that counts ticks without a picture (the figures of a Cinepak file)', () => {
    const cinepak = { frames: 444, durationSeconds: 29.6 };
    expect(judgeDecoded(cinepak, { frames: 68, seconds: 29.6, ...clean })).toBeNull();
  });

  it('calls a file damaged that loses frames on the way to its end', () => {
    const damaged = judgeDecoded(
      { frames: 444, durationSeconds: 29.6 },
      { frames: 300, seconds: 29.6, errors: true },
    );
    expect(damaged?.reason).toBe('damaged');
  });

  it('needs a complaint where only a length is promised', () => {
    const length = { frames: null, durationSeconds: 30 };
    expect(judgeDecoded(length, { frames: 120, seconds: 12, ...clean })).toBeNull();
    const cut = judgeDecoded(length, { frames: 120, seconds: 12, errors: true });
    expect(cut?.reason).toBe('truncated');
    expect(cut?.message).toContain('promises 30.0 s, only 12.0 s');
    expect(judgeDecoded(length, { frames: 290, seconds: 29, errors: true })).toBeNull();
  });

  it('accepts anything but nothing where nothing is promised', () => {
    const nothing = { frames: null, durationSeconds: null };
    expect(judgeDecoded(nothing, { frames: 3, seconds: 0.3, errors: true })).toBeNull();
    expect(judgeDecoded(nothing, { frames: 0, seconds: 0, ...clean })?.reason).toBe('undecodable');
  });
});
