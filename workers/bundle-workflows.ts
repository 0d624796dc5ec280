/**
 * Bundles the workflow code into dist/, for workers that encrypt payloads and for those that do not, so that workers
 * start without webpack, and fails when a module that cannot be replayed has slipped in.
 */
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { failureConverterPath } from '../stack/payload-encryption/data-converter.js';
import { encryptedBundle, plainBundle } from './workflow-bundle.js';

const forbidden = ['/zod/', '/@aws-sdk/', '/@tensorflow/', '/sharp/'];

async function bundle(path: string, options: { readonly failureConverterPath?: string }): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'workflows', 'index.js'),
    ...options,
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
  await writeFile(path, code);
  console.error(`${basename(path)}: ${(code.length / 1024).toFixed(0)} kB`);
}

await bundle(plainBundle, {});
await bundle(encryptedBundle, { failureConverterPath });
