import { describe, expect, it } from 'vitest';
import { Checkpointed, Request, Stepped } from '../../../bench/training/protocol.js';
import { step } from './steps.js';

describe('the protocol of training participants', () => {
  it('takes what the bench asks', () => {
    const asked = [
      { do: 'prepare', folder: '/x' },
      { do: 'load', folder: '/x' },
      { do: 'check' },
      { do: 'step', generation: 0 },
      { do: 'checkpoint' },
      { do: 'train', folder: '/x', look: [10, 100] },
    ];
    for (const request of asked) expect(Request.parse(request)).toEqual(request);
  });
  it('refuses a step without its generation, a job that looks nowhere, and the unknown', () => {
    for (const wrong of [{ do: 'step' }, { do: 'train', folder: '/x', look: [] }, { do: 'profile' }]) {
      expect(Request.safeParse(wrong).success).toBe(false);
    }
  });
  it('wants every part of a step, and counts that are counts', () => {
    expect(Stepped.parse(step(3, 2, 1))).toEqual(step(3, 2, 1));
    expect(Stepped.safeParse({ ...step(3, 2, 1), update: undefined }).success).toBe(false);
    const half = { milliseconds: 1, sequences: 1, tokens: 1.5 };
    expect(Stepped.safeParse({ ...step(3, 2, 1), rollout: half }).success).toBe(false);
  });
  it('takes no checkpoint without bytes', () => {
    const made = { saveMilliseconds: 1, restoreMilliseconds: 1, modelBytes: 5, stateBytes: 5 };
    expect(Checkpointed.safeParse(made).success).toBe(true);
    expect(Checkpointed.safeParse({ ...made, stateBytes: 0 }).success).toBe(false);
  });
});
