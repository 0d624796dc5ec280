import { CancellationScope, executeChild, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { StageName, StageRef, StageRequest } from '../activities/contract.js';
import type { Reruns } from '../artifacts/rerun.js';
import type { Split } from '../config/dataset.js';
import type { CheckpointStage } from '../config/evaluation.js';
import { control, media, training } from './activities.js';
import type { BranchInput, PhaseInput, PhaseResult, PipelineInput } from './contract.js';
import { annotationPhase } from './phases/annotation.js';
import { ingestPhase } from './phases/ingest.js';
import { predictionsPhase } from './phases/predictions.js';
import { reflectionPhase } from './phases/reflection.js';
import { RunTable, type Branch } from './run-table.js';
import { reasonOf } from './shards.js';

/** What every branch goes through, in order. */
const branchStages: readonly StageName[] = [
  'ingest',
  'frames',
  'captions',
  'reasoning',
  'sft',
  'drafts',
  'reflections',
  'reflection-sft',
  'grpo',
  'predictions',
  'evaluate',
];

/** Stages that a branch leaves out when it does not train on reflections. */
const reflective: readonly StageName[] = ['drafts', 'reflections', 'reflection-sft'];

/** A whole run. The graph is below, one line an edge; everything else is how a line is executed. */
export async function pipeline(input: PipelineInput): Promise<void> {
  const run = new RunTable(input, rowsOf(input));
  try {
    await run.repairing(async () => {
      const whole = await graph(input, input, run.branch(null));
      // One after the other: what a variant shares with an earlier branch is then in the store.
      const variants: Record<string, Finished> = {};
      for (const variant of input.variants) {
        variants[variant.name] = await graph(input, variant, run.branch(variant.name));
      }
      const comparison = await compare(input, run.branch(null), whole, variants);
      await report(input, run.branch(null), whole, { comparison, variants });
    });
    await run.finish('done', null);
  } catch (error) {
    const cancelled = isCancellation(error);
    await CancellationScope.nonCancellable(() =>
      run.finish(cancelled ? 'cancelled' : 'failed', cancelled ? null : reasonOf(error)),
    );
    throw error;
  }
}

/** What a branch leaves: the stages it is made of, and what the report shows of it. */
interface Finished {
  readonly stages: readonly StageRef[];
  readonly shown: Readonly<Record<string, string>>;
}

async function graph(input: PipelineInput, branch: BranchInput, run: Branch): Promise<Finished> {
  const { graph: shape } = branch;
  const ask = { ...askOf(input), config: branch.config, idPrefix: run.idPrefix };
  const at = (ref: StageRef, output: string): string => ref.outputs[output]!;

  const { ingest } = await run.phase(['ingest'], async () => {
    // Listed at every try: videos that were mended meanwhile count.
    const found = await media.listVideos({ runId: input.runId, config: branch.config });
    const { candidates, count } = found;
    const result = await child(ask, 'ingest', ingestPhase, { candidates }, { all: count });
    if (result.ok) requireFewRejects(result.stages.ingest!, shape.maxRejectShare);
    return result;
  });
  const samples = at(ingest, 'samples');

  const { frames, captions, reasoning } = await run.phase(['frames', 'captions', 'reasoning'], () =>
    child(ask, 'annotation', annotationPhase, { samples }, counts(ingest)),
  );
  const seen = { samples, frames: at(frames, 'frames') };
  const taught = { ...seen, targets: at(reasoning, 'targets') };

  const trains = (stage: CheckpointStage): boolean => shape.training.includes(stage);
  const sft = await run.stage('sft', () => trained(ask, 'sft', taught));
  const reflection = trains('reflection-sft') ? await reflect(ask, run, taught, sft, counts(ingest)) : null;
  const start = at(reflection?.checkpoint ?? sft, 'checkpoint');
  const grpo = trains('grpo')
    ? await run.stage('grpo', () => grpoEpochs(ask, shape.grpoEpochs, seen, start))
    : null;

  const trainedBy = { sft, 'reflection-sft': reflection?.checkpoint ?? sft, grpo: grpo ?? sft };
  const checkpoints = Object.fromEntries(
    shape.checkpoints.map((name) => [name, at(trainedBy[name], 'checkpoint')]),
  );
  const held = { [shape.evaluationSplit]: counts(ingest)[shape.evaluationSplit] ?? 0 };
  const { predictions } = await run.phase(['predictions'], () =>
    child(ask, 'predictions', predictionsPhase, seen, held, checkpoints),
  );
  const evaluation = await run.stage('evaluate', () =>
    media.evaluate(request(ask, { samples, ...predictions.outputs })),
  );
  return {
    stages: [
      ingest,
      frames,
      captions,
      reasoning,
      sft,
      ...Object.values(reflection ?? {}),
      ...(grpo === null ? [] : [grpo]),
      predictions,
      evaluation,
    ],
    shown: {
      ...seen,
      rejects: at(ingest, 'rejects'),
      evaluation: at(evaluation, 'evaluation'),
      'per-sample': at(evaluation, 'per-sample'),
      'log-sft': at(sft, 'log'),
      ...(reflection === null ? {} : { 'log-reflection-sft': at(reflection.checkpoint, 'log') }),
      ...(grpo === null ? {} : { 'log-grpo': at(grpo, 'log') }),
      ...prefixed('predictions-', predictions.outputs),
    },
  };
}

/** Drafts of the SFT policy -> reflections -> reflection SFT. */
async function reflect(
  ask: Ask,
  run: Branch,
  inputs: { readonly samples: string; readonly frames: string; readonly targets: string },
  sft: StageRef,
  samples: PhaseInput['counts'],
): Promise<{ readonly drafts: StageRef; readonly reflections: StageRef; readonly checkpoint: StageRef }> {
  const checkpoint = sft.outputs.checkpoint!;
  const { drafts, reflections } = await run.phase(['drafts', 'reflections'], () =>
    child(ask, 'reflection', reflectionPhase, { ...inputs, checkpoint }, samples),
  );
  const trainOn = { ...inputs, reflections: reflections.outputs.reflections!, checkpoint };
  return {
    drafts,
    reflections,
    checkpoint: await run.stage('reflection-sft', () => trained(ask, 'reflection-sft', trainOn)),
  };
}

/** GRPO, an activity per epoch; the reference stays where the first epoch started. */
async function grpoEpochs(
  ask: Ask,
  epochs: number,
  seen: { readonly samples: string; readonly frames: string },
  start: string,
): Promise<StageRef> {
  let epoch = await trained(ask, 'grpo', { ...seen, checkpoint: start, reference: start }, { epoch: 1 });
  for (let n = 2; n <= epochs; n++) {
    const before = epoch;
    const { checkpoint, state, log } = before.outputs as { checkpoint: string; state: string; log: string };
    epoch = await trained(ask, 'grpo', { ...seen, checkpoint, state, log, reference: start }, { epoch: n });
    epoch = { ...epoch, seconds: epoch.seconds + before.seconds };
  }
  return epoch;
}

/** Every branch's answers against the run's own, on the same videos; null where there is nothing to compare. */
async function compare(
  input: PipelineInput,
  run: Branch,
  whole: Finished,
  variants: Readonly<Record<string, Finished>>,
): Promise<StageRef | null> {
  if (input.variants.length === 0) return null;
  const answers = ({ shown }: Finished, of: string): Record<string, string> =>
    prefixed(
      `${of}/`,
      Object.fromEntries(Object.entries(shown).filter(([name]) => name.startsWith('predictions-'))),
    );
  const inputs = Object.assign(
    { samples: whole.shown.samples! },
    answers(whole, ''),
    ...input.variants.map(({ name }) => answers(variants[name]!, name)),
  ) as Record<string, string>;
  return run.stage('compare', () => media.compare(request(askOf(input), inputs)));
}

async function report(
  input: PipelineInput,
  run: Branch,
  whole: Finished,
  {
    comparison,
    variants,
  }: {
    readonly comparison: StageRef | null;
    readonly variants: Readonly<Record<string, Finished>>;
  },
): Promise<void> {
  const logs = input.variants.flatMap(({ name }) => {
    const log = variants[name]!.shown['log-grpo'];
    return log === undefined || log === whole.shown['log-grpo'] ? [] : [[`${name}/log-grpo`, log]];
  });
  const shown = {
    ...whole.shown,
    ...(Object.fromEntries(logs) as Record<string, string>),
    ...(comparison === null ? {} : { comparison: comparison.outputs.comparison! }),
  };
  const drawnFrom = comparison === null ? whole.stages : [...whole.stages, comparison];
  await run.stage('report', () =>
    media.report({
      ...request(askOf(input), shown),
      shards: drawnFrom.map((ref) => `${ref.stage}/${ref.key}`),
    }),
  );
}

/** On whose behalf a stage is asked for. */
interface Ask {
  readonly runId: string;
  /** Blob digest of the branch's config. */
  readonly config: string;
  /** Begins the ids of child workflows. */
  readonly idPrefix: string;
  readonly reruns: Reruns | undefined;
}

function askOf({ runId, config, reruns }: PipelineInput): Ask {
  return { runId, config, reruns, idPrefix: workflowInfo().workflowId };
}

/** A training stage: from the store without waiting for a GPU, or trained. */
async function trained(
  ask: Ask,
  stage: CheckpointStage,
  inputs: Record<string, string>,
  use: Record<string, number> = {},
): Promise<StageRef> {
  const asked = request(ask, inputs, use);
  return (await control.lookup({ stage, request: asked })) ?? (await training[stage](asked));
}

function request(
  { runId, config, reruns }: Ask,
  inputs: Record<string, string>,
  use: Record<string, number> = {},
): StageRequest {
  return { runId, config, inputs, shard: null, shards: [], use, reruns };
}

/** A sharded phase in a child workflow of its own, so that no history grows with the number of samples. */
async function child(
  { runId, config, idPrefix, reruns }: Ask,
  name: string,
  phase: (input: PhaseInput) => Promise<PhaseResult>,
  inputs: Record<string, string>,
  samples: PhaseInput['counts'],
  checkpoints?: Record<string, string>,
): Promise<PhaseResult> {
  return executeChild(phase, {
    workflowId: `${idPrefix}/${name}`,
    args: [{ runId, config, inputs, counts: samples, checkpoints, reruns }],
  });
}

/** The rows of the stage table: what the run goes through, then what each of its variants does. */
function rowsOf(input: PipelineInput): { readonly variant: string | null; readonly name: StageName }[] {
  const of = (variant: string | null, { graph: { training: trains } }: BranchInput) =>
    branchStages
      .filter((name) => trains.includes('reflection-sft') || !reflective.includes(name))
      .filter((name) => trains.includes('grpo') || name !== 'grpo')
      .map((name) => ({ variant, name }));
  const closing: readonly StageName[] = input.variants.length === 0 ? ['report'] : ['compare', 'report'];
  return [
    ...of(null, input),
    ...input.variants.flatMap((variant) => of(variant.name, variant)),
    ...closing.map((name) => ({ variant: null, name })),
  ];
}

function counts(ingest: StageRef): Record<Split, number> {
  const of = (split: Split): number => ingest.metrics[`samples.${split}`] ?? 0;
  return { sft: of('sft'), reflect: of('reflect'), rl: of('rl'), val: of('val'), test: of('test') };
}

function rejectShare({ metrics }: StageRef): number {
  const { rejects = 0, candidates = 0 } = metrics;
  return candidates === 0 ? 1 : rejects / candidates;
}

/** Throws what to do about it when more videos were rejected than the config lets pass. */
function requireFewRejects(ingest: StageRef, limit: number): void {
  if (rejectShare(ingest) <= limit) return;
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  const { rejects = 0, candidates = 0 } = ingest.metrics;
  const reasons = Object.entries(ingest.metrics)
    .filter(([name]) => name.startsWith('rejects.'))
    .map(([name, count]) => `${name.slice('rejects.'.length)} ${count}`);
  throw new Error(
    `${rejects} of ${candidates} videos were rejected (${percent(rejectShare(ingest))}, limit ${percent(limit)}): ` +
      `${reasons.join(', ')}. Each is listed with its reason in ${'`'}hindsight logs RUN --stage ingest${'`'}; mend them and ` +
      `${'`'}hindsight resume RUN${'`'}, or raise the limit: ${'`'}hindsight resume RUN --set dataset.maxRejectShare=1${'`'}`,
  );
}

function prefixed(prefix: string, record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, digest]) => [prefix + name, digest]));
}
