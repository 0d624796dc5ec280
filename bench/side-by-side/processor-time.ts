import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Processor time in ticks of a hundredth of a second: of everything on the machine, and of some processes alone. */
export interface ProcessorTime {
  readonly all: number;
  readonly own: number;
  /** Of a monotonic clock, in milliseconds. */
  readonly at: number;
}

/** Busy ticks in the text of `/proc/stat`: all but idle and waiting for a disk; guests are part of user already. */
export function busyTicks(stat: string): number {
  const [user, nice, system, , , irq, softirq, steal] = stat.split('\n')[0]!.trim().split(/\s+/).slice(1);
  return [user, nice, system, irq, softirq, steal].reduce((sum, ticks) => sum + Number(ticks ?? 0), 0);
}

/** User and system ticks in the text of `/proc/PID/stat`, whose second field, the name, may hold blanks. */
export function processTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Processor time so far, of the machine and of these processes; null where the system does not tell. */
export function processorTime(processes: readonly number[]): ProcessorTime | null {
  try {
    const own = processes.map((pid) => processTicks(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    return {
      all: busyTicks(readFileSync('/proc/stat', 'utf8')),
      own: own.reduce((a, b) => a + b, 0),
      at: performance.now(),
    };
  } catch {
    return null;
  }
}

/** Share of the machine's processors that other processes used between two times; 0 where the system does not tell. */
export function otherShare(
  before: ProcessorTime | null,
  after: ProcessorTime | null,
  processors = availableParallelism(),
): number {
  if (before === null || after === null || after.at <= before.at) return 0;
  const others = after.all - before.all - (after.own - before.own);
  return Math.max(0, (others * 10) / ((after.at - before.at) * processors));
}
