import { HindsightError } from '../../core/errors.js';
import { isRemote } from '../endpoints.js';
import type { Home } from '../home.js';
import { lockHolder, supervisorLock } from '../lock.js';
import { payloadKeyFingerprints, payloadKeys, payloadKeysVariable } from '../payload-encryption/keys.js';
import { readState } from '../state.js';
import type { Check } from './check.js';

const name = 'payload encryption';

/** Whether what goes through Temporal is encrypted, with which key, and whether the running workers hold the same ones. */
export function checkPayloads(home: Home): Check {
  try {
    const keys = payloadKeys();
    const running = !isRemote() && lockHolder(supervisorLock(home)) !== null ? readState(home) : null;
    const held = running?.payloadKeys ?? [];
    if (running !== null && held.join() !== payloadKeyFingerprints(keys).join()) {
      return {
        name,
        ok: 'warning',
        found: `${payloadKeysVariable} is not what the workers were started with`,
        fix: 'set it as where the stack was started, or hindsight down and hindsight up',
      };
    }
    const [current, ...others] = keys.map(({ id }) => id);
    if (current === undefined) return { name, ok: true, found: `off (${payloadKeysVariable} is not set)` };
    const also = others.length === 0 ? '' : `; ${others.join(', ')} can be read`;
    return { name, ok: true, found: `on, AES-256-GCM with the key ${current}${also}` };
  } catch (error) {
    if (!(error instanceof HindsightError)) throw error;
    return {
      name,
      ok: false,
      found: error.message,
      ...(error.fix === undefined ? {} : { fix: error.fix }),
    };
  }
}
