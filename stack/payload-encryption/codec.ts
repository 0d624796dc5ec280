import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { TerminalError } from '../../core/errors.js';
import { payloadKeysVariable, type PayloadKey } from './keys.js';

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

const cipher = 'aes-256-gcm';
/** NIST SP 800-38D, 5.2.1.1 and 8.2.2: a random 96-bit nonce is safe for 2^32 messages under one key. */
const nonceBytes = 12;
const tagBytes = 16;
/** Names and values as in Temporal's own encryption samples, so that its tools recognise an encrypted payload. */
const encoding = 'binary/encrypted';
const keyIdField = 'encryption-key-id';

/**
 * Encrypts whole payloads, their metadata included, with AES-256-GCM. What reaches the server is
 * `nonce (12 bytes) | ciphertext | tag (16 bytes)` under readable metadata: the encoding, the cipher and the key's id,
 * all of it authenticated. Payloads that are not encrypted pass through `decode`: histories may be older than the keys.
 * Without keys nothing is encrypted, and an encrypted payload is an error that says what is missing.
 */
export class PayloadEncryption implements PayloadCodec {
  readonly #keys: ReadonlyMap<string, PayloadKey>;
  readonly #current: PayloadKey | undefined;

  /** @param keys the first encrypts, all decrypt */
  constructor(keys: readonly PayloadKey[]) {
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    this.#current = keys[0];
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    const key = this.#current;
    return Promise.resolve(key === undefined ? payloads : payloads.map((payload) => encrypt(payload, key)));
  }

  /** @throws TerminalError `payload.key-unknown`, `payload.not-authentic` */
  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve().then(() => payloads.map((payload) => this.#decrypt(payload)));
  }

  #decrypt(payload: Payload): Payload {
    const { metadata, data } = payload;
    if (text(metadata?.['encoding']) !== encoding) return payload;
    const id = text(metadata?.[keyIdField]);
    const found = this.#keys.get(id);
    if (found === undefined) throw this.#unknown(id);
    try {
      const bytes = data ?? new Uint8Array();
      const decipher = createDecipheriv(cipher, found.key, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(canonical(metadata ?? {}));
      decipher.setAuthTag(bytes.subarray(-tagBytes));
      const plain = [decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()];
      return PayloadMessage.decode(Buffer.concat(plain));
    } catch (cause) {
      throw new TerminalError(
        'payload.not-authentic',
        `a payload that was encrypted with the key ${id} does not decrypt: it was changed on its way, or ` +
          `${payloadKeysVariable} holds another key under this id`,
        { fix: `compare ${id} in ${payloadKeysVariable} on every worker and client`, fields: { id }, cause },
      );
    }
  }

  #unknown(id: string): TerminalError {
    const known = [...this.#keys.keys()];
    const held = known.length === 0 ? 'is not set' : `holds ${known.join(', ')}`;
    return new TerminalError(
      'payload.key-unknown',
      `a payload is encrypted with the key ${id}, and ${payloadKeysVariable} ${held}`,
      { fix: `add ${id} to ${payloadKeysVariable}, of every worker and client`, fields: { id, known } },
    );
  }
}

function encrypt(payload: Payload, { id, key }: PayloadKey): Payload {
  const metadata = {
    encoding: Buffer.from(encoding),
    'encryption-cipher': Buffer.from(cipher),
    [keyIdField]: Buffer.from(id),
  };
  const nonce = randomBytes(nonceBytes);
  const sealed = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes }).setAAD(canonical(metadata));
  const plain = PayloadMessage.encode(payload).finish();
  return {
    metadata,
    data: Buffer.concat([nonce, sealed.update(plain), sealed.final(), sealed.getAuthTag()]),
  };
}

/** Metadata as bytes that two different maps never share: sorted by name, every part behind its length. */
function canonical(metadata: NonNullable<Payload['metadata']>): Buffer {
  const parts = Object.entries(metadata)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => [Buffer.from(name), Buffer.from(value)]);
  return Buffer.concat(parts.flatMap((part) => [lengthOf(part), part]));
}

function lengthOf({ length }: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

const text = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? '' : Buffer.from(bytes).toString('utf8');
