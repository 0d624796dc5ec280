import type { Split } from '../../config/dataset.js';

/** Clips of each split, rendered from one seed: the three training seeds see the same videos. */
export const learningClips: Readonly<Record<Split, number>> = {
  sft: 1400,
  reflect: 2400,
  rl: 960,
  val: 40,
  test: 1000,
};
