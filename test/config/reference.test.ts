import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configurationReference, fieldEntries } from '../../config/reference.js';
import { packageRoot } from '../../core/package-root.js';

test('docs/configuration.md is what the schema says', async () => {
  const written = await readFile(join(packageRoot, 'docs', 'configuration.md'), 'utf8');
  expect(configurationReference(), 'run `npm run build && node scripts/config-docs.mjs`').toBe(written);
});

test('every field is described', () => {
  const silent = fieldEntries().filter(({ schema }) => !schema.description?.trim());
  expect(silent.map(({ path }) => path)).toEqual([]);
});

test('fields of all forms of a union are listed', () => {
  const paths = fieldEntries().map(({ path, form }) => (form === undefined ? path : `${path} (${form})`));
  expect(paths).toContain('dataset.sources.N.prefixMap (kind: vad-reasoning)');
  expect(paths).toContain('model.vision.depth (kind: scratch)');
  expect(paths).toContain('frames.size.maxPixels (maxPixels)');
  expect(paths).toContain('sft.visionWarmup.optimizer.learningRate');
});
