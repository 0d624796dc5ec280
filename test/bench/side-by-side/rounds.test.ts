import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Participant } from '../../../bench/side-by-side/participant.js';
import { disturbedRounds, timeRounds } from '../../../bench/side-by-side/rounds.js';

const started: Participant[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((participant) => participant.close()));
});

/** A participant that answers with its own name. */
function actor(name: string): Participant {
  const script = `require('readline').createInterface({ input: process.stdin }).on('line', () => console.log('"${name}"'))`;
  const participant = new Participant({
    name,
    command: process.execPath,
    args: ['-e', script],
    environment: {},
  });
  started.push(participant);
  return participant;
}

describe('timeRounds', () => {
  it('lets all take their turn in every round, and says how long it took', async () => {
    const said: string[] = [];
    const rounds = await timeRounds(
      [actor('a'), actor('b')],
      {
        name: 'work',
        attempts: 1,
        take: async (participant, round) => `${await participant.ask({ do: 'act' }, z.string())}${round}`,
        milliseconds: (value) => value.length,
      },
      { rounds: 2, patience: 0, say: (line) => said.push(line) },
    );
    expect(rounds.map((turns) => turns.map(({ value }) => value))).toEqual([
      ['a0', 'b0'],
      ['a1', 'b1'],
    ]);
    expect(said[1]).toMatch(/^work: round 2 of 2: a 2\.0 ms.*, b 2\.0 ms/);
  });
  it.runIf(process.platform === 'linux')('asks again for a turn that others disturbed', async () => {
    const busy = new Participant({
      name: 'busy',
      command: process.execPath,
      args: ['-e', 'const end = Date.now() + 20000; while (Date.now() < end);'],
      environment: {},
    });
    try {
      let turns = 0;
      const [[turn]] = (await timeRounds(
        [actor('a')],
        {
          name: 'work',
          attempts: 3,
          take: () => {
            turns++;
            return new Promise<number>((resolve) => setTimeout(() => resolve(turns), 400));
          },
          milliseconds: () => 400,
        },
        { rounds: 1, patience: 0, say: () => undefined },
      )) as [[{ value: number; others: number }]];
      expect(turns).toBe(3);
      expect(turn.others).toBeGreaterThan(0.1);
    } finally {
      process.kill(busy.pid);
      await busy.close();
    }
  });
});

describe('disturbedRounds', () => {
  it('counts rounds in which any turn was disturbed', () => {
    const turn = (others: number) => ({ value: 0, others });
    expect(
      disturbedRounds([
        [turn(0), turn(0.1)],
        [turn(0.2), turn(0.3)],
        [turn(0), turn(0.11)],
      ]),
    ).toBe(2);
  });
});
