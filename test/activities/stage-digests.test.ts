import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { closureDigest, codeOf, importClosure } from '../../activities/code-digest.js';
import { stages } from '../../activities/index.js';
import { packageRoot } from '../../core/package-root.js';

const recorded = JSON.parse(readFileSync(join(packageRoot, 'test', 'stage-digests.json'), 'utf8')) as Record<
  string,
  { version: number; code: string; sameBytes?: string }
>;

const fix =
  'the code behind this stage changed: raise its version if the same inputs now give other bytes, then ' +
  '`npm run build && node scripts/stage-digests.mjs "same bytes, because ..."`';

describe('the code of a stage', () => {
  it.each(Object.values(stages))('$name is what test/stage-digests.json says', async (stage) => {
    const { name, version } = stage;
    const files = await importClosure(codeOf(stage), packageRoot);
    expect(files.size).toBeGreaterThan(3);
    expect(recorded[name]?.version, fix).toBe(version);
    expect(recorded[name]?.code, fix).toBe(closureDigest(files));
  });

  it('holds what the trainer child does for it', async () => {
    const files = await importClosure(codeOf(stages.grpo), packageRoot);
    expect([...files.keys()]).toContain('training/learner.ts');
    expect([...files.keys()]).toContain('policy/decode-step.ts');
  });

  it('reaches what it imports, and nothing that is not ours', async () => {
    const files = await importClosure(codeOf(stages.captions), packageRoot);
    expect([...files.keys()]).toContain('teachers/embedded/captions.ts');
    expect([...files.keys()]).toContain('core/errors.ts');
    expect([...files.keys()].filter((file) => file.includes('node_modules'))).toEqual([]);
  });
});
