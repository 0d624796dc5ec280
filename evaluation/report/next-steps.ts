import type { ReportInput } from './input.js';
import { displayName } from './names.js';
import { logTables } from './training-log.js';
import { endsOutside, findingsOf, watchersOf } from './watched-table.js';
import { counted, percent } from './words.js';

/** A suggestion, with a command where one does it. */
export interface NextStep {
  readonly text: string;
  readonly command: string | null;
}

/** What this run's numbers suggest; the general advice comes last. */
export function nextSteps(input: ReportInput): NextStep[] {
  const { evaluation, rejects, samples, config } = input;
  const steps: NextStep[] = [];
  const last = evaluation.checkpoints.at(-1);
  const overall = evaluation.comparisons.at(-1);
  const accuracy = overall?.metrics['all_videos.accuracy'];

  if (overall !== undefined && accuracy?.verdict === 'unclear') {
    steps.push({
      text: `The accuracy of ${displayName(overall.to)} against ${displayName(overall.from)} is not settled by ${counted(evaluation.videos, 'video')} and one seed. Try another training seed, or more test videos.`,
      command: `hindsight run CONFIG.yaml --set seed.train=${config.seed.train + 1}`,
    });
  }
  if (overall !== undefined && accuracy?.verdict === 'worse') {
    steps.push({
      text: `${displayName(overall.to)} is clearly worse than ${displayName(overall.from)}. Look at the GRPO curves first; a lower learning rate is the first thing to try.`,
      command: `hindsight run CONFIG.yaml --set grpo.optimizer.learningRate=${config.grpo.optimizer.learningRate / 2}`,
    });
  }
  const oracle = evaluation.baselines.find((baseline) => baseline.oracle)?.metrics['abnormal_only.miou']
    ?.value;
  const miou = last?.metrics['abnormal_only.miou'];
  if (last !== undefined && oracle != null && miou?.low != null && miou.low <= oracle) {
    steps.push({
      text: `Grounding (abnormal_only mIoU) of ${displayName(last.checkpoint)} does not clearly beat one constant span (${percent(oracle)}). Spans are learnt from reasoning texts: more of them, or longer SFT, helps most.`,
      command: `hindsight run CONFIG.yaml --set sft.steps=${config.sft.steps * 2}`,
    });
  }
  const watched = watchersOf('grpo', samples);
  const crossed = input.training
    .filter(({ stage }) => stage === 'grpo')
    .flatMap((log) => logTables(log).flatMap((table) => findingsOf(table, watched).filter(endsOutside)));
  if (crossed.length > 0) {
    steps.push({
      text: `GRPO ended outside ${counted(crossed.length, 'limit')}: see the marked curves under “How training went” before trusting its numbers.`,
      command: null,
    });
  }
  const format = last?.metrics['all_videos.format_valid']?.value;
  if (last !== undefined && format != null && format < 0.95) {
    steps.push({
      text: `Only ${percent(format)} of the answers follow the format. If many are cut off, allow more tokens.`,
      command: `hindsight run CONFIG.yaml --set evaluation.sampling.maxTokens=${config.evaluation.sampling.maxTokens * 2}`,
    });
  }
  if (rejects.length > 0) {
    steps.push({
      text: `${counted(rejects.length, 'video or annotation', 'videos or annotations')} could not be used; the table under “The data” says why. Repaired files are picked up by the next run, which reuses the rest.`,
      command: null,
    });
  }
  steps.push({
    text: 'Train on your own videos: write one JSON line per video and start from the clips preset.',
    command: 'hindsight run clips.yaml --set dataset.sources.0.annotations=annotations.jsonl',
  });
  return steps;
}
