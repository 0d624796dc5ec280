import { describe, expect, it } from 'vitest';
import { readAsUpstream } from '../../evaluation/upstream.js';

describe('readAsUpstream', () => {
  it.each([
    ['<which>Normal</which>', 'Normal', [0, 1]],
    ['<which> Normal </which> <when>[0.1, 0.2]</when>', 'Normal', [0, 1]],
    ['<which>Abnormal</which> <when>[0.125, 0.5]</when>', 'Abnormal', [0.125, 0.5]],
    ['<which> Abnormal </which> <when> [ 0.125 , 0.500 ] </when>', 'Abnormal', [0.125, 0.5]],
    ['<which>Fire</which> <when>[0, 1]</when>', 'Abnormal', [0, 1]],
    ['no tags at all', 'Abnormal', [0, 0]],
    ['', 'Abnormal', [0, 0]],
    ['<which>Abnormal</which>', 'Abnormal', [0, 0]],
    ['<which>Abnormal</which> <when>[0.5, 0.2]</when>', 'Abnormal', [0, 0]],
    ['<which>Abnormal</which> <when>[0.5, 1.2]</when>', 'Abnormal', [0, 0]],
    ['<which>Abnormal</which> <when>[0.5.1, 1]</when>', 'Abnormal', [0, 0]],
    ['<which>Normal</which> <which>Abnormal</which>', 'Normal', [0, 1]],
  ] as const)('%s', (text, verdict, span) => {
    expect(readAsUpstream(text)).toEqual({ verdict, span });
  });
});
