import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { TerminalError } from '../../core/errors.js';

/** The environment variable that holds the keys. Read by clients and workers, never part of a config. */
export const payloadKeysVariable = 'HINDSIGHT_PAYLOAD_KEYS';

const format =
  'id:base64,id2:base64, where each base64 text holds 32 bytes; the first key encrypts, all decrypt';
const fix = `set it to ${format}. \`openssl rand -base64 32\` makes a key; without the variable nothing is encrypted`;
/** Shorter than the base64 text of any key, so that a key that stands in the id's place is never taken for an id. */
const idPattern = /^[A-Za-z0-9._-]{1,32}$/;
const keyPattern = /^[A-Za-z0-9+/]{43}=$/;

/** A key of AES-256 and the name that payloads carry. */
export interface PayloadKey {
  readonly id: string;
  readonly key: KeyObject;
}

/**
 * The keys of the environment, in order; none where the variable is not set.
 * @throws TerminalError `payload.keys-malformed`, which counts the entries and repeats nothing of them
 */
export function payloadKeys(env: NodeJS.ProcessEnv = process.env): PayloadKey[] {
  const text = env[payloadKeysVariable];
  if (text === undefined) return [];
  if (text.trim() === '') throw malformed('is set, but empty');
  const keys = text.split(',').map((entry, index) => parseKey(entry.trim(), index + 1));
  keys.forEach(({ id }, index) => {
    const first = keys.findIndex((other) => other.id === id);
    if (first !== index) throw malformed(`entries ${first + 1} and ${index + 1} have the same id`);
  });
  return keys;
}

/**
 * `id:fingerprint` of each key: tells whether two processes hold the same keys in the same order, without saying what
 * they are.
 */
export function payloadKeyFingerprints(keys: readonly PayloadKey[]): string[] {
  return keys.map(({ id, key }) => {
    const fingerprint = createHmac('sha256', key).update('hindsight payload key').digest('hex').slice(0, 16);
    return `${id}:${fingerprint}`;
  });
}

function parseKey(entry: string, position: number): PayloadKey {
  const colon = entry.indexOf(':');
  const [id, text] = [entry.slice(0, Math.max(colon, 0)), entry.slice(colon + 1)];
  if (colon < 0) throw malformed(`entry ${position} has no id`);
  if (!idPattern.test(id)) {
    throw malformed(
      `the id of entry ${position} is not 1 to 32 letters, digits, dots, dashes or underscores`,
    );
  }
  const key = Buffer.from(text, 'base64');
  if (!keyPattern.test(text) || key.toString('base64') !== text) {
    throw malformed(`the key of entry ${position} is not the base64 text of 32 bytes`);
  }
  return { id, key: createSecretKey(key) };
}

function malformed(problem: string): TerminalError {
  return new TerminalError('payload.keys-malformed', `${payloadKeysVariable}: ${problem}`, {
    fix,
    fields: { variable: payloadKeysVariable },
  });
}
