import { availableParallelism, cpus, totalmem } from 'node:os';

/** What a measurement was made on. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryBytes: number;
}

export function machine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

/** The machine in a line of text. */
export const machineText = ({ processor, processors, memoryBytes }: Machine): string =>
  `Machine: ${processor}, ${processors} processors, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB.`;

/** What a participant runs on. */
export interface ParticipantVersions {
  readonly participant: string;
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** One line for every combination of participants with equal versions. */
export function versionLines(participants: readonly ParticipantVersions[]): string[] {
  const byVersions = new Map<string, Set<string>>();
  for (const { participant, threads, versions } of participants) {
    const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
    const line = `${threads} threads, ${list.join(', ')}`;
    byVersions.set(line, (byVersions.get(line) ?? new Set()).add(participant));
  }
  return [...byVersions].map(([line, names]) => `${[...names].join(', ')}: ${line}.`);
}
