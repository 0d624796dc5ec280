import { setImmediate as later } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Turns } from '../../activities/turns.js';

const never = new AbortController().signal;

/** Takes a turn and notes when it has it. */
function taker(turns: Turns, noted: string[]) {
  return async (who: string, name: string, signal: AbortSignal = never): Promise<() => void> => {
    const end = await turns.take(name, signal);
    noted.push(who);
    return end;
  };
}

describe('turns at one result', () => {
  it('go to one after the other, and those at another result do not wait', async () => {
    const noted: string[] = [];
    const take = taker(new Turns(), noted);
    const endFirst = await take('first', 'frames-1');
    const second = take('second', 'frames-1');
    const third = take('third', 'frames-1');
    (await take('elsewhere', 'frames-2'))();
    await later();
    expect(noted).toEqual(['first', 'elsewhere']);
    endFirst();
    const endSecond = await second;
    await later();
    expect(noted).toEqual(['first', 'elsewhere', 'second']);
    endSecond();
    (await third)();
    expect(noted).toEqual(['first', 'elsewhere', 'second', 'third']);
    (await take('again', 'frames-1'))();
  });

  it('are not waited for once they were cancelled, and their late end takes nothing from the next', async () => {
    const noted: string[] = [];
    const take = taker(new Turns(), noted);
    const hanging = new AbortController();
    const endLate = await take('hanging', 'frames-1', hanging.signal);
    const second = take('second', 'frames-1');
    hanging.abort(new Error('timed out'));
    const endSecond = await second;
    endLate();
    const third = take('third', 'frames-1');
    await later();
    expect(noted).toEqual(['hanging', 'second']);
    endSecond();
    (await third)();
    expect(noted).toEqual(['hanging', 'second', 'third']);
  });

  it('are given up by those that are cancelled while they wait', async () => {
    const noted: string[] = [];
    const take = taker(new Turns(), noted);
    const end = await take('first', 'frames-1');
    const cancelled = new AbortController();
    const waiting = take('cancelled', 'frames-1', cancelled.signal);
    cancelled.abort(new Error('the run was cancelled'));
    await expect(waiting).rejects.toThrowError('the run was cancelled');
    end();
    await expect(take('cancelled', 'frames-1', cancelled.signal)).rejects.toThrowError(
      'the run was cancelled',
    );
    (await take('next', 'frames-1'))();
    expect(noted).toEqual(['first', 'next']);
  });
});
