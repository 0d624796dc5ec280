import { TerminalError } from '../core/errors.js';
import { Random } from '../core/random.js';
import { Sample } from '../datasets/sample.js';
import { Reflection, Target } from '../datasets/target.js';
import type { Backend } from '../policy/backend.js';
import type { Policy } from '../policy/policy.js';
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
import { ReflectiveSequences } from './reflective-sequences.js';
import { openProgress, runPhases, type Phase, type StepRow } from './run-phases.js';
import { learningRateAt } from './schedule.js';
import { SupervisedTrainer, type SupervisedSequence } from './supervised.js';
import { TargetSequences, usedPrompts } from './target-sequences.js';
import { mostValidation, validate, validationDue } from './validation.js';
import { viewsOf, wantedFrames, type SampleViews } from './views.js';
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
  const samples = await readRecords(job.samples, Sample);
  const { train, validation } = bySplit(await readRecords(job.reflections, Reflection), samples);
  const reflections = ofShare(train, job);
  if (reflections.length === 0) {
    throw new TerminalError('training.no-samples', 'there is no reflection to learn from', {
      fix: 'the log of the stage `reflections` says why drafts fell out; truncated ones need a larger reflection.sampling.maxTokens, or a policy that was trained for longer',
    });
  }
  const plain = viewsOf(samples, await readRecords(job.targets, Target), 'sft');
  const folder = progress.checkpoint?.model ?? job.start;
  const loaded = await loadCheckpoint(backend, folder, job.base);
  const { policy, tokenizer } = loaded;
  try {
    const shownPlain = wantedFrames(plain);
    const shownReflective = new Map([...reflections, ...validation].map((r) => [r.sampleId, r.frames]));
    const frames = new FrameCache(job.blobDir, await readFrameIndex(job.frameIndex), {
      wanted: (id) => [...(shownPlain(id) ?? []), ...(shownReflective.get(id) ?? [])],
    });
    return await runPhases(
      {
        progress,
        phases: [tuning({ job, policy, tokenizer, frames, reflections, validation, plain })],
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

/** What is learnt, and one reflection on each sample of split `val`, as frequently right as the policy's drafts are. */
function bySplit(
  reflections: readonly Reflection[],
  samples: readonly Sample[],
): { readonly train: readonly Reflection[]; readonly validation: readonly Reflection[] } {
  const held = new Set(samples.filter(({ split }) => split === 'val').map(({ id }) => id));
  const first = new Map<string, Reflection>();
  for (const one of reflections) {
    if (held.has(one.sampleId) && !first.has(one.sampleId)) first.set(one.sampleId, one);
  }
  return {
    train: reflections.filter(({ sampleId }) => !held.has(sampleId)),
    validation: [...first.values()].slice(0, mostValidation),
  };
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

function tuning(options: {
  readonly job: ReflectionSftJob;
  readonly policy: Policy;
  readonly tokenizer: Tokenizer;
  readonly frames: FrameCache;
  readonly reflections: readonly Reflection[];
  readonly validation: readonly Reflection[];
  readonly plain: readonly SampleViews[];
}): Phase {
  const { job, policy, tokenizer, frames, reflections, validation, plain } = options;
  const { params, seed, workDir } = job;
  const { steps, batchSize, optimizer, categoryShare } = params.sft;
  const prompts = new Prompts(tokenizer, job.prompts, policy.config.vision.spatialMergeSize);
  const targets = new TargetSequences(frames, prompts, tokenizer, {
    targets: plain.map(({ full }) => full),
    prompts: usedPrompts(categoryShare),
    reasoning: true,
  });
  const sequencesOf = (of: readonly Reflection[], longestOther: number): ReflectiveSequences =>
    new ReflectiveSequences(frames, prompts, tokenizer, { reflections: of, longestOther, params });
  const reflective = sequencesOf(reflections, targets.longestCompletion);
  // A length of its own: which samples are held out changes nothing that is learnt.
  const held = sequencesOf(validation, reflective.longestCompletion);
  return {
    name: 'reflection-sft',
    steps,
    start: (stored) => {
      const trainer = new SupervisedTrainer(policy, batchSize, optimizer, {
        stored,
        tuning: trainerTuning(job),
        evaluates: validation.length > 0,
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
            sequences.push(await targets.sequence(full, prompt, reflective.longestCompletion));
            drawn.push({ sampleId: full.sampleId, view: full.view, prompt });
          } else {
            const place = order.at(position);
            const { sampleId, draft } = reflections[place]!;
            sequences.push(await reflective.sequence(place));
            drawn.push({ sampleId, draft, prompt: 'reflective' });
          }
        }
        const row = await trainer.step(sequences, learningRateAt(k + 1, steps, optimizer));
        await requireFinite(workDir, { step: k + 1, ...row, expectGradient: true }, drawn);
        if (!validationDue(k, params.sft)) return row;
        const unseen: SupervisedSequence[] = [];
        for (const place of validation.keys()) unseen.push(await held.sequence(place));
        return { ...row, ...(await validate(trainer, unseen)) };
      };
      return Promise.resolve({ step, state: () => trainer.state(), dispose: () => trainer.dispose() });
    },
  };
}
