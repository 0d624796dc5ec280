/**
 * Bundles the workflow code into dist/workflow-bundle.js, so that workers start without webpack, and fails when a
 * module that cannot be replayed has slipped in.
 */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { bundlePath } from './workflow-bundle.js';

const forbidden = ['/zod/', '/@aws-sdk/', '/@tensorflow/', '/sharp/'];

const { code } = await bundleWorkflowCode({
  workflowsPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'workflows', 'index.js'),
  logger: {
    log: () => undefined,
    trace: () => undefined,
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => console.error(message),
    error: (message) => console.error(message),
  },
});
const found = forbidden.filter((name) => code.includes(`node_modules${name}`));
if (found.length > 0) {
  console.error(`workflow code must not load ${found.join(', ')}: use \`import type\``);
  process.exit(1);
}
await writeFile(bundlePath, code);
console.error(`workflow bundle: ${(code.length / 1024).toFixed(0)} kB`);
