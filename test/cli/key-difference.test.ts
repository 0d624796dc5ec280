import { describe, expect, it } from 'vitest';
import { differences } from '../../cli/key-difference.js';

describe('differences', () => {
  it('names the path and both values, and nothing for equal values', () => {
    expect(differences({ a: { b: [1, 2] } }, { a: { b: [1, 2] } })).toEqual([]);
    expect(differences({ params: { beta: 0.04, x: 1 } }, { params: { beta: 0.1, x: 1 } })).toEqual([
      'params.beta: 0.04 -> 0.1',
    ]);
  });

  it('keeps false, 0 and the empty string apart from absence', () => {
    expect(differences({ a: false }, {})).toEqual(['a: false -> absent']);
    expect(differences({ a: 0 }, { a: '' })).toEqual(['a: 0 -> ""']);
    expect(differences({}, { a: null })).toEqual(['a: absent -> null']);
  });

  it('shortens digests', () => {
    expect(differences({ d: 'a'.repeat(64) }, { d: 'b'.repeat(64) })).toEqual([
      `d: "${'a'.repeat(11)}… -> "${'b'.repeat(11)}…`,
    ]);
  });
});
