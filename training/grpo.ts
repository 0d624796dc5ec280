import { readFile } from 'node:fs/promises';
import type { GrpoConfig } from '../config/training.js';
import { InputError, TerminalError } from '../core/errors.js';
import { parseJsonl } from '../core/jsonl.js';
import { Sample } from '../datasets/sample.js';
import type { Backend } from '../policy/backend.js';
import type { LoraAdapter } from '../policy/lora.js';
import { Policy } from '../policy/policy.js';
import { poolIndices, uniformIndices } from '../video/sampling.js';
import { readTensors, type StoredTensor } from './checkpoint.js';
import {
  isAdapterFolder,
  loadCheckpoint,
  readAdapter,
  saveCheckpoint,
  type LoadedPolicy,
} from './checkpoint-policy.js';
import { DataOrder } from './data-order.js';
import { generationRecord, requireFinite, requireFiniteRollouts } from './finite.js';
import { FrameCache } from './frame-cache.js';
import { GrpoTrainer, type ScoredRollout } from './grpo-trainer.js';
import { jobDigest } from './job-digest.js';
import type { GrpoJob, JobControl } from './job.js';
import { trainerTuning } from './model-tuning.js';
import { Prompts } from './prompts.js';
import { readFrameIndex, readRecords } from './records.js';
import { resampleFlatGroups } from './resample-groups.js';
import { rewardPlan } from './rewards/presets.js';
import { rollOut, type Group, type RolloutTools } from './rollout.js';
import { rolloutRow } from './rollout-row.js';
import type { RowLog } from './row-log.js';
import { openProgress, runPhases, type Phase, type StepRow } from './run-phases.js';
import { learningRateAt } from './schedule.js';
import { grpoWatchers } from './watchers/grpo-watchers.js';
import type { LogRow } from './watchers/job-watch.js';

const completionsLog = 'completions.jsonl';
const noSampleFix = 'give it a share in dataset.shares, or name the split `rl` in annotations';

/**
 * One epoch of GRPO on the `rl` split. Per step: a generation of completions, verification by the current policy, rewards,
 * advantages, update. TerminalErrors: `training.no-samples`, `training.no-spans`, `training.not-finite`,
 * `training.no-gradient`, and those of {@link openProgress}; an InputError for greedy rollouts, which have no spread.
 */
export async function runGrpo(job: GrpoJob, backend: Backend, control: JobControl): Promise<StepRow> {
  const { params } = job;
  if (params.sampling.temperature === 0) {
    const where = { file: 'the config', field: 'grpo.sampling.temperature', found: '0', allowed: 'above 0' };
    throw new InputError('training.greedy-rollouts', where, 'greedy completions of a group are all equal');
  }
  const digest = await jobDigest(job, [job.samples, job.frameIndex]);
  const progress = await openProgress(job.workDir, job.resumeFrom, digest, [completionsLog]);
  const samples = (await readRecords(job.samples, Sample)).filter((sample) => sample.split === 'rl');
  if (samples.length === 0)
    throw new TerminalError('training.no-samples', 'split rl has no sample', { fix: noSampleFix });
  requireSpans(params, samples);
  const folder = progress.checkpoint?.model ?? job.start;
  const loaded = await loadCheckpoint(backend, folder, job.base);
  const { policy } = loaded;
  let reference: Reference | null = null;
  try {
    if (params.beta > 0) reference = await loadReference(policy, job);
    const tools = await rolloutTools(job, loaded, samples);
    const before = job.startState === null ? null : await readTensors(job.startState);
    const completions = progress.logs.get(completionsLog)!;
    return await runPhases(
      {
        progress,
        phases: [epoch({ job, tools, reference, samples, before, completions, control })],
        checkpointEvery: params.checkpointEvery,
        watchers: grpoWatchers(samples),
        earlier: await rowsOf(job.earlierLog),
        saveModel: (to) => saveCheckpoint(loaded, to, job.base),
      },
      control,
    );
  } finally {
    policy.dispose();
    if (reference instanceof Policy) reference.dispose();
    else for (const variable of reference?.variables.values() ?? []) variable.dispose();
  }
}

/** A reward that abstains on every sample would train as if it were not there, and nobody would see it. */
function requireSpans(params: GrpoJob['params'], samples: readonly Sample[]): void {
  const rewarded = rewardPlan(params).rewards.some(({ name }) => name === 'tiou');
  if (!rewarded || samples.some(({ spans }) => spans.length > 0)) return;
  throw new TerminalError(
    'training.no-spans',
    'grpo.labels is `spans`, and no sample of the split rl has an annotated span: tIoU would never be paid',
    { fix: 'annotate spans, or set grpo.labels to weak' },
  );
}

