import { isRight, type Reward } from './reward.js';

/** 1 when `<which>` of the given pass equals the video's label, else 0 (Vad-R1, table 7; SRPO's task term on `first`). */
export function accuracy(pass: 'first' | 'final'): Reward {
  return (completions, { label }) => completions.map((c) => (isRight(c[pass], label) ? 1 : 0));
}
