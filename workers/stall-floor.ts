import { TerminalError } from '../core/errors.js';

/**
 * How long a trainer may make no progress at the least before it is ended and its work tried again, in milliseconds;
 * undefined leaves the default. A worker whose steps take minutes wants more than it.
 */
export function stallFloorMs(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const text = env['HINDSIGHT_STALL_SECONDS'];
  if (!text) return undefined;
  const seconds = Number(text);
  if (!(seconds >= 1)) {
    throw new TerminalError('worker.bad-environment', `HINDSIGHT_STALL_SECONDS is ${text}`, {
      fix: 'set it to a number of seconds such as 3600, or not at all',
    });
  }
  return seconds * 1000;
}
