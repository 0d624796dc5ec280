import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freePort, isPortFree } from '../../stack/ports.js';

test('a port somebody listens on is not free, and is not chosen', async () => {
  const port = await freePort([]);
  expect(await isPortFree(port)).toBe(true);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  expect(await isPortFree(port)).toBe(false);
});

test('several ports are distinct and below the range of outgoing connections', async () => {
  const ports: number[] = [];
  for (let i = 0; i < 20; i++) ports.push(await freePort(ports));
  expect(new Set(ports).size).toBe(20);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});
