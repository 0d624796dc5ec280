import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../config/load.js';
import { shapeOf } from '../../datasets/completion-shape.js';
import type { Backend } from '../../policy/backend.js';
import type { GrpoJob, JobControl, SftJob } from '../../training/job.js';
import { tuningOf } from '../../training/model-tuning.js';
import { runJob } from '../../training/run-job.js';
import { writeClips } from './demo-clips.js';

/** Enough for texts of the demo's form and length that end; what they say about a clip may be wrong. */
const sft = { warmup: 120, steps: 160 };
/** Updates between the reference and the policy that the measured steps start with, so that there is a KL to agree on. */
const grpoSteps = 2;
const clips = { sft: 320, rl: 64 };

/** The demo's config with the paper's single-pass preset. */
const changes = [
  'grpo.preset=vad-r1',
  'grpo.sampling.maxTokens=160',
  `grpo.stepsPerEpoch=${grpoSteps}`,
  `sft.visionWarmup.steps=${sft.warmup}`,
  `sft.steps=${sft.steps}`,
];

const quietly: JobControl = { emit: () => undefined, stopRequested: () => false };

/**
 * Makes a GRPO job of the demo's size in a folder, from nothing: clips, a tokenizer and a policy of a short SFT, then two
 * updates of GRPO. @returns the path of the job, as JSON
 */
export async function prepareDemoJob(backend: Backend, folder: string): Promise<string> {
  const { config, prompts } = await loadConfig('demo', { set: changes });
  const { model } = config;
  if (model.kind !== 'scratch') throw new TypeError('the demo trains from scratch');
  const { targets, ...files } = await writeClips(folder, clips, config);
  const common = { ...files, frames: config.frames, prompts, seed: 1, base: null, tuning: tuningOf(model) };
  const sftJob: SftJob = {
    kind: 'sft',
    ...common,
    workDir: await makeFolder(folder, 'sft'),
    params: config.sft,
    reasoning: config.reasoning,
    model,
    targets,
    extraWords: [],
    resumeFrom: null,
  };
  await runJob(sftJob, backend, quietly);
  const reference = join(sftJob.workDir, 'model');
  const first: GrpoJob = {
    kind: 'grpo',
    ...common,
    workDir: await makeFolder(folder, 'first-steps'),
    params: config.grpo,
    shape: shapeOf('grpo', config),
    start: reference,
    startState: null,
    reference,
    epoch: 0,
    earlierLog: null,
    resumeFrom: null,
  };
  await runJob(first, backend, quietly);
  const job: GrpoJob = {
    ...first,
    workDir: await makeFolder(folder, 'work'),
    start: join(first.workDir, 'model'),
    startState: join(first.workDir, 'state.safetensors'),
    epoch: 1,
  };
  const path = join(folder, 'job.json');
  await writeFile(path, JSON.stringify(job));
  return path;
}

async function makeFolder(parent: string, name: string): Promise<string> {
  const folder = join(parent, name);
  await mkdir(folder, { recursive: true });
  return folder;
}
