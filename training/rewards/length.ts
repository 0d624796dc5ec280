import type { LengthReward } from '../../config/training.js';
import { isRight, type Reward } from './reward.js';

const bonus = 0.2;

/**
 * .2 when the answer is right and its length lies in the window of the predicted class, ends included (Vad-R1, table 7).
 * `code`: only when more than one of the group qualifies, as the released code pays it.
 */
export function length(options: LengthReward): Reward {
  return (completions, { label }) => {
    const qualifies = completions.map((c) => {
      if (!isRight(c.final, label)) return false;
      const [least, most] = c.final.verdict === 'Abnormal' ? options.abnormal : options.normal;
      const size = options.unit === 'words' ? c.words : c.tokens;
      return size >= least && size <= most;
    });
    const paid = options.variant === 'paper' || qualifies.filter(Boolean).length > 1;
    return qualifies.map((q) => (q && paid ? bonus : 0));
  };
}