/** What the job's generations are made with, by a policy that is loaded for it. */
export async function rolloutTools(
  job: GrpoJob,
  { policy, tokenizer }: LoadedPolicy,
  samples: readonly Sample[],
): Promise<RolloutTools> {
  const { params, seed } = job;
  const byId = new Map(samples.map((sample) => [sample.id, sample.frames]));
  const wanted = (id: string): number[] | null => {
    const n = byId.get(id);
    if (n === undefined) return null;
    return [...uniformIndices(n, job.frames.policyFrames), ...poolIndices(n, job.frames.poolFrames)];
  };
  return {
    policy,
    tokenizer,
    prompts: new Prompts(tokenizer, job.prompts, policy.config.vision.spatialMergeSize),
    frames: new FrameCache(job.blobDir, await readFrameIndex(job.frameIndex), { wanted }),
    framesConfig: job.frames,
    params,
    plan: rewardPlan(params),
    shape: job.shape,
    seed,
  };
}

/** A generation as the update takes it; the groups' videos are numbered in their order. */
export function scoredRollouts(
  groups: readonly Group[],
  { maskTruncated }: Pick<GrpoConfig, 'maskTruncated'>,
): ScoredRollout[] {
  return groups.flatMap(({ prompt, rollouts }, video) =>
    rollouts.map((rollout) => ({
      prompt,
      completion: rollout.ids,
      logProbs: rollout.logProbs,
      advantage: rollout.advantage,
      counts: !(maskTruncated && rollout.finish === 'length'),
      video,
    })),
  );
}

/** What the KL term is taken against: a second policy, or of a policy with an adapter a second adapter on its weights. */
type Reference = Policy | LoraAdapter;

async function loadReference(policy: Policy, { reference, base }: GrpoJob): Promise<Reference> {
  if (policy.adapter !== null && (await isAdapterFolder(reference))) return readAdapter(policy, reference);
  return (await loadCheckpoint(policy.backend, reference, base)).policy;
}

async function rowsOf(log: string | null): Promise<LogRow[]> {
  return log === null ? [] : (parseJsonl(await readFile(log, 'utf8'), log) as LogRow[]);
}

function epoch(options: {
  readonly job: GrpoJob;
  readonly tools: RolloutTools;
  readonly reference: Reference | null;
  readonly samples: readonly Sample[];
  /** Optimizer state of the epoch before. */
  readonly before: Readonly<Record<string, StoredTensor>> | null;
  readonly completions: RowLog;
  readonly control: JobControl;
}): Phase {
  const { job, tools, reference, samples, before, completions, control } = options;
  const { params, seed, workDir } = job;
  return {
    name: 'grpo',
    steps: params.stepsPerEpoch,
    start: (stored) => {
      const trainer = new GrpoTrainer(tools.policy, reference, params, {
        stored: stored ?? before,
        tuning: trainerTuning(job),
      });
      const order = new DataOrder(samples.length, seed, 'grpo');
      const resampling = new DataOrder(samples.length, seed, 'grpo-resampling');
      const stopRequested = (): boolean => control.stopRequested();
      const step = async (k: number): Promise<StepRow | null> => {
        const generation = job.epoch * params.stepsPerEpoch + k;
        const drawn = Array.from(
          { length: params.promptsPerStep },
          (_, i) => samples[order.at(generation * params.promptsPerStep + i)]!,
        );
        const { groups, replaced } = await resampleFlatGroups(
          tools,
          { groups: await rollOut(tools, drawn, generation), generation },
          { samples, order: resampling },
          stopRequested,
        );
        // Most of a step's time is behind it, but of its weights nothing has changed: there may be no time for the rest.
        if (stopRequested()) return null;
        const rollouts = scoredRollouts(groups, params);
        const learningRate = learningRateAt(
          generation + 1,
          params.epochs * params.stepsPerEpoch,
          params.optimizer,
        );
        const videos = groups.map((group) => group.video);
        await requireFiniteRollouts(workDir, { step: k + 1, learningRate }, groups);
        const update = await trainer.update(rollouts, videos, params.groupSize, learningRate);
        const expectGradient = rollouts.some((r) => r.counts && r.advantage !== 0);
        const found = { step: k + 1, ...update, expectGradient };
        await requireFinite(workDir, found, generationRecord(groups));
        const place = { step: k + 1, epoch: job.epoch };
        completions.append(
          ...completionRows(groups, place),
          ...completionRows(replaced, place, { replaced: true }),
        );
        const resampled: StepRow = params.resampleFlat === 0 ? {} : { resampledGroups: replaced.length };
        return { epoch: job.epoch, ...rolloutRow(groups, tools.plan), ...resampled, ...update };
      };
      return Promise.resolve({ step, state: () => trainer.state(), dispose: () => trainer.dispose() });
    },
  };
}

/** What a reader of `completions.jsonl` sees of one generation; `mark` tells those apart that taught nothing. */
function completionRows(
  groups: readonly Group[],
  { epoch: index, step }: { readonly epoch: number; readonly step: number },
  mark: { readonly replaced?: true } = {},
): unknown[] {
  return groups.flatMap(({ sample, rollouts }) =>
    rollouts.map(({ text, finish, ids, rewards, total, advantage, cut }, completion) => ({
      epoch: index,
      step,
      sampleId: sample.id,
      completion,
      label: sample.label,
      text,
      finish,
      tokens: ids.length,
      cut: cut.kind === 'answered' ? (cut.verdict ?? 'unread') : cut.kind,
      rewards,
      reward: total,
      advantage,
      ...mark,
    })),
  );
}
