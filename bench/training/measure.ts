import { agreement } from '../side-by-side/agreement.js';
import { machine } from '../side-by-side/machine.js';
import { Participant, type ParticipantCommand } from '../side-by-side/participant.js';
import { disturbedRounds, timeRounds, type RoundOptions } from '../side-by-side/rounds.js';
import { spread } from '../side-by-side/statistics.js';
import {
  Checked,
  Checkpointed,
  GENERATIONS,
  Loaded,
  Prepared,
  Stepped,
  Trained,
  type Request,
} from './protocol.js';
import type { CheckpointSection, MemorySection, Section, StepSection, TrainingResult } from './result.js';
import { stepResults, stepTime, type MeasuredSteps } from './step-result.js';
import { judgeMemory, judgeSteps } from './targets.js';

export interface TrainingBenchOptions extends RoundOptions {
  /** A folder that holds a job, see {@link prepareJob}. */
  readonly folder: string;
  readonly only: readonly Section[];
  /** Steps after which memory is looked at. */
  readonly look: readonly number[];
}

/** So often a disturbed step is made in all. Fewer than the policy is given, since steps are long. */
const ATTEMPTS = 2;

const ask = (participant: Participant) => ({
  load: (folder: string) => participant.ask({ do: 'load', folder } satisfies Request, Loaded),
  check: () => participant.ask({ do: 'check' } satisfies Request, Checked),
  step: (generation: number) => participant.ask({ do: 'step', generation } satisfies Request, Stepped),
  checkpoint: () => participant.ask({ do: 'checkpoint' } satisfies Request, Checkpointed),
});

/** Lets our participant make a job of the demo's size in a folder. */
export async function prepareJob(ours: ParticipantCommand, folder: string): Promise<void> {
  await using(ours, (participant) => participant.ask({ do: 'prepare', folder } satisfies Request, Prepared));
}

/** Measures what was asked for; steps are ours beside those of the references. */
export async function measureTraining(
  ours: ParticipantCommand,
  references: readonly ParticipantCommand[],
  options: TrainingBenchOptions,
): Promise<TrainingResult> {
  const { only, rounds } = options;
  return {
    schema: 1,
    machine: machine(),
    rounds,
    step: only.includes('step') ? await measureSteps([ours, ...references], options) : null,
    checkpoint: only.includes('checkpoint') ? await measureCheckpoints(ours, options) : null,
    memory: only.includes('memory') ? await measureMemory(ours, options) : null,
  };
}

/**
 * Loads the participants, ours first, which records its generations; compares KL and gradient norms of their updates;
 * lets each warm up; and times whole steps in turn.
 */
async function measureSteps(
  commands: readonly ParticipantCommand[],
  options: TrainingBenchOptions,
): Promise<StepSection> {
  const { folder, say } = options;
  const participants: Participant[] = [];
  try {
    const loaded: Loaded[] = [];
    const numbers: number[][] = [];
    for (const command of commands) {
      const participant = new Participant(command);
      participants.push(participant);
      say(`step: ${command.name} loads and makes the updates that are compared`);
      loaded.push(await ask(participant).load(folder));
      numbers.push((await ask(participant).check()).numbers);
    }
    const named = (at: number) => ({ name: commands[at]!.name, numbers: numbers[at]! });
    const compared = { what: 'KL and gradient norms', relativeTo: 'itself' } as const;
    const apart = commands.map((_, at) => (at === 0 ? null : agreement(compared, named(0), named(at))));
    for (const participant of participants) await ask(participant).step(0);
    const rounds = await timeRounds(
      participants,
      {
        name: 'step',
        attempts: ATTEMPTS,
        take: (participant, round) => ask(participant).step(round % GENERATIONS),
        milliseconds: stepTime,
      },
      options,
    );
    const measured = participants.map(({ name }, at): MeasuredSteps => ({
      participant: name,
      ...loaded[at]!,
      rounds: rounds.map((turns) => turns[at]!.value),
      apart: apart[at]!,
    }));
    const results = stepResults(measured);
    return {
      participants: results,
      verdicts: judgeSteps(results),
      disturbedRounds: disturbedRounds(rounds),
    };
  } finally {
    await Promise.all(participants.map((participant) => participant.close()));
  }
}

async function measureCheckpoints(
  ours: ParticipantCommand,
  { folder, rounds, say }: TrainingBenchOptions,
): Promise<CheckpointSection> {
  return using(ours, async (participant) => {
    say('checkpoint: a step, then saving and restoring');
    await ask(participant).load(folder);
    await ask(participant).step(0);
    const made: Checkpointed[] = [];
    while (made.length < rounds) made.push(await ask(participant).checkpoint());
    return {
      saveMilliseconds: spread(made.map((one) => one.saveMilliseconds)),
      restoreMilliseconds: spread(made.map((one) => one.restoreMilliseconds)),
      modelBytes: made[0]!.modelBytes,
      stateBytes: made[0]!.stateBytes,
    };
  });
}

async function measureMemory(
  ours: ParticipantCommand,
  { folder, look, say }: TrainingBenchOptions,
): Promise<MemorySection> {
  return using(ours, async (participant) => {
    say(`memory: a GRPO job of ${Math.max(...look)} steps`);
    const { held } = await participant.ask(
      { do: 'train', folder, look: [...look] } satisfies Request,
      Trained,
    );
    return { held, peakBytes: participant.peakBytes(), verdicts: judgeMemory(held) };
  });
}

/** Works with a participant of its own. */
async function using<T>(
  command: ParticipantCommand,
  work: (participant: Participant) => Promise<T>,
): Promise<T> {
  const participant = new Participant(command);
  try {
    return await work(participant);
  } finally {
    await participant.close();
  }
}
