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
  const bytes = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status);
    if (found === null) throw new Error(`/proc/${pid}/status has no ${name}`);
    return 1024 * Number(found[1]);
  };
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}

/** Starts the peak anew at what is held now (proc(5), clear_refs). */
export function resetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5');
}
