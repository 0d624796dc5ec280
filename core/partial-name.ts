import { randomUUID } from 'node:crypto';

/**
 * A name beside `path` for what is still being written. It tells whose it is, so that what a killed process leaves can be
 * told from what a living one is at.
 */
export function partialName(path: string): string {
  return `${path}.${process.pid}-${randomUUID().slice(0, 8)}.partial`;
}

/** The id of the process that writes under this name; null for any other name. */
export function partialOwner(name: string): number | null {
  const pid = /\.(\d+)-[0-9a-f]{8}\.partial$/.exec(name)?.[1];
  return pid === undefined ? null : Number(pid);
}
