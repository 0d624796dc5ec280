import { expect, test } from 'vitest';
import { changedFiles } from '../../cli/code-changes.js';

test('files that changed, came or went are named once, without extension', () => {
  const before = new Map([
    ['core/a.js', '1'],
    ['core/b.js', '2'],
    ['core/gone.js', '3'],
  ]);
  const after = new Map([
    ['core/new.js', '4'],
    ['core/b.js', '5'],
    ['core/a.js', '1'],
  ]);
  expect(changedFiles(before, after)).toEqual(['core/b', 'core/gone', 'core/new']);
  expect(changedFiles(after, after)).toEqual([]);
  expect(changedFiles(new Map([['a.js', '1']]), new Map([['a.ts', '2']]))).toEqual(['a']);
});
