import type { Split } from '../config/dataset.js';

export type DemoPreset = 'demo' | 'micro';

/** How many synthetic clips each split of a preset gets; `sft` and `reflect` are reasoned about, `rl` is only labelled. */
export const demoClips: Readonly<Record<DemoPreset, Readonly<Record<Split, number>>>> = {
  // With half as many to reflect on, reflection SFT spoils more than it mends (docs/decisions/0008).
  demo: { sft: 1400, reflect: 2400, rl: 960, val: 40, test: 300 },
  micro: { sft: 12, reflect: 4, rl: 6, val: 2, test: 8 },
};
