import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { agreement } from './agreement.js';
import { Participant, type ParticipantCommand } from './participant.js';
import { otherShare, processorTime } from './processor-time.js';
import { Checked, Loaded, Ran } from './protocol.js';
import type { Workload } from './workloads.js';
import { writeWork } from './write-work.js';

/** One participant's measurements on one work. */
export interface Measured {
  readonly participant: string;
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
  /** Mean time of a step in each round. */
  readonly milliseconds: readonly number[];
  readonly peakBytes: number | null;
  /** How far its numbers are from the first participant's; null for the first itself. */
  readonly apart: number | null;
}

/** Share of the processors beyond which other programs count as a disturbance. */
const DISTURBED = 0.1;
/** So often a disturbed turn is taken again. */
const ATTEMPTS = 6;

/** Steps of one participant in a row: their mean time, and what other programs took of the processors meanwhile. */
interface Turn {
  readonly milliseconds: number;
  readonly others: number;
}

export interface MeasureOptions {
  /** An existing folder for the files of the work. */
  readonly folder: string;
  readonly rounds: number;
  /** Seconds that a turn waits, at most, for other programs to rest. */
  readonly patience: number;
  /** Takes lines about the progress. */
  readonly say: (line: string) => void;
}

/**
 * Measures all participants on one work: loads them, checks that they compute the same, lets each warm up, and then
 * times them in turn, round by round. The processes live as long as the work, so that their peaks are its own.
 */
export async function measure(
  workload: Workload,
  commands: readonly ParticipantCommand[],
  options: MeasureOptions,
): Promise<{ measured: Measured[]; disturbed: number }> {
  const { say } = options;
  const folder = join(options.folder, workload.name);
  say(`${workload.name}: writing model and batches`);
  await writeWork(folder, workload);
  const participants = commands.map((command) => new Participant(command));
  try {
    const loaded: Loaded[] = [];
    const numbers: number[][] = [];
    for (const participant of participants) {
      say(`${workload.name}: ${participant.name} loads and computes what is compared`);
      loaded.push(await participant.ask({ do: 'load', folder }, Loaded));
      numbers.push((await participant.ask({ do: 'check' }, Checked)).numbers);
    }
    const first = { name: participants[0]!.name, numbers: numbers[0]! };
    const apart = participants.map((participant, at) =>
      at === 0
        ? null
        : agreement(workload.work.kind, first, { name: participant.name, numbers: numbers[at]! }),
    );
    for (const participant of participants) {
      await participant.ask({ do: 'run', count: workload.warmUp }, Ran);
    }
    const rounds = await timeRounds(workload, participants, options);
    const measured = participants.map((participant, at) => ({
      participant: participant.name,
      threads: loaded[at]!.threads,
      versions: loaded[at]!.versions,
      milliseconds: rounds.map((turns) => turns[at]!.milliseconds),
      peakBytes: participant.peakBytes(),
      apart: apart[at]!,
    }));
    const disturbed = rounds.filter((turns) => turns.some(({ others }) => others > DISTURBED)).length;
    return { measured, disturbed };
  } finally {
    await Promise.all(participants.map((participant) => participant.close()));
  }
}

/** Every participant's turn in every round. */
async function timeRounds(
  workload: Workload,
  participants: readonly Participant[],
  { rounds, patience, say }: MeasureOptions,
): Promise<Turn[][]> {
  const all: Turn[][] = [];
  while (all.length < rounds) {
    const round: Turn[] = [];
    for (const participant of participants)
      round.push(await quietTurn(participant, workload.stepsPerTurn, patience));
    all.push(round);
    const times = participants.map(({ name }, at) => {
      const { milliseconds, others } = round[at]!;
      const noise = others > DISTURBED ? ` (other programs took ${Math.round(100 * others)}%)` : '';
      return `${name} ${milliseconds.toFixed(1)} ms${noise}`;
    });
    say(`${workload.name}: round ${all.length} of ${rounds}: ${times.join(', ')}`);
  }
  return all;
}

/** A turn that no other program disturbed, or the least disturbed one of several. */
async function quietTurn(participant: Participant, steps: number, patience: number): Promise<Turn> {
  let best: Turn | null = null;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await waitForRest(patience);
    const own = [process.pid, participant.pid];
    const before = processorTime(own);
    const { milliseconds } = await participant.ask({ do: 'run', count: steps }, Ran);
    const others = otherShare(before, processorTime(own));
    const turn = { milliseconds: milliseconds.reduce((a, b) => a + b, 0) / steps, others };
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
