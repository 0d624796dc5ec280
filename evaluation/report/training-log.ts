import type { TrainingLog } from './input.js';

/** The numbers of one phase of a training stage, column by column. */
export interface LogTable {
  readonly stage: string;
  /** Empty when the rows name no phase. */
  readonly phase: string;
  /** Ascending. */
  readonly steps: readonly number[];
  /** Name of a number to its value at each step; null where a row does not have it. */
  readonly columns: ReadonlyMap<string, readonly (number | null)[]>;
}

/** Columns that place a row rather than measure something. */
const placing = new Set(['step', 'epoch']);

/**
 * Turns log rows into columns, one table per phase in the order they appear. Steps of a later epoch are counted on from the
 * epoch before; of rows for the same step the last counts.
 */
export function logTables({ stage, rows }: TrainingLog): LogTable[] {
  const phases = new Map<string, Map<number, TrainingLog['rows'][number]>>();
  const lengths = new Map<number, number>();
  for (const { step, epoch } of rows) {
    if (typeof step !== 'number') continue;
    const index = typeof epoch === 'number' ? epoch : 0;
    lengths.set(index, Math.max(lengths.get(index) ?? 0, step));
  }
  const before = (epoch: number) =>
    [...lengths].reduce((sum, [index, length]) => (index < epoch ? sum + length : sum), 0);
  for (const row of rows) {
    if (typeof row.step !== 'number') continue;
    const phase = typeof row.phase === 'string' ? row.phase : '';
    const steps = phases.get(phase) ?? new Map<number, TrainingLog['rows'][number]>();
    phases.set(phase, steps);
    steps.set(row.step + before(typeof row.epoch === 'number' ? row.epoch : 0), row);
  }
  return [...phases].map(([phase, byStep]) => {
    const steps = [...byStep.keys()].sort((a, b) => a - b);
    const names = new Set([...byStep.values()].flatMap((row) => Object.keys(row)));
    const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
    const columns = [...names]
      .filter((name) => !placing.has(name))
      .map((name) => [name, steps.map((step) => number(byStep.get(step)![name]))] as const)
      .filter(([, values]) => values.some((value) => value !== null));
    return { stage, phase, steps, columns: new Map(columns) };
  });
}

/**
 * At most `most` points: neighbouring steps become their mean, at the last of their steps. Keeps the file small when a
 * stage logs thousands of steps.
 */
export function thinned(table: LogTable, most = 240): LogTable {
  const size = Math.ceil(table.steps.length / most);
  if (size <= 1) return table;
  const starts = Array.from({ length: Math.ceil(table.steps.length / size) }, (_, index) => index * size);
  const mean = (values: readonly (number | null)[]) => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
  };
  return {
    ...table,
    steps: starts.map((start) => table.steps[Math.min(start + size, table.steps.length) - 1]!),
    columns: new Map(
      [...table.columns].map(([name, values]) => [
        name,
        starts.map((start) => mean(values.slice(start, start + size))),
      ]),
    ),
  };
}
