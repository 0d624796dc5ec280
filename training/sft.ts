import { TerminalError } from '../core/errors.js';
import { deriveKey, Random } from '../core/random.js';
import { Sample } from '../datasets/sample.js';
import { Target } from '../datasets/target.js';
import type { Backend } from '../policy/backend.js';
import { Policy } from '../policy/policy.js';
import { Tokenizer } from '../policy/tokenizer.js';
import { adapterConfig, loadCheckpoint, saveCheckpoint, type LoadedPolicy } from './checkpoint-policy.js';
import { DataOrder } from './data-order.js';
import { dataShare } from './data-share.js';
import { requireFinite } from './finite.js';
import { FrameCache } from './frame-cache.js';
import { jobDigest } from './job-digest.js';
import type { JobControl, SftJob } from './job.js';
import { trainerTuning } from './model-tuning.js';
import { Prompts } from './prompts.js';
import { readFrameIndex, readRecords } from './records.js';
import { openProgress, runPhases, type Phase, type StepRow } from './run-phases.js';
import { learningRateAt } from './schedule.js';
import { scratchConfig, scratchTokenizer } from './scratch-model.js';
import { SupervisedTrainer, type SupervisedSequence } from './supervised.js';
import { TargetSequences, usedPrompts } from './target-sequences.js';
import { mostValidation, validate, validationDue } from './validation.js';
import { drawView, viewsOf, wantedFrames, type SampleViews } from './views.js';
import { visionWarmup } from './vision-warmup.js';
import { supervisedWatchers } from './watchers/supervised-watchers.js';

/**
 * Supervised fine-tuning on the reasoning targets, from scratch (with the vision warm-up before it) or from pretrained
 * weights. Under LoRA the checkpoint is an adapter folder. TerminalErrors: `training.no-samples`, `training.not-finite`, `training.no-gradient`, and those of
 * {@link openProgress}.
 */
export async function runSft(job: SftJob, backend: Backend, control: JobControl): Promise<StepRow> {
  const digest = await jobDigest(job, [job.samples, job.targets, job.frameIndex]);
  const progress = await openProgress(job.workDir, job.resumeFrom, digest);
  const samples = await readRecords(job.samples, Sample);
  const targets = await readRecords(job.targets, Target);
  const all = viewsOf(samples, targets, 'sft');
  const train = dataShare(all, ({ sample }) => sample.id, job.params.dataShare, job.seed);
  const validation = viewsOf(samples, targets, 'val').slice(0, mostValidation);
  if (train.length === 0) {
    throw new TerminalError('training.no-samples', 'split sft has no sample with a target to learn from', {
      fix: 'give it a share in dataset.shares; Abnormal samples need spans, see the log of the stage `reasoning`',
    });
  }
  const { policy, tokenizer } = await startingPoint(
    job,
    targets,
    progress.checkpoint?.model ?? null,
    backend,
  );
  try {
    const frames = new FrameCache(job.blobDir, await readFrameIndex(job.frameIndex), {
      wanted: wantedFrames([...train, ...validation]),
    });
    const { params, seed, workDir } = job;
    const warmup = visionWarmup({ policy, views: train, frames, params, seed, workDir });
    const tuning = fineTuning({ job, policy, tokenizer, frames, train, validation });
    return await runPhases(
      {
        progress,
        phases: job.model !== null && warmup.steps > 0 ? [warmup, tuning] : [tuning],
        checkpointEvery: params.checkpointEvery,
        watchers: supervisedWatchers,
        saveModel: (folder) => saveCheckpoint({ policy, tokenizer }, folder, job.base),
      },
      control,
    );
  } finally {
    policy.dispose();
  }
}

async function startingPoint(
  job: SftJob,
  targets: readonly Target[],
  saved: string | null,
  backend: Backend,
): Promise<LoadedPolicy> {
  if (saved !== null) return loadCheckpoint(backend, saved, job.base);
  if (job.model === null) return startFromBase(job, backend);
  const tokenizer = scratchTokenizer(targets, job.prompts, job.extraWords);
  const key = deriveKey(job.seed, 'sft', 'weights');
  return { policy: Policy.initialise(backend, scratchConfig(job.model, tokenizer), key), tokenizer };
}

/** The pretrained weights, with a fresh adapter where one is trained. */
async function startFromBase({ base, tuning, seed }: SftJob, backend: Backend): Promise<LoadedPolicy> {
  if (base === null) throw new TypeError('a job without a model to make starts from a base');
  const tokenizer = await Tokenizer.load(base.folder);
  const policy = await Policy.load(backend, base.folder);
  try {
    const lora = adapterConfig(policy.config, tuning);
    if (lora !== null) policy.addAdapter(lora, deriveKey(seed, 'sft', 'adapter'));
    return { policy, tokenizer };
  } catch (error) {
    policy.dispose();
    throw error;
  }
}

function fineTuning(options: {
  readonly job: SftJob;
  readonly policy: Policy;
  readonly tokenizer: Tokenizer;
  readonly frames: FrameCache;
  readonly train: readonly SampleViews[];
  readonly validation: readonly SampleViews[];
}): Phase {
  const { job, policy, tokenizer, frames, train, validation } = options;
  const { params, seed, workDir } = job;
  const { steps, batchSize, optimizer } = params;
  const prompts = new Prompts(tokenizer, job.prompts, policy.config.vision.spatialMergeSize);
  const targets = new TargetSequences(frames, prompts, tokenizer, {
    targets: [...train, ...validation].flatMap(({ full, trimmed }) => [full, ...trimmed]),
    prompts: usedPrompts(params.categoryShare),
    reasoning: job.reasoning,
  });
  return {
    name: 'sft',
    steps,
    start: (stored) => {
      const trainer = new SupervisedTrainer(policy, batchSize, optimizer, {
        stored,
        tuning: trainerTuning(job),
        evaluates: validation.length > 0,
        packing: params.packing,
      });
      const order = new DataOrder(train.length, seed, 'sft');
      const step = async (k: number): Promise<StepRow> => {
        const sequences: SupervisedSequence[] = [];
        const drawn: unknown[] = [];
        for (let i = 0; i < batchSize; i++) {
          const position = k * batchSize + i;
          const random = Random.from(seed, 'sft', 'view', position);
          const target = drawView(train[order.at(position)]!, params.trimmedShare, random);
          const prompt = random.chance(params.categoryShare) ? 'category' : 'verdict';
          sequences.push(await targets.sequence(target, prompt));
          drawn.push({ sampleId: target.sampleId, view: target.view, prompt });
        }
        const row = await trainer.step(sequences, learningRateAt(k + 1, steps, optimizer));
        await requireFinite(workDir, { step: k + 1, ...row, expectGradient: true }, drawn);
        if (!validationDue(k, params)) return row;
        const held: SupervisedSequence[] = [];
        for (const { full } of validation) held.push(await targets.sequence(full, 'verdict'));
        return { ...row, ...(await validate(trainer, held)) };
      };
      return Promise.resolve({
        step,
        state: () => trainer.state(),
        dispose: () => trainer.dispose(),
      });
    },
  };
}
