import type { Difference, Estimate } from '../result.js';

/** A share as percent with one decimal, `93.8%`; a dash when undefined. */
export function percent(value: number | null, digits = 1): string {
  return value === null ? '–' : `${fixed(value * 100, digits)}%`;
}

/** A count with a noun: `1 video`, `12 videos`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : plural}`;
}

/** Thousands apart: `12,345`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `91.2 to 95.3`, in percent, for the interval of an estimate; null when there is none. */
export function intervalText({ low, high }: Estimate): string | null {
  return low === null || high === null ? null : `${fixed(low * 100)} to ${fixed(high * 100)}`;
}

/** A difference in points, with its sign: `+3.1`, `−0.4`, `0.0`. */
export function points(value: number, digits = 1): string {
  const text = fixed(Math.abs(value) * 100, digits);
  if (Number(text) === 0) return text;
  return value > 0 ? `+${text}` : `−${text}`;
}

/**
 * A paired difference as people say it: `+3.1 points, interval +1.0 to +5.2: a clear gain`, or `no clear change`.
 * A change is clear when the interval leaves out zero.
 */
export function differenceInWords({ value, low, high, verdict }: Difference): string {
  if (value === null || low === null || high === null) return 'not defined on these videos';
  const numbers = `${points(value)} points, interval ${points(low)} to ${points(high)}`;
  switch (verdict) {
    case 'better':
      return `${numbers}: a clear gain`;
    case 'worse':
      return `${numbers}: a clear loss`;
    case 'unclear':
      return value === 0 && low === 0 && high === 0 ? 'no change at all' : `${numbers}: no clear change`;
  }
}

/** Seconds as a time a person reads: `4.5 s`, `2:05`. */
export function clock(seconds: number): string {
  if (seconds < 60) return `${fixed(seconds)} s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = String(Math.floor((whole % 3600) / 60)).padStart(hours > 0 ? 2 : 1, '0');
  return `${hours > 0 ? `${hours}:` : ''}${minutes}:${String(whole % 60).padStart(2, '0')}`;
}

function fixed(value: number, digits = 1): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text;
}
