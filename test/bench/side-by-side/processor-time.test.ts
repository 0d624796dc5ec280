import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  busyTicks,
  otherShare,
  processorTime,
  processTicks,
} from '../../../bench/side-by-side/processor-time.js';

describe('reading /proc', () => {
  it('counts what is busy: not idle, not waiting, no guests twice', () => {
    const stat = 'cpu  100 10 50 9000 800 3 4 5 60 7\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n';
    expect(busyTicks(stat)).toBe(100 + 10 + 50 + 3 + 4 + 5);
  });
  it('finds user and system time behind a name with blanks and brackets', () => {
    expect(processTicks('42 (a b) c) S 1 42 42 0 -1 4194304 500 0 0 0 70 8 0 0 20 0 3 0')).toBe(78);
  });
});

describe('otherShare', () => {
  const at = (all: number, own: number, ms: number) => ({ all, own, at: ms });

  it('is what neither idles nor is ours', () => {
    // One second of two processors has 200 ticks: 120 busy, 70 of them ours.
    expect(otherShare(at(1000, 10, 0), at(1120, 80, 1000), 2)).toBeCloseTo(0.25);
  });
  it('is never negative, whatever the ticks round to', () => {
    expect(otherShare(at(0, 0, 0), at(99, 100, 500), 2)).toBe(0);
  });
  it('is 0 where nothing is known', () => {
    expect(otherShare(null, at(1, 1, 1), 2)).toBe(0);
    expect(processorTime([0x7fffffff])).toBeNull();
  });
  it.runIf(process.platform === 'linux')('sees a busy process unless it is one of ours', async () => {
    const busy = spawn(process.execPath, ['-e', 'const end = Date.now() + 5000; while (Date.now() < end);']);
    try {
      await new Promise((resolve) => busy.once('spawn', resolve));
      const counted = [process.pid, busy.pid!];
      const before = [processorTime(counted)!, processorTime([process.pid])!] as const;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const after = [processorTime(counted)!, processorTime([process.pid])!] as const;
      const [withIt, without] = [otherShare(before[0], after[0], 1), otherShare(before[1], after[1], 1)];
      expect(without - withIt).toBeGreaterThan(0.05);
    } finally {
      busy.kill();
    }
  });
});
