import type { Backend } from '../../policy/backend.js';
import { nativeBackend, type NativeBinding } from '../../policy/native.js';
import type { ProfilePart } from './protocol.js';

/** Functions of the binding in which the time of a step is spent. */
const timed = ['executeOp', 'runSavedModel', 'createTensor', 'tensorDataSync'] as const;

/**
 * Where the time of some work goes, longest first: eager operations by name and shape of their first output, calls of
 * compiled graphs numbered as they first appear, copies in and out, and what is left for JavaScript. Compiled
 * graphs are opaque; work that compiles one executes its operations one by one meanwhile, and so shows them.
 */
export async function profile(backend: Backend, work: () => Promise<void>): Promise<ProfilePart[]> {
  const native = nativeBackend(backend);
  const parts = new Map<string, { calls: number; milliseconds: number }>();
  const add = (name: string, milliseconds: number) => {
    const part = parts.get(name) ?? { calls: 0, milliseconds: 0 };
    parts.set(name, { calls: part.calls + 1, milliseconds: part.milliseconds + milliseconds });
  };
  const graphs = new Map<string, string>();
  const real = native?.binding;
  if (native !== null && real !== undefined) {
    const nameOf = (key: (typeof timed)[number], args: readonly unknown[], result: unknown): string => {
      if (key === 'executeOp') {
        const shape = (result as ReturnType<NativeBinding['executeOp']>)[0]?.shape ?? [];
        return `${args[0] as string} [${shape.join(', ')}]`;
      }
      if (key === 'runSavedModel') {
        const [session, , , outputs] = args as Parameters<NativeBinding['runSavedModel']>;
        const graph = `${session}:${outputs}`;
        const name = graphs.get(graph) ?? `graph ${graphs.size + 1}`;
        graphs.set(graph, name);
        return name;
      }
      return key === 'createTensor' ? 'copies in' : 'copies out';
    };
    native.binding = new Proxy({} as NativeBinding, {
      get: (_, key: string) => {
        const value: unknown = Reflect.get(real, key);
        if (typeof value !== 'function') return value;
        const known = timed.find((name) => name === key);
        if (known === undefined) return value.bind(real) as unknown;
        return (...args: unknown[]): unknown => {
          const since = performance.now();
          const result = Reflect.apply(value, real, args) as unknown;
          add(nameOf(known, args, result), performance.now() - since);
          return result;
        };
      },
    });
  }
  const since = performance.now();
  try {
    await work();
  } finally {
    if (native !== null && real !== undefined) native.binding = real;
  }
  const inside = [...parts.values()].reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  add('JavaScript', performance.now() - since - inside);
  return [...parts]
    .map(([name, part]) => ({ name, ...part }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}
