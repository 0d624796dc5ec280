import { describe, expect, it } from 'vitest';
import { machine, machineText, versionLines } from '../../../bench/side-by-side/machine.js';

describe('what a measurement was made on', () => {
  it('names processor and memory', () => {
    const { processor, processors, memoryBytes } = machine();
    expect(processor).not.toBe('');
    expect(processors).toBeGreaterThan(0);
    expect(memoryBytes).toBeGreaterThan(2 ** 28);
    expect(machineText({ processor: 'Some CPU', processors: 2, memoryBytes: 8 * 2 ** 30 })).toBe(
      'Machine: Some CPU, 2 processors, 8 GiB.',
    );
  });
  it('has one line for participants with equal versions, each named once', () => {
    const torch = { threads: 2, versions: { torch: '2.15.0' } };
    expect(
      versionLines([
        { participant: 'ours', threads: 2, versions: { node: '20.11.0', tfjs: '4.22.0' } },
        { participant: 'eager', ...torch },
        { participant: 'sdpa', ...torch },
        { participant: 'sdpa', ...torch },
      ]),
    ).toEqual(['ours: 2 threads, node 20.11.0, tfjs 4.22.0.', 'eager, sdpa: 2 threads, torch 2.15.0.']);
  });
});
