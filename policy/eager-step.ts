import type { Tensor, Variable } from '@tensorflow/tfjs';
import { TerminalError } from '../core/errors.js';
import type { Backend } from './backend.js';
import type { CompiledStep, NamedTensors, StepRequest } from './compile.js';
import { adamw, isTensor } from './update.js';

/** A step that runs operation by operation, on any backend. */
export class EagerStep implements CompiledStep {
  readonly isCompiled = false;
  readonly #state = new Map<string, Variable>();
  /** Those that are not the caller's. */
  readonly #own: Variable[] = [];

  constructor(
    private readonly backend: Backend,
    private readonly request: StepRequest,
  ) {
    const { tf } = backend;
    for (const [name, given] of request.state) {
      if (!('start' in given)) {
        this.#state.set(name, given);
        continue;
      }
      const { shape, start } = given;
      const own = tf.tidy(() => {
        const values = typeof start === 'string' ? tf.zeros([...shape]) : tf.tensor(start, [...shape]);
        return tf.variable(values, false);
      });
      this.#state.set(name, own);
      this.#own.push(own);
    }
  }

  run(inputs: NamedTensors): Record<string, Tensor> {
    const { tf } = this.backend;
    return tf.tidy(() => {
      const { outputs, updates } = this.request.step(inputs, (name) => this.#variable(name));
      // An output that is a state variable would change with it.
      const copies = Object.entries(outputs).map(([name, value]) => [name, value.clone()]);
      const changes: (readonly [string, Tensor])[] = [];
      for (const [name, update] of updates) {
        if (isTensor(update)) changes.push([name, update]);
        else if (update.kind === 'add') changes.push([name, tf.add(this.#variable(name), update.value)]);
        else {
          const [first, second] = [this.#variable(update.first), this.#variable(update.second)];
          const next = adamw(tf, this.#variable(name), first, second, update);
          changes.push([name, next.weight], [update.first, next.first], [update.second, next.second]);
        }
      }
      // All are computed before the first is changed.
      for (const [name, value] of changes) this.#variable(name).assign(value);
      return Object.fromEntries(copies) as Record<string, Tensor>;
    });
  }

  readState(): void {}
  writeState(): void {}

  stateOf(names: readonly string[]): Tensor[] {
    return names.map((name) => this.#variable(name).clone());
  }

  dispose(): void {
    for (const variable of this.#own) variable.dispose();
    this.#own.length = 0;
  }

  #variable(name: string): Variable {
    const found = this.#state.get(name);
    if (found === undefined) throw new TerminalError('policy.unknown-state', `the step has no state ${name}`);
    return found;
  }
}
