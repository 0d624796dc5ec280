import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeModules } from './paths.mjs';

const path = join(nodeModules, '.hindsight-tools.json');

/** What set-up recorded last time in this checkout, or null. */
export function readTools() {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** Records where the tools are; stack/tools.ts reads it. A Chromium found earlier stays known. */
export function writeTools(tools) {
  const chromium = tools.chromium ?? readTools()?.chromium ?? null;
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ schema: 1, ...tools, chromium }, null, 2) + '\n');
  renameSync(draft, path);
}
