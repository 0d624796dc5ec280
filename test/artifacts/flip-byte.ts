import { open } from 'node:fs/promises';

/** Flips one bit of a file in place, so that its extended attributes stay: what a failing disk does. */
export async function flipByte(path: string, at = 3): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, at);
  } finally {
    await file.close();
  }
}
