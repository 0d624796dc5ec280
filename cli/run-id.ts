import { randomBytes } from 'node:crypto';

/** `<name>-<UTC time to the second>-<4 hexadecimal digits>`: sorts by name, then by start. */
export function newRunId(name: string): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${name}-${time}-${randomBytes(2).toString('hex')}`;
}
