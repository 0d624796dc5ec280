import { gradientNorm } from './gradient-norm.js';
import { start, type Watcher } from './watcher.js';

/** Steps that a supervised phase is given, its learning rate's warm-up included, before it must have learnt something. */
const stepsToLearn = 50;
/** What starts above this share has little left to gain. */
const learnt = 0.9;

/** The watchers of SFT, its vision warm-up, and reflection SFT. */
export const supervisedWatchers: readonly Watcher[] = [
  {
    column: 'validationLoss',
    name: 'validation loss',
    // Always the same sequences: no noise to average over.
    window: 1,
    from: 2,
    limits: (readings) => [
      {
        value: 1.1 * readings.reduce((least, value) => Math.min(least, value)),
        side: 'above',
        meaning:
          'it rose more than 10% above its best, which is over-fitting: train for fewer steps, or on more samples',
      },
    ],
  },
  standsStill('tokenAccuracy', 'token accuracy'),
  standsStill('patchAccuracy', 'perception word accuracy'),
  gradientNorm,
];

function standsStill(column: string, name: string): Watcher {
  return {
    column,
    name,
    from: stepsToLearn,
    limits: (readings) => {
      const begun = start(readings);
      if (begun > learnt) return [];
      const meaning = `it has hardly moved from its start at ${begun.toFixed(2)}: nothing is learnt, look at learning rate and targets`;
      return [{ value: begun + 0.01, side: 'below', meaning }];
    },
  };
}
