import { medianBefore, pastStart, type Watcher } from './watcher.js';

/** An exploding or a vanishing gradient, against the median of the run so far; the median of the window, since spikes are normal. */
export const gradientNorm: Watcher = {
  column: 'gradNorm',
  name: 'gradient norm',
  statistic: 'median',
  from: pastStart,
  limits: (readings) => {
    const usual = medianBefore(readings);
    return [
      {
        value: 10 * usual,
        side: 'above',
        meaning: 'gradients explode to ten times their usual size: lower the learning rate',
      },
      {
        value: usual / 1000,
        side: 'below',
        meaning: 'gradients have shrunk to a thousandth of their usual size: hardly anything is learnt',
      },
    ];
  },
};
