import type { ActivityInterface } from '../../activities/index.js';
import { canonicalJson, type Json } from '../../core/canonical-json.js';
import { TerminalError } from '../../core/errors.js';
import { eachActivity } from './each-activity.js';

/** Takes times of the run, which no other run repeats, and answers nothing. */
const answersNothing = 'recordRun';

/** What activities answer, remembered to be given again at once. */
export class RememberedAnswers {
  readonly #answers = new Map<string, unknown>();
  #given = 0;
  /** The same activities, whose answers are remembered. */
  readonly remembering: ActivityInterface;
  /** Activities that do nothing but answer what was answered before; TerminalError `bench.failed` to any other call. */
  readonly giving: ActivityInterface;

  constructor(activities: ActivityInterface) {
    this.remembering = eachActivity(activities, (name, call) => async (argument) => {
      const answer = await call(argument);
      this.#answers.set(keyOf(name, argument), answer);
      return answer;
    });
    this.giving = eachActivity(activities, (name) => (argument) => {
      this.#given++;
      const key = keyOf(name, argument);
      if (this.#answers.has(key)) return Promise.resolve(this.#answers.get(key));
      return Promise.reject(new TerminalError('bench.failed', `${name} was never called so: ${key}`));
    });
  }

  /** Answers given from memory so far. */
  get given(): number {
    return this.#given;
  }
}

const keyOf = (name: string, argument: unknown): string =>
  name === answersNothing ? name : `${name} ${canonicalJson(argument as Json)}`;
