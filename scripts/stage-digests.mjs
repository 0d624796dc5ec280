#!/usr/bin/env node
// Records the code of every stage in test/stage-digests.json. Run it after a change that reaches a stage:
//   npm run build && node scripts/stage-digests.mjs "same bytes, because ..."
// The reason is kept with the stages whose code changed while their version did not. Where bytes do change, raise the
// stage's version first; then no reason is needed.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { closureDigest, codeOf, importClosure } from '../dist/activities/code-digest.js';
import { stages } from '../dist/activities/index.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const file = join(root, 'test', 'stage-digests.json');
let before = {};
try {
  before = JSON.parse(readFileSync(file, 'utf8'));
} catch {
  // The first record.
}
const [because] = process.argv.slice(2);
if (because?.startsWith('-')) {
  process.stderr.write('usage: node scripts/stage-digests.mjs "same bytes, because ..."\n');
  process.exit(2);
}
const after = {};
for (const [name, stage] of Object.entries(stages)) {
  const { version } = stage;
  const code = closureDigest(await importClosure(codeOf(stage), root));
  const known = before[name];
  if (known?.version === version && known.code === code) after[name] = known;
  else if (known === undefined || known.version !== version) after[name] = { version, code };
  else if (because !== undefined) after[name] = { version, code, sameBytes: because };
  else {
    process.stderr.write(`${name}: its code changed; raise its version, or say why the bytes are the same\n`);
    process.exit(1);
  }
}
writeFileSync(file, JSON.stringify(after, null, 2) + '\n');
