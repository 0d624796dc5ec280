import { expect, it } from 'vitest';
import { short } from '../../core/short-number.js';

it('keeps axis numbers short', () => {
  expect([0, 0.3, 0.12345, 1234.5, 0.00012, 123456, -2.5].map(short)).toEqual([
    '0',
    '0.3',
    '0.123',
    '1235',
    '1.2e-4',
    '1.2e5',
    '-2.5',
  ]);
});
