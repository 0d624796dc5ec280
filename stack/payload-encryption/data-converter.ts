import { join } from 'node:path';
import type { DataConverter } from '@temporalio/common';
import { distFolder } from '../build-digest.js';
import { PayloadEncryption } from './codec.js';
import { payloadKeys, type PayloadKey } from './keys.js';

/** For `bundleWorkflowCode` too: workflows turn errors into failures inside their sandbox. */
export const failureConverterPath = join(distFolder, 'stack', 'payload-encryption', 'failure-converter.cjs');

/**
 * What every Temporal client and worker turns values into payloads with. Without keys this is the SDK's own converter,
 * with a clear error for payloads that are encrypted.
 * @throws TerminalError `payload.keys-malformed`
 */
export function payloadConverter(keys: readonly PayloadKey[] = payloadKeys()): DataConverter {
  const payloadCodecs = [new PayloadEncryption(keys)];
  return keys.length === 0 ? { payloadCodecs } : { payloadCodecs, failureConverterPath };
}
