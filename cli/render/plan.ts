import { gib } from '../../training/memory-estimate.js';
import type { MemoryEstimate } from '../../training/memory-estimate.js';
import type { StageTime } from '../../training/time-estimate.js';
import type { PlannedAction, PlannedStage, RunPlan } from '../run-api.js';
import { branchStage } from './branch-stage.js';
import { columns } from './columns.js';
import { duration } from './duration.js';

/** Changed files named on a line. */
const filesShown = 3;

/** What each stage would do, and why; of a variant, what it does not share with the branches before it. */
export function planText({ stages }: RunPlan): string {
  const shown = stages.filter(({ variant, plan }) => variant === null || plan.action !== 'reuse');
  const table = columns([
    ['stage', 'plan', 'why'],
    ...shown.map((stage) => [branchStage(stage), actionText(stage.plan), whyText(stage)]),
  ]);
  const changed = stages.flatMap(({ name, plan }) =>
    plan.action === 'reuse' && plan.codeChanged !== undefined ? [name] : [],
  );
  if (changed.length === 0) return table;
  const options = [...new Set(changed)].map((name) => `--rerun ${name}`).join(' ');
  return `${table}\nThe code behind a stage changed and its version did not: what it made should still hold.\nTo make it anew: ${options}\n`;
}

/** The files that changed, then why the stage is planned so. */
function whyText({ plan, why }: PlannedStage): string {
  const files = plan.action === 'reuse' ? (plan.codeChanged ?? []) : [];
  if (files.length === 0) return why;
  const more = files.length > filesShown ? [`and ${files.length - filesShown} more`] : [];
  return `${[...files.slice(0, filesShown), ...more].join(', ')}; ${why}`;
}

function actionText(plan: PlannedAction): string {
  switch (plan.action) {
    case 'run':
      return 'run';
    case 'reuse':
      if (plan.codeChanged === undefined) return 'reuse';
      return `reuse, code changed${plan.codeChanged.length === 0 ? '' : ' since:'}`;
    case 'retry':
      return `retry ${plan.samples} ${plan.samples === 1 ? 'sample' : 'samples'}`;
    case 'continue':
      return `continue from step ${plan.step}`;
    case 'depends':
      return `depends on ${plan.on}`;
  }
}

/** Device memory by stage, and rough times. `device` says what they are meant for. */
export function estimateText(memory: MemoryEstimate, times: readonly StageTime[], device: string): string {
  const rows = memory.stages.map((stage) => [
    stage.stage,
    gib(stage.total),
    parts(stage),
    seconds(times, stage.stage),
  ]);
  const total = times.reduce((sum, time) => sum + time.seconds, 0);
  return (
    `${millions(memory.parameters)} parameters in float32${trained(memory)}, ` +
    `sequences of up to ${memory.longestSequence} tokens\n\n` +
    columns([['stage', 'device memory', '', 'time'], ...rows]) +
    `\nat most ${gib(memory.peak.total)} (${memory.peak.stage}); very roughly ${duration(total)} of ${device}\n`
  );
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(count < 1e8 ? 2 : 0)} million`;
}

/** What is trained, where that is not the whole model. */
function trained(memory: MemoryEstimate): string {
  return memory.trained === memory.parameters ? '' : ` (${millions(memory.trained)} values trained)`;
}

function parts(stage: MemoryEstimate['peak']): string {
  const named = ['weights', 'gradients', 'moments', 'reference', 'activations', 'cache', 'graph'] as const;
  return named
    .filter((name) => stage[name] > 0)
    .map((name) => `${name} ${gib(stage[name])}`)
    .join(', ');
}

function seconds(times: readonly StageTime[], stage: string): string {
  const time = times.find((each) => each.stage === stage);
  return time === undefined ? '' : duration(time.seconds);
}
