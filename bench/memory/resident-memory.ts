import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Bytes of a process, of this one by default, in main memory now (`VmRSS`) and at most since the start or the last reset
 * (`VmHWM`). Throws when there is no such process.
 */
export function residentMemory(pid: number | 'self' = 'self'): {
  readonly now: number;
  readonly peak: number;
} {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return { now: 1024 * kilobytes('VmRSS'), peak: 1024 * kilobytes('VmHWM') };
}

/** Starts the peak anew at what is held now (proc(5), clear_refs). */
export function resetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5');
}
