import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { awayProblems } from '../../../cli/live/away-problem.js';
import { TerminalError } from '../../../core/errors.js';

/** A port that takes connections and says nothing useful, and how many it took. */
async function mutePort(): Promise<{ readonly address: string; readonly taken: () => number }> {
  let taken = 0;
  const server = createServer((socket) => {
    taken++;
    socket.on('error', () => undefined).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, taken: () => taken };
}

const remote = (address: string) =>
  ({ kind: 'remote', temporal: { address, namespace: 'default', connection: { address } } }) as const;

test('why Temporal is away is examined once for all runs of a look', async () => {
  const { address, taken } = await mutePort();
  const say = awayProblems(remote(address));
  const first = await say(new Error('14 UNAVAILABLE'));
  const forOne = taken();
  expect(forOne).toBeGreaterThan(0);
  expect(await Promise.all([say(new Error('late')), say(new Error('later'))])).toEqual([first, first]);
  expect(taken()).toBe(forOne);
  expect(first).toMatchObject({ kind: 'temporal-unreachable', subject: address });
  expect(first.message).toMatch(/: what is shown is what the store says$/);
});

test('payloads that cannot be read are told run by run, with their own fix', async () => {
  const { address, taken } = await mutePort();
  const say = awayProblems(remote(address));
  const unreadable = (id: string) =>
    new TerminalError('payload.key-unknown', `no key ${id}`, { fix: `add ${id}` });
  expect(await Promise.all(['a', 'b'].map((id) => say(unreadable(id))))).toMatchObject([
    { kind: 'payload-unreadable', message: expect.stringMatching(/^no key a: /) as string, fix: 'add a' },
    { kind: 'payload-unreadable', message: expect.stringMatching(/^no key b: /) as string, fix: 'add b' },
  ]);
  expect(taken()).toBe(0);
});
