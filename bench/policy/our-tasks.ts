import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveKey } from '../../core/random.js';
import type { Backend } from '../../policy/backend.js';
import { generate } from '../../policy/generate.js';
import { layOutVision, type Media } from '../../policy/media.js';
import { Policy } from '../../policy/policy.js';
import { prefill } from '../../policy/prefill.js';
import { SafetensorsFile } from '../../policy/safetensors.js';
import { givenPatches, patchTensor, type VideoPatches } from '../../training/video-patches.js';
import { SupervisedTrainer, type SupervisedSequence } from '../../training/supervised.js';
import { Work } from './work.js';

/** A loaded work, as a participant does it. */
export interface Task {
  /** Numbers that all participants must agree on. */
  check(): Promise<number[]>;
  step(): Promise<void>;
  /** Makes a step that has to be compiled first, which shows its operations to a profile. */
  compile?(): Promise<void>;
}

/** A work's folder as it was written for all participants. */
export interface LoadedWork {
  readonly policy: Policy;
  readonly work: Work;
  readonly videos: readonly VideoPatches[];
}

/** Steps whose losses are compared. */
const CHECKED_STEPS = 3;

export async function loadWork(backend: Backend, folder: string): Promise<LoadedWork> {
  const work = Work.parse(JSON.parse(await readFile(join(folder, 'work.json'), 'utf8')));
  const file = await SafetensorsFile.open(join(folder, 'patches.safetensors'));
  const all = await file.read('patches');
  await file.close();
  const count = Math.max(...work.batches.map(({ prompts }) => prompts.length));
  const size = all.length / count;
  const videos = Array.from({ length: count }, (_, at) =>
    givenPatches(work.grid, all.subarray(at * size, (at + 1) * size)),
  );
  return { policy: await Policy.load(backend, join(folder, 'model')), work, videos };
}

/** The work as the pipeline's own code does it. */
export function ourTask(loaded: LoadedWork): Task {
  const { work } = loaded;
  switch (work.kind) {
    case 'sft':
      return supervised(loaded, work);
    case 'sampling':
      return sampling(loaded, work);
    case 'prefill':
      return { check: () => promptLogits(loaded), step: async () => void (await promptLogits(loaded)) };
  }
}

/** The batches of supervised work as the trainer takes them. */
export function sequencesOf(
  { videos }: LoadedWork,
  work: Extract<Work, { kind: 'sft' }>,
): SupervisedSequence[][] {
  return work.batches.map(({ prompts, completions }) =>
    prompts.map((prompt, row) => ({
      prompt,
      completion: completions[row]!,
      learnt: completions[row]!.map(() => 1),
      video: videos[row]!,
      longest: work.longest,
    })),
  );
}

function supervised(loaded: LoadedWork, work: Extract<Work, { kind: 'sft' }>): Task {
  const batches = sequencesOf(loaded, work);
  const { learningRate } = work.optimizer;
  const optimizer = { ...work.optimizer, warmupSteps: 0, schedule: 'constant' as const, finalShare: 1 };
  const start = () => new SupervisedTrainer(loaded.policy, batches[0]!.length, optimizer, { stored: null });
  const trainer = start();
  let steps = 0;
  const step = async () => (await trainer.step(batches[steps++ % batches.length]!, learningRate)).loss;
  return {
    check: async () => {
      const losses: number[] = [];
      while (losses.length < CHECKED_STEPS) losses.push(await step());
      return losses;
    },
    step: async () => void (await step()),
    compile: async () => {
      const fresh = start();
      await fresh.step(batches[0]!, learningRate);
      fresh.dispose();
    },
  };
}

const mediaOf = (videos: readonly VideoPatches[]): Media[] =>
  videos.map(({ grid }) => ({ kind: 'video', grid }));

/** The vision tensor of all videos; the caller disposes of it. */
function see({ policy, videos }: LoadedWork) {
  const { segments } = layOutVision(mediaOf(videos), policy.config.vision.spatialMergeSize);
  return policy.backend.tf.tidy(() => policy.vision(patchTensor(policy, videos), segments));
}

async function promptLogits(loaded: LoadedWork): Promise<number[]> {
  const { policy, work, videos } = loaded;
  const vision = see(loaded);
  const { cache, logits } = prefill(policy, {
    prompts: work.batches[0]!.prompts,
    vision,
    media: mediaOf(videos),
  });
  const values = [...(await logits.data())];
  policy.backend.tf.dispose([vision, logits]);
  cache.dispose();
  return values;
}

function sampling(loaded: LoadedWork, work: Extract<Work, { kind: 'sampling' }>): Task {
  const { policy, videos } = loaded;
  const rows = work.batches[0]!.prompts.flatMap((prompt, video) =>
    new Array<{ prompt: number[]; video: number }>(work.group).fill({ prompt, video }),
  );
  let calls = 0;
  return {
    check: () => promptLogits(loaded),
    step: async () => {
      const call = calls++;
      const vision = see(loaded);
      const { ids } = await generate(policy, {
        prompts: rows.map(({ prompt }) => prompt),
        shows: rows.map(({ video }) => [video]),
        vision,
        media: mediaOf(videos),
        keys: rows.map((_, sequence) => deriveKey(work.seed, 'sampling', call, sequence)),
        temperature: 1,
        maxTokens: work.newTokens,
      });
      vision.dispose();
      const wrong = ids.find((own) => own.length !== work.newTokens);
      if (wrong !== undefined)
        throw new Error(`a completion has ${wrong.length} tokens instead of ${work.newTokens}`);
    },
  };
}
