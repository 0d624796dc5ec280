/** What people look at while a phase trains: columns of its log rows, in order, as they are called. */
const chosen: Readonly<Record<string, readonly (readonly [column: string, name: string])[]>> = {
  'vision-warmup': [
    ['loss', 'loss'],
    ['patchAccuracy', 'patch accuracy'],
  ],
  sft: supervised(),
  'reflection-sft': supervised(),
  grpo: [
    ['reward', 'reward'],
    ['finalAccuracy', 'final accuracy'],
    ['predictedAbnormal', 'predicted Abnormal'],
    ['spanWidth', 'span width'],
    ['kl', 'KL'],
  ],
};

/** Of a phase that nobody chose for, so many. */
const mostOfOthers = 5;

function supervised(): readonly (readonly [string, string])[] {
  return [
    ['loss', 'loss'],
    ['tokenAccuracy', 'token accuracy'],
    ['validationLoss', 'validation loss'],
    ['learningRate', 'learning rate'],
  ];
}

/** True for a phase whose steps are optimizer steps. */
export function trains(phase: string): boolean {
  return Object.hasOwn(chosen, phase);
}

/** The numbers to show of a phase, by name; those that are not known yet are left out. */
export function liveMetrics(
  phase: string,
  metrics: Readonly<Record<string, number>>,
): (readonly [name: string, value: number])[] {
  const columns = trains(phase) ? chosen[phase]! : Object.keys(metrics).slice(0, mostOfOthers).map(same);
  return columns.flatMap(([column, name]) => {
    const value = metrics[column];
    return value === undefined ? [] : [[name, value] as const];
  });
}

function same(name: string): readonly [string, string] {
  return [name, name];
}
