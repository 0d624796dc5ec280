import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Participant } from '../../../bench/side-by-side/participant.js';
import { Checked, Ran } from '../../../bench/policy/protocol.js';

const started: Participant[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((participant) => participant.close()));
});

/** A participant whose answer to a request is what this JavaScript makes of `request`. */
function speaking(answer: string): Participant {
  const script = `
    require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const request = JSON.parse(line);
      ${answer}
    });`;
  const participant = new Participant({
    name: 'actor',
    command: process.execPath,
    args: ['-e', script],
    environment: { WORD: 'spoken' },
  });
  started.push(participant);
  return participant;
}

describe('Participant', () => {
  it('answers one request after the other', async () => {
    const actor = speaking('console.log(JSON.stringify({ milliseconds: Array(request.count).fill(3) }))');
    expect(await actor.ask({ do: 'run', count: 2 }, Ran)).toEqual({ milliseconds: [3, 3] });
    expect(await actor.ask({ do: 'run', count: 1 }, Ran)).toEqual({ milliseconds: [3] });
  });
  it('has the environment it was given on top of ours', async () => {
    const actor = speaking('console.log(JSON.stringify([process.env.WORD, !!process.env.PATH]))');
    expect(await actor.ask({ do: 'check' }, z.array(z.unknown()))).toEqual(['spoken', true]);
  });
  it.runIf(process.platform === 'linux')(
    'tells the peak of its memory, also when it is freed again',
    async () => {
      const actor = speaking(
        'Buffer.alloc(150e6, 1); global.gc?.(); console.log(JSON.stringify({ numbers: [] }))',
      );
      const before = actor.peakBytes()!;
      await actor.ask({ do: 'check' }, Checked);
      expect(actor.peakBytes()! - before).toBeGreaterThan(100e6);
    },
  );
  it('passes on what a participant could not do', async () => {
    const actor = speaking("console.log(JSON.stringify({ error: 'no such folder' }))");
    await expect(actor.ask({ do: 'load', folder: 'x' }, Checked)).rejects.toMatchObject({
      code: 'bench.participant-failed',
      message: 'actor could not load: no such folder',
    });
  });
  it('refuses an answer of the wrong kind, and one that is no JSON', async () => {
    await expect(speaking("console.log('{}')").ask({ do: 'check' }, Checked)).rejects.toThrow(
      'actor answered {} to check',
    );
    await expect(speaking("console.log('hello')").ask({ do: 'check' }, Checked)).rejects.toThrow(
      'actor answered hello',
    );
  });
  it('fails with the last lines of talk when the process dies, and stays failed', async () => {
    const actor = speaking("console.error('out of memory'); process.exitCode = 3; process.stdin.destroy()");
    const asked = actor.ask({ do: 'check' }, Checked);
    await expect(asked).rejects.toThrow(/actor ended with exit code 3\n {2}\| out of memory/);
    await expect(actor.ask({ do: 'check' }, Checked)).rejects.toThrow('exit code 3');
    expect(actor.peakBytes()).toBeNull();
  });
  it('says that a program is not there', async () => {
    const missing = new Participant({ name: 'ghost', command: '/nowhere/python', args: [], environment: {} });
    await expect(missing.ask({ do: 'check' }, Checked)).rejects.toThrow('ghost could not be started');
    await missing.close();
  });
});
