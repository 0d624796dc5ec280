import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Bytes of the TCP streams, headers of the protocol above included. */
export interface Counted {
  /** From the clients to the server behind. */
  readonly sent: number;
  /** From the server behind to the clients. */
  readonly received: number;
}

/** A port of loopback that passes everything on to another one and counts it. */
export interface CountingProxy {
  readonly port: number;
  /** So far. */
  counted(): Counted;
  /** Ends its connections and listens no more. */
  close(): Promise<void>;
}

/** Puts a proxy in front of a local port. */
export async function countingProxy(target: number): Promise<CountingProxy> {
  const count = { sent: 0, received: 0 };
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    // Who has said all it wants to say may still be answered.
    const upstream = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    client.on('data', (bytes) => (count.sent += bytes.length));
    upstream.on('data', (bytes) => (count.received += bytes.length));
    client.pipe(upstream).pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => open.delete(socket));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    counted: () => ({ ...count }),
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
