import { join } from 'node:path';
import { agreement, type Compared } from '../side-by-side/agreement.js';
import { Participant, type ParticipantCommand } from '../side-by-side/participant.js';
import { disturbedRounds, timeRounds, type RoundOptions } from '../side-by-side/rounds.js';
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

/** So often a disturbed turn is taken in all. */
const ATTEMPTS = 6;

export interface MeasureOptions extends RoundOptions {
  /** An existing folder for the files of the work. */
  readonly folder: string;
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
        : agreement(comparedNumbers(workload.work.kind), first, {
            name: participant.name,
            numbers: numbers[at]!,
          }),
    );
    for (const participant of participants) {
      await participant.ask({ do: 'run', count: workload.warmUp }, Ran);
    }
    const { name, stepsPerTurn: count } = workload;
    const taken = {
      name,
      attempts: ATTEMPTS,
      take: async (participant: Participant) => {
        const { milliseconds } = await participant.ask({ do: 'run', count }, Ran);
        return milliseconds.reduce((a, b) => a + b, 0) / count;
      },
      milliseconds: (mean: number) => mean,
    };
    const rounds = await timeRounds(participants, taken, options);
    const measured = participants.map((participant, at) => ({
      participant: participant.name,
      threads: loaded[at]!.threads,
      versions: loaded[at]!.versions,
      milliseconds: rounds.map((turns) => turns[at]!.value),
      peakBytes: participant.peakBytes(),
      apart: apart[at]!,
    }));
    return { measured, disturbed: disturbedRounds(rounds) };
  } finally {
    await Promise.all(participants.map((participant) => participant.close()));
  }
}

/** Losses are compared each with itself; of logits, which may be near 0, the largest is the measure. */
const comparedNumbers = (kind: Workload['work']['kind']): Compared =>
  kind === 'sft' ? { what: 'losses', relativeTo: 'itself' } : { what: 'logits', relativeTo: 'largest' };
