import { join } from 'node:path';
import { packageRoot } from '../core/package-root.js';
import { sha256File } from '../core/digest.js';

/** The bundled workflow code, made by `npm run build`. */
export const bundlePath = join(packageRoot, 'dist', 'workflow-bundle.js');

/** Digest of the bundle: a run whose history was written by another one is never replayed, but started afresh. */
export function workflowBundleDigest(): Promise<string> {
  return sha256File(bundlePath);
}
