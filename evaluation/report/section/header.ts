import { markup, type Markup } from '../markup.js';
import type { ReportInput } from '../input.js';
import { displayName } from '../names.js';
import { counted, differenceInWords, grouped, intervalText, percent } from '../words.js';

/** What this run is, and its answer in four numbers. */
export function header({ config, code, evaluation, samples, training }: ReportInput): Markup {
  const last = evaluation.checkpoints.at(-1);
  const seeds = config.seed;
  return markup`<header>
<p class="eyebrow">Hindsight report</p>
<h1>${config.name}</h1>
<p class="lede">${lede(
    config,
    samples.length,
    training.map(({ stage }) => stage),
  )} ${
    last === undefined
      ? 'No checkpoint was evaluated.'
      : `${counted(evaluation.checkpoints.length, 'checkpoint')} answered the ${counted(evaluation.videos, 'video')} of the ${evaluation.split} split (${grouped(evaluation.labels.Normal)} Normal, ${grouped(evaluation.labels.Abnormal)} Abnormal), which ${evaluation.split === 'test' || evaluation.split === 'val' ? 'were never trained on' : 'may have been trained on'}.`
  }</p>
<dl class="meta">
<div><dt>Seeds</dt><dd>data ${seeds.data}, train ${seeds.train}, eval ${seeds.eval}</dd></div>
<div><dt>Code</dt><dd>${code.version}${code.commit !== null && markup` <code>${code.commit.slice(0, 12)}</code>`}</dd></div>
<div><dt>Rewards</dt><dd>${config.grpo.preset}, verification ${config.grpo.verification.mode}</dd></div>
<div><dt>Intervals</dt><dd>${percent(evaluation.confidence, 0)}, bootstrap over videos, ${grouped(evaluation.bootstrapResamples)} resamples</dd></div>
</dl>
${last !== undefined && headline(evaluation, last)}
</header>`;
}

function lede(config: ReportInput['config'], samples: number, stages: readonly string[]): string {
  const model = modelInWords(config.model);
  const path = stages.map(displayName).join(', then ');
  return `${model} on ${counted(samples, 'video')}${path === '' ? '' : `: ${path}`}.`;
}

function modelInWords(model: ReportInput['config']['model']): string {
  if (model.kind === 'scratch') return 'A small Qwen2.5-VL, trained from scratch';
  const { tuning, freezeVision, revision } = model;
  const how = tuning.kind === 'lora' ? `LoRA of rank ${tuning.rank}` : 'all weights trained';
  const frozen = freezeVision ? ', vision tower frozen' : '';
  return `Qwen2.5-VL from pretrained weights (${revision.slice(0, 16)}; ${how}${frozen})`;
}

function headline(
  evaluation: ReportInput['evaluation'],
  last: ReportInput['evaluation']['checkpoints'][number],
): Markup {
  const overall = evaluation.comparisons.at(-1);
  const gain = overall?.metrics['all_videos.accuracy'];
  const trivial = bestTrivial(evaluation, 'all_videos.accuracy');
  const constant = bestTrivial(evaluation, 'abnormal_only.miou');
  return markup`<div class="cards">
${card(last.metrics['all_videos.accuracy'], `Accuracy of ${displayName(last.checkpoint)}`, 'all_videos', trivial === null ? null : `best trivial answer ${percent(trivial)}`)}
${card(last.metrics['abnormal_only.miou'], 'Grounding mIoU', 'abnormal_only', constant === null ? null : `best constant span ${percent(constant)}`)}
${card(last.metrics['all_videos.format_valid'], 'Answers in valid format', 'all_videos', null)}
${
  overall !== undefined &&
  gain !== undefined &&
  gain.value !== null &&
  markup`<div class="card ${gain.verdict}"><p class="what">Accuracy since ${displayName(overall.from)} <code>all_videos</code></p>
<p class="say">${differenceInWords(gain)}</p><p class="note">${displayName(overall.to)} against ${displayName(overall.from)}, paired on the same videos</p></div>`
}
</div>`;
}

function card(
  estimate: ReportInput['evaluation']['checkpoints'][number]['metrics'][string] | undefined,
  what: string,
  policy: string,
  note: string | null,
): Markup | false {
  if (estimate === undefined || estimate.value === null) return false;
  const interval = intervalText(estimate);
  return markup`<div class="card"><p class="what">${what} <code>${policy}</code></p><p class="big">${percent(estimate.value)}</p>
<p class="note">${interval !== null && `interval ${interval}`}${note !== null && markup`<br>${note}`}</p></div>`;
}

/** The best value that an answer without a model reaches. */
export function bestTrivial({ baselines }: ReportInput['evaluation'], metric: string): number | null {
  const values = baselines.flatMap(({ metrics }) => metrics[metric]?.value ?? []);
  return values.length === 0 ? null : Math.max(...values);
}
