import { CancellationScope, executeChild, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { StageName, StageRef, StageRequest } from '../activities/contract.js';
import type { Split } from '../config/dataset.js';
import { control, media, training } from './activities.js';
import type { PhaseInput, PhaseResult, PipelineInput } from './contract.js';
import { annotationPhase } from './phases/annotation.js';
import { ingestPhase } from './phases/ingest.js';
import { predictionsPhase } from './phases/predictions.js';
import { reflectionPhase } from './phases/reflection.js';
import { RunTable } from './run-table.js';
import { reasonOf } from './shards.js';

const stages: readonly StageName[] = [
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
  'report',
];

const reflective: readonly StageName[] = ['drafts', 'reflections', 'reflection-sft'];

/** A whole run. The graph is below, one line an edge; everything else is how a line is executed. */
export async function pipeline(input: PipelineInput): Promise<void> {
  const run = new RunTable(
    input,
    input.graph.reflection ? stages : stages.filter((stage) => !reflective.includes(stage)),
  );
  try {
    await graph(input, run);
    await run.finish('done', null);
  } catch (error) {
    const cancelled = isCancellation(error);
    await CancellationScope.nonCancellable(() =>
      run.finish(cancelled ? 'cancelled' : 'failed', cancelled ? null : reasonOf(error)),
    );
    throw error;
  }
}

async function graph(input: PipelineInput, run: RunTable): Promise<void> {
  const { graph: shape } = input;
  const at = (ref: StageRef, output: string): string => ref.outputs[output]!;

  const { ingest } = await run.phase(['ingest'], async () => {
    const found = await media.listVideos({ runId: input.runId, config: input.config });
    return child(input, 'ingest', ingestPhase, { candidates: found.candidates }, { all: found.count });
  });
  await run.require(
    'ingest',
    () => rejectShare(ingest) <= shape.maxRejectShare,
    rejectReason(ingest, shape.maxRejectShare),
  );
  const samples = at(ingest, 'samples');

  const { frames, captions, reasoning } = await run.phase(['frames', 'captions', 'reasoning'], () =>
    child(input, 'annotation', annotationPhase, { samples }, counts(ingest)),
  );
  const seen = { samples, frames: at(frames, 'frames') };
  const targets = at(reasoning, 'targets');

  const sft = await run.stage('sft', () => trained(input, 'sft', { ...seen, targets }));
  const reflection = shape.reflection
    ? await reflect(input, run, { ...seen, targets }, sft, counts(ingest))
    : null;
  const start = at(reflection?.checkpoint ?? sft, 'checkpoint');
  const grpo = await run.stage('grpo', async () => {
    let epoch = await trained(input, 'grpo', { ...seen, checkpoint: start, reference: start }, { epoch: 1 });
    for (let n = 2; n <= shape.grpoEpochs; n++) {
      const before = epoch;
      epoch = await trained(
        input,
        'grpo',
        {
          ...seen,
          checkpoint: at(before, 'checkpoint'),
          state: at(before, 'state'),
          log: at(before, 'log'),
          reference: start,
        },
        { epoch: n },
      );
      epoch = { ...epoch, seconds: epoch.seconds + before.seconds };
    }
    return epoch;
  });

  const trainedBy = { sft, 'reflection-sft': reflection?.checkpoint ?? sft, grpo };
  const checkpoints = Object.fromEntries(
    shape.checkpoints.map((name) => [name, at(trainedBy[name], 'checkpoint')]),
  );
  const held = { [shape.evaluationSplit]: counts(ingest)[shape.evaluationSplit] ?? 0 };
  const { predictions } = await run.phase(['predictions'], () =>
    child(input, 'predictions', predictionsPhase, seen, held, checkpoints),
  );
  const evaluation = await run.stage('evaluate', () =>
    media.evaluate(request(input, { samples, ...predictions.outputs })),
  );
  const drawnFrom = [
    ingest,
    frames,
    captions,
    reasoning,
    sft,
    ...Object.values(reflection ?? {}),
    grpo,
    predictions,
  ];
  const shown = {
    ...seen,
    rejects: at(ingest, 'rejects'),
    evaluation: at(evaluation, 'evaluation'),
    'per-sample': at(evaluation, 'per-sample'),
    'log-sft': at(sft, 'log'),
    ...(reflection === null ? {} : { 'log-reflection-sft': at(reflection.checkpoint, 'log') }),
    'log-grpo': at(grpo, 'log'),
    ...prefixed('predictions-', predictions.outputs),
  };
  await run.stage('report', () =>
    media.report({
      ...request(input, shown),
      shards: [...drawnFrom, evaluation].map((ref) => `${ref.stage}/${ref.key}`),
    }),
  );
}

/** Drafts of the SFT policy -> reflections -> reflection SFT. */
async function reflect(
  input: PipelineInput,
  run: RunTable,
  inputs: { readonly samples: string; readonly frames: string; readonly targets: string },
  sft: StageRef,
  samples: PhaseInput['counts'],
): Promise<{ readonly drafts: StageRef; readonly reflections: StageRef; readonly checkpoint: StageRef }> {
  const checkpoint = sft.outputs.checkpoint!;
  const { drafts, reflections } = await run.phase(['drafts', 'reflections'], () =>
    child(input, 'reflection', reflectionPhase, { ...inputs, checkpoint }, samples),
  );
  const trainOn = { ...inputs, reflections: reflections.outputs.reflections!, checkpoint };
  return {
    drafts,
    reflections,
    checkpoint: await run.stage('reflection-sft', () => trained(input, 'reflection-sft', trainOn)),
  };
}

/** A training stage: from the store without waiting for a GPU, or trained. */
async function trained(
  input: PipelineInput,
  stage: 'sft' | 'reflection-sft' | 'grpo',
  inputs: Record<string, string>,
  variant: Record<string, number> = {},
): Promise<StageRef> {
  const asked = request(input, inputs, variant);
  return (await control.lookup({ stage, request: asked })) ?? (await training[stage](asked));
}

function request(
  input: PipelineInput,
  inputs: Record<string, string>,
  variant: Record<string, number> = {},
): StageRequest {
  return { runId: input.runId, config: input.config, inputs, shard: null, shards: [], variant };
}

/** A sharded phase in a child workflow of its own, so that no history grows with the number of samples. */
async function child(
  input: PipelineInput,
  name: string,
  phase: (input: PhaseInput) => Promise<PhaseResult>,
  inputs: Record<string, string>,
  samples: PhaseInput['counts'],
  checkpoints?: Record<string, string>,
): Promise<PhaseResult> {
  return executeChild(phase, {
    workflowId: `${workflowInfo().workflowId}/${name}`,
    args: [
      {
        runId: input.runId,
        config: input.config,
        inputs,
        counts: samples,
        ...(checkpoints === undefined ? {} : { checkpoints }),
      },
    ],
  });
}

function counts(ingest: StageRef): Record<Split, number> {
  const of = (split: Split): number => ingest.metrics[`samples.${split}`] ?? 0;
  return { sft: of('sft'), reflect: of('reflect'), rl: of('rl'), val: of('val'), test: of('test') };
}

function rejectShare({ metrics }: StageRef): number {
  const { rejects = 0, candidates = 0 } = metrics;
  return candidates === 0 ? 1 : rejects / candidates;
}

function rejectReason(ingest: StageRef, limit: number): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  const { rejects = 0, candidates = 0 } = ingest.metrics;
  const reasons = Object.entries(ingest.metrics)
    .filter(([name]) => name.startsWith('rejects.'))
    .map(([name, count]) => `${name.slice('rejects.'.length)} ${count}`);
  return (
    `${rejects} of ${candidates} videos were rejected (${percent(rejectShare(ingest))}, limit ${percent(limit)}): ` +
    `${reasons.join(', ')}. Each is listed with its reason in ${'`'}hindsight logs RUN --stage ingest${'`'}; mend them, or raise ` +
    `the limit: ${'`'}hindsight resume RUN --set dataset.maxRejectShare=1${'`'}`
  );
}

function prefixed(prefix: string, record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, digest]) => [prefix + name, digest]));
}
