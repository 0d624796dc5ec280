import { once } from 'node:events';

interface Turn {
  readonly ended: Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Activities of one worker that would make the same result take turns, so that runs which begin together on the same videos
 * do the work once: whoever had to wait finds the result when it looks. Nobody waits longer for one that was cancelled or
 * timed out, whether or not it heeds that.
 */
export class Turns {
  readonly #current = new Map<string, Turn>();

  /**
   * @param signal cancels the waiting, with its reason
   * @returns ends the turn
   */
  async take(name: string, signal: AbortSignal): Promise<() => void> {
    for (;;) {
      signal.throwIfAborted();
      const other = this.#current.get(name);
      if (other === undefined || other.signal.aborted) break;
      await Promise.race([other.ended, once(AbortSignal.any([other.signal, signal]), 'abort')]);
    }
    let end = (): void => undefined;
    const turn: Turn = { ended: new Promise((resolve) => (end = resolve)), signal };
    this.#current.set(name, turn);
    return () => {
      if (this.#current.get(name) === turn) this.#current.delete(name);
      end();
    };
  }
}
