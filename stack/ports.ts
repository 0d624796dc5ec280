import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { RetryableError } from '../core/errors.js';

/** Below the range from which systems take the local ends of outgoing connections, so that none is lent away. */
const range = { from: 20_000, to: 32_000 } as const;

/** Whether a server could listen on this port of the loopback interface now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A free port on loopback that is none of `taken`. */
export async function freePort(taken: Iterable<number>): Promise<number> {
  const avoid = new Set(taken);
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(range.from, range.to);
    if (!avoid.has(port) && (await isPortFree(port))) return port;
  }
  throw new RetryableError('stack.no-free-port', `No free port between ${range.from} and ${range.to}`, {
    fix: 'end programs that listen on many ports of 127.0.0.1 and try again',
  });
}
