/** Bytes of a safetensors file with a header written by hand, which may claim to have another length. */
export function rawSafetensors(
  header: object | string | Buffer,
  data: Uint8Array,
  length?: number | bigint,
): Buffer {
  const text = Buffer.isBuffer(header)
    ? header
    : Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length ?? text.length));
  return Buffer.concat([prefix, text, data]);
}
