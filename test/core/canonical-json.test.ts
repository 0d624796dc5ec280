import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../core/canonical-json.js';

describe('canonicalJson', () => {
  it('gives equal values equal bytes', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: 0.1 })).toBe(
      '{"a":0.1,"b":[1,{"c":"x","d":null}]}',
    );
    expect(canonicalJson({ a: 1, b: undefined })).toBe(canonicalJson({ a: 1 }));
  });

  it('keeps false, 0 and the empty string apart from absence', () => {
    expect(canonicalJson({ a: false, b: 0, c: '' })).toBe('{"a":false,"b":0,"c":""}');
  });

  it.each([NaN, Infinity, -Infinity])('refuses %s', (value) => {
    expect(() => canonicalJson({ a: value })).toThrow(TypeError);
  });
});
