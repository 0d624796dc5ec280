import { TerminalError } from '../core/errors.js';
import { Random } from '../core/random.js';
import type { ReflectionConfig } from '../config/training.js';
import { Sample } from '../datasets/sample.js';
import { Reflection, Target } from '../datasets/target.js';
import { withoutReflection } from '../datasets/write-answer.js';
import type { Backend } from '../policy/backend.js';
import type { Policy } from '../policy/policy.js';
import { encodeCompletion } from '../policy/prompt.js';
import type { Tokenizer } from '../policy/tokenizer.js';
import { loadCheckpoint, saveCheckpoint } from './checkpoint-policy.js';
import { DataOrder } from './data-order.js';
import { dataShare } from './data-share.js';
import { requireFinite } from './finite.js';
import { FrameCache } from './frame-cache.js';
import { jobDigest } from './job-digest.js';
import type { JobControl, ReflectionSftJob } from './job.js';
import { trainerTuning } from './model-tuning.js';
import { Prompts } from './prompts.js';
import { readFrameIndex, readRecords } from './records.js';
import { openProgress, runPhases, type Phase, type StepRow } from './run-phases.js';
import { learningRateAt } from './schedule.js';
import { wantedFrames } from './sft.js';
import { SupervisedTrainer, type SupervisedSequence } from './supervised.js';
import { TargetSequences, usedPrompts } from './target-sequences.js';
import { viewsOf, type SampleViews } from './views.js';
import { supervisedWatchers } from './watchers/supervised-watchers.js';

/**
 * Fine-tuning on reflective sequences from the SFT checkpoint, with a share of single-pass ones so that verification can
 * still be answered in one pass. TerminalErrors as {@link runSft}.
 */
export async function runReflectionSft(
  job: ReflectionSftJob,
  backend: Backend,
  control: JobControl,
): Promise<StepRow> {
  const digest = await jobDigest(job, [job.samples, job.targets, job.reflections, job.frameIndex]);
  const progress = await openProgress(job.workDir, job.resumeFrom, digest);
  const reflections = ofShare(await readRecords(job.reflections, Reflection), job);
  if (reflections.length === 0) {
    throw new TerminalError('training.no-samples', 'there is no reflection to learn from', {
      fix: 'the log of the stage `reflections` says why drafts fell out; truncated ones need a larger reflection.sampling.maxTokens, or a policy that was trained for longer',
    });
  }
  const plain = viewsOf(
    await readRecords(job.samples, Sample),
    await readRecords(job.targets, Target),
    'sft',
  );
  const folder = progress.checkpoint?.model ?? job.start;
  const loaded = await loadCheckpoint(backend, folder, job.base);
  const { policy, tokenizer } = loaded;
  try {
    const shownPlain = wantedFrames(plain);
    const shownReflective = new Map(reflections.map((r) => [r.sampleId, r.frames]));
    const frames = new FrameCache(job.blobDir, await readFrameIndex(job.frameIndex), {
      wanted: (id) => [...(shownPlain(id) ?? []), ...(shownReflective.get(id) ?? [])],
    });
    return await runPhases(
      {
        progress,
        phases: [tuning({ job, policy, tokenizer, frames, reflections, plain })],
        checkpointEvery: job.params.sft.checkpointEvery,
        watchers: supervisedWatchers,
        saveModel: (to) => saveCheckpoint(loaded, to, job.base),
      },
      control,
    );
  } finally {
    policy.dispose();
  }
}

/** All reflections on a share of the samples that have one. */
function ofShare(
  reflections: readonly Reflection[],
  { params, seed }: ReflectionSftJob,
): readonly Reflection[] {
  const ids = [...new Set(reflections.map(({ sampleId }) => sampleId))];
  const kept = new Set(dataShare(ids, (id) => id, params.sft.dataShare, seed));
  return reflections.filter(({ sampleId }) => kept.has(sampleId));
}

