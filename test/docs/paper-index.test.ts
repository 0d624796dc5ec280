import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fieldEntries } from '../../config/reference.js';
import { packageRoot } from '../../core/package-root.js';
import { metricDefinitions } from '../../evaluation/metrics.js';

const index = readFileSync(join(packageRoot, 'docs/paper-index.md'), 'utf8');
const quoted = [...index.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
const isTag = (text: string): boolean => text.startsWith('<');
const paths = quoted.filter((text) => text.includes('/') && !isTag(text));
const fields = quoted.filter((text) => /^[a-z]+\.[a-zA-Z.]+$/.test(text));

describe('docs/paper-index.md', () => {
  it('names paths that exist', () => {
    expect(paths.length).toBeGreaterThan(80);
    expect(paths.filter((path) => !existsSync(join(packageRoot, path)))).toEqual([]);
  });

  it('names fields that the configuration has', () => {
    const known = new Set(fieldEntries().map(({ path }) => path));
    expect(fields.length).toBeGreaterThan(20);
    expect(fields.filter((field) => !known.has(field))).toEqual([]);
  });

  it('quotes nothing but paths, fields, tags and single words', () => {
    const rest = quoted.filter((text) => !paths.includes(text) && !fields.includes(text) && !isTag(text));
    expect(rest.filter((text) => !/^[a-z0-9_-]+$/.test(text))).toEqual([]);
  });

  it('names every reward, every test of one, and every metric policy that stands for a paper', () => {
    const inFolder = (folder: string): string[] =>
      readdirSync(join(packageRoot, folder)).map((name) => `${folder}/${name}`);
    const rewards = [...inFolder('training/rewards'), ...inFolder('test/training/rewards')];
    expect(rewards.filter((path) => !paths.includes(path)).map((path) => basename(path))).toEqual([]);
    const policies = new Set(metricDefinitions.map(({ policy }) => policy));
    policies.delete('all_videos');
    expect([...policies].filter((policy) => !quoted.includes(policy))).toEqual([]);
  });
});
