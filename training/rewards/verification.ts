import { isRight, type Reward } from './reward.js';

const confirmed = 0.5;
const exposed = -0.2;

/**
 * Anomaly verification (Vad-R1, table 7 and algorithm 1): the policy answers again without the predicted segment.
 * Predicted Abnormal: +.5 when the rest looks Normal. Predicted Normal: -.2 when a trimmed video looks Abnormal, and only
 * if the accuracy or the format reward was positive. Each completion is judged against its OWN prediction; the released
 * loop compares every new answer with the prediction of the group's last completion.
 */
export const verification: Reward = (completions, { label, cuts }) =>
  completions.map((completion, i) => {
    const cut = cuts[i];
    if (cut === undefined || cut.kind === 'abstain') return null;
    if (cut.kind === 'nothing') return 0;
    if (completion.final.verdict === 'Abnormal') return cut.verdict === 'Normal' ? confirmed : 0;
    const earned = completion.formatValid || isRight(completion.final, label);
    return cut.verdict === 'Abnormal' && earned ? exposed : 0;
  });