/** Whether the SFT loss is taken on a first pass. A wrong one is read, but under `right-only` never learnt. */
export function learnsFirstPass(draftLoss: ReflectionConfig['draftLoss'], draftRight: boolean): boolean {
  return draftLoss === 'all' || (draftLoss === 'right-only' && draftRight);
}

/** The whole completion of a reflection, first pass and rest, and which of its tokens are learnt. */
export function reflectiveCompletion(
  { first, rest, draftRight }: Pick<Reflection, 'first' | 'rest' | 'draftRight'>,
  { draftLoss, marks }: Pick<ReflectionConfig, 'draftLoss' | 'marks'>,
  tokenizer: Tokenizer,
): { completion: number[]; learnt: number[] } {
  const head = tokenizer.encode(first.trimEnd());
  const told = marks ? rest : withoutReflection(rest);
  const tail = encodeCompletion(tokenizer, ' ' + told.trimStart());
  const weight = learnsFirstPass(draftLoss, draftRight) ? 1 : 0;
  return {
    completion: [...head, ...tail],
    learnt: [...head.map(() => weight), ...tail.map(() => 1)],
  };
}

function tuning(options: {
  readonly job: ReflectionSftJob;
  readonly policy: Policy;
  readonly tokenizer: Tokenizer;
  readonly frames: FrameCache;
  readonly reflections: readonly Reflection[];
  readonly plain: readonly SampleViews[];
}): Phase {
  const { job, policy, tokenizer, frames, reflections, plain } = options;
  const { params, seed, workDir } = job;
  const { steps, batchSize, optimizer, categoryShare } = params.sft;
  const prompts = new Prompts(tokenizer, job.prompts, policy.config.vision.spatialMergeSize);
  const targets = new TargetSequences(frames, prompts, tokenizer, {
    targets: plain.map(({ full }) => full),
    prompts: usedPrompts(categoryShare),
    reasoning: true,
  });
  const completions = reflections.map((r) => reflectiveCompletion(r, params, tokenizer));
  const longest = Math.max(targets.longestCompletion, ...completions.map((c) => c.completion.length));
  const reflective = async (place: number): Promise<SupervisedSequence> => {
    const { sampleId, frames: shown } = reflections[place]!;
    const video = await frames.patches(sampleId, shown);
    const most = prompts.longest(['verdict', 'category', 'reflective'], video.grid) + longest;
    return { prompt: prompts.ids('reflective', video.grid), video, longest: most, ...completions[place]! };
  };
  return {
    name: 'reflection-sft',
    steps,
    start: (stored) => {
      const trainer = new SupervisedTrainer(policy, batchSize, optimizer, {
        stored,
        tuning: trainerTuning(job),
        packing: params.sft.packing,
      });
      const order = new DataOrder(reflections.length, seed, 'reflection-sft');
      const plainOrder =
        plain.length === 0 ? null : new DataOrder(plain.length, seed, 'reflection-sft-plain');
      const step = async (k: number): Promise<StepRow> => {
        const sequences: SupervisedSequence[] = [];
        const drawn: unknown[] = [];
        for (let i = 0; i < batchSize; i++) {
          const position = k * batchSize + i;
          const random = Random.from(seed, 'reflection-sft', 'kind', position);
          if (random.chance(params.plainShare) && plainOrder !== null) {
            const { full } = plain[plainOrder.at(position)]!;
            const prompt = random.chance(categoryShare) ? 'category' : 'verdict';
            sequences.push(await targets.sequence(full, prompt, longest));
            drawn.push({ sampleId: full.sampleId, view: full.view, prompt });
          } else {
            const place = order.at(position);
            const { sampleId, draft } = reflections[place]!;
            sequences.push(await reflective(place));
            drawn.push({ sampleId, draft, prompt: 'reflective' });
          }
        }
        const row = await trainer.step(sequences, learningRateAt(k + 1, steps, optimizer));
        await requireFinite(workDir, { step: k + 1, ...row, expectGradient: true }, drawn);
        return row;
      };
      return Promise.resolve({ step, state: () => trainer.state(), dispose: () => trainer.dispose() });
    },
  };
}
