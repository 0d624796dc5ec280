import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countingProxy, type CountingProxy } from '../../../bench/pipeline/counting-proxy.js';

/** Sends everything back twice. */
let echo: Server;
let proxy: CountingProxy;

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('data', (bytes) => socket.write(Buffer.concat([bytes, bytes])));
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await countingProxy((echo.address() as AddressInfo).port);
});

afterEach(async () => {
  await proxy.close();
  echo.close();
});

async function client(port = proxy.port): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Sends bytes, ends, and gives back what came until the other side ended. */
async function said(socket: Socket, bytes: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(parts);
}

describe('a counting proxy', () => {
  it('passes bytes on both ways and counts each way', async () => {
    expect(proxy.counted()).toEqual({ sent: 0, received: 0 });
    const bytes = Buffer.from('abcde');
    expect((await said(await client(), bytes)).toString()).toBe('abcdeabcde');
    expect(proxy.counted()).toEqual({ sent: 5, received: 10 });
  });

  it('adds up connections that are open at once, and megabytes', async () => {
    const sizes = [3 * 2 ** 20, 1, 70_000];
    const answers = await Promise.all(
      sizes.map(async (size, index) => said(await client(), Buffer.alloc(size, index))),
    );
    expect(answers.map((answer) => answer.length)).toEqual(sizes.map((size) => 2 * size));
    const sent = sizes.reduce((sum, size) => sum + size, 0);
    expect(proxy.counted()).toEqual({ sent, received: 2 * sent });
  });

  it('gives a count that later traffic does not change', async () => {
    const before = proxy.counted();
    await said(await client(), Buffer.from('x'));
    expect(before).toEqual({ sent: 0, received: 0 });
  });

  it('ends a connection whose other end is gone, and goes on with others', async () => {
    const unreached = await countingProxy(1);
    try {
      const socket = await client(unreached.port);
      await once(socket, 'close');
      expect(unreached.counted()).toEqual({ sent: 0, received: 0 });
    } finally {
      await unreached.close();
    }
    expect((await said(await client(), Buffer.from('ab'))).toString()).toBe('abab');
  });

  it('closes with connections still open, and listens no more', async () => {
    const socket = await client();
    const closed = once(socket, 'close');
    const { port } = proxy;
    await proxy.close();
    await closed;
    await expect(client(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    proxy = await countingProxy((echo.address() as AddressInfo).port);
  });
});
