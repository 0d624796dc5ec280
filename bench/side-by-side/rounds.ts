import { setTimeout as sleep } from 'node:timers/promises';
import type { Participant } from './participant.js';
import { otherShare, processorTime } from './processor-time.js';

/** Share of the processors beyond which other programs count as a disturbance. */
const DISTURBED = 0.1;

/** What a participant measured in its turn, and what other programs took of the processors meanwhile. */
export interface Turn<T> {
  readonly value: T;
  readonly others: number;
}

export interface RoundOptions {
  readonly rounds: number;
  /** Seconds that a turn waits, at most, for other programs to rest. */
  readonly patience: number;
  /** Takes lines about the progress. */
  readonly say: (line: string) => void;
}

/** What is done in the rounds. */
export interface Taken<T> {
  readonly name: string;
  /** So often a disturbed turn is taken in all, each after a rest. */
  readonly attempts: number;
  /** One turn; a disturbed one is asked for again. @param round counts from 0 */
  readonly take: (participant: Participant, round: number) => Promise<T>;
  readonly milliseconds: (value: T) => number;
}

/** Every participant's turn in every round, all in turn in each. */
export async function timeRounds<T>(
  participants: readonly Participant[],
  taken: Taken<T>,
  { rounds, patience, say }: RoundOptions,
): Promise<Turn<T>[][]> {
  const all: Turn<T>[][] = [];
  while (all.length < rounds) {
    const round: Turn<T>[] = [];
    for (const participant of participants)
      round.push(await quietTurn(participant, taken, all.length, patience));
    all.push(round);
    const times = participants.map(({ name }, at) => {
      const { value, others } = round[at]!;
      const noise = others > DISTURBED ? ` (other programs took ${Math.round(100 * others)}%)` : '';
      return `${name} ${taken.milliseconds(value).toFixed(1)} ms${noise}`;
    });
    say(`${taken.name}: round ${all.length} of ${rounds}: ${times.join(', ')}`);
  }
  return all;
}

/** Rounds in which other programs ran, even when repeated. */
export function disturbedRounds(rounds: readonly (readonly Turn<unknown>[])[]): number {
  return rounds.filter((turns) => turns.some(({ others }) => others > DISTURBED)).length;
}

/** A turn that no other program disturbed, or the least disturbed one of several. */
async function quietTurn<T>(
  participant: Participant,
  { attempts, take }: Taken<T>,
  round: number,
  patience: number,
): Promise<Turn<T>> {
  let best: Turn<T> | null = null;
  for (let attempt = 0; attempt < attempts; attempt++) {
    await waitForRest(patience);
    const own = [process.pid, participant.pid];
    const before = processorTime(own);
    const value = await take(participant, round);
    const others = otherShare(before, processorTime(own));
    const turn = { value, others };
    if (others <= DISTURBED) return turn;
    if (best === null || others < best.others) best = turn;
  }
  return best!;
}

/** Waits until other programs leave the processors alone, or for the longest time that is worth waiting. */
async function waitForRest(patience: number): Promise<void> {
  const until = performance.now() + 1000 * patience;
  let share = 1;
  while (share > DISTURBED && performance.now() < until) {
    const before = processorTime([process.pid]);
    await sleep(300);
    share = otherShare(before, processorTime([process.pid]));
  }
}
