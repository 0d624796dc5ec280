import { HindsightError } from '../core/errors.js';

const codes = new Set([
  'store.blob-missing',
  'store.blob-corrupt',
  'store.manifest-missing',
  'store.manifest-corrupt',
  'store.object-corrupt',
]);

/** Whether an error says that something that was stored is gone or not what was stored. */
export function isDamage(error: unknown): error is HindsightError {
  return error instanceof HindsightError && codes.has(error.code);
}
