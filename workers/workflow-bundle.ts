import { join } from 'node:path';
import { packageRoot } from '../core/package-root.js';
import { sha256File } from '../core/digest.js';
import { payloadKeys } from '../stack/payload-encryption/keys.js';

/** The bundled workflow code, made by `npm run build`. */
export const plainBundle = join(packageRoot, 'dist', 'workflow-bundle.js');
/** The same code, with a failure converter that leaves no message readable; for workers that encrypt payloads. */
export const encryptedBundle = join(packageRoot, 'dist', 'workflow-bundle-encrypted.js');

/** The bundle that workers of this environment run. */
export function bundlePath(): string {
  return payloadKeys().length === 0 ? plainBundle : encryptedBundle;
}

/** Digest of the bundle: a run whose history was written by another one is never replayed, but started afresh. */
export function workflowBundleDigest(): Promise<string> {
  return sha256File(bundlePath());
}
