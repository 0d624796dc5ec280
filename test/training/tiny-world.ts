import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FramesConfig } from '../../config/dataset.js';
import { ModelConfig } from '../../config/model.js';
import { GrpoConfig, ReflectionConfig, SamplingConfig, SftConfig } from '../../config/training.js';
import { sha256 } from '../../core/digest.js';
import { toJsonl } from '../../core/jsonl.js';
import { Random } from '../../core/random.js';
import type { Sample } from '../../datasets/sample.js';
import type { Reflection, Target } from '../../datasets/target.js';
import { formatSpan, writeAnswer, writeReflection, writeThink } from '../../datasets/write-answer.js';
import type {
  AnswerJob,
  GrpoJob,
  JobControl,
  ReflectionSftJob,
  ScratchModel,
  SftJob,
  TrainerEvent,
} from '../../training/job.js';
import { encodeFramePack } from '../../video/frame-pack.js';

/** Videos of 16 frames, 28 x 56 pixels; a red block flashes in a quarter of the abnormal ones. */
const frameCount = 16;
const width = 56;
const height = 28;
const policyFrames = 4;
const poolFrames = 16;

/** A folder of inputs that jobs can run on: small enough that a training step takes milliseconds. */
export interface TinyWorld {
  readonly folder: string;
  readonly samples: readonly Sample[];
  sft(name: string, change?: object): Promise<SftJob>;
  reflectionSft(name: string, start: string, change?: object): Promise<ReflectionSftJob>;
  grpo(name: string, start: string, change?: object): Promise<GrpoJob>;
  answer(name: string, checkpoint: string, change?: Partial<AnswerJob>): Promise<AnswerJob>;
  remove(): Promise<void>;
}

function drawPixels(random: Random, event: readonly [number, number] | null): Uint8Array {
  const pixels = new Uint8Array(frameCount * width * height * 3);
  const shade = 60 + random.integer(60);
  for (let frame = 0; frame < frameCount; frame++) {
    const lit = event !== null && frame >= event[0] && frame < event[1];
    for (let i = 0; i < width * height; i++) {
      const at = (frame * width * height + i) * 3;
      const inside = i % width < 28;
      pixels[at] = lit && inside ? 250 : shade + random.integer(6);
      pixels[at + 1] = pixels[at + 2] = lit && inside ? 20 : shade;
    }
  }
  return pixels;
}

function completionOf(words: readonly string[], span: readonly [number, number] | null): string {
  const notes = `notes : ${words.join(' ')}`;
  if (span === null) {
    const answer = { which: 'Normal', what: 'usual activity', why: 'no event stands out' };
    return `${writeThink(['a quiet place', notes])} ${writeAnswer(answer)}`;
  }
  const answer = {
    which: 'Abnormal',
    what: 'Fire',
    when: [span[0], span[1]] as [number, number],
    where: 'on the left',
    why: 'fire is dangerous',
    how: 'call for help',
  };
  const think = writeThink(['a quiet place', notes, 'flames are seen', 'this is abnormal']);
  return `${think} ${writeAnswer(answer)}`;
}

/** Writes 24 sft, 8 reflect, 8 rl and 8 val videos with targets, the `reflect` and `val` ones with reflections, the same ones every time. */
export async function makeTinyWorld(): Promise<TinyWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'tiny-world-'));
  const blobDir = join(folder, 'blobs');
  const samples: Sample[] = [];
  const targets: Target[] = [];
  const reflections: Reflection[] = [];
  const index: { sampleId: string; pack: string }[] = [];
  const splits = [
    ...Array<'sft'>(24).fill('sft'),
    ...Array<'reflect'>(8).fill('reflect'),
    ...Array<'rl'>(8).fill('rl'),
    ...Array<'val'>(8).fill('val'),
  ];
  for (const [i, split] of splits.entries()) {
    const random = Random.from(9, 'tiny-world', i);
    const id = `clip-${i}`;
    const early = random.chance(0.5);
    const span: [number, number] | null = i % 2 === 0 ? null : early ? [0, 0.5] : [0.5, 1];
    const pixels = drawPixels(random, span === null ? null : [span[0] * frameCount, span[1] * frameCount]);
    const pack = encodeFramePack({
      width,
      height,
      frameCount,
      fps: 8,
      frames: Array.from({ length: frameCount }, (_, index) => ({ index })),
      pixels,
      teacher: null,
    });
    const digest = sha256(pack);
    await mkdir(join(blobDir, digest.slice(0, 2)), { recursive: true });
    await writeFile(join(blobDir, digest.slice(0, 2), digest), pack);
    index.push({ sampleId: id, pack: digest });
    const label = span === null ? 'Normal' : 'Abnormal';
    samples.push({
      id,
      video: digest,
      group: id,
      split,
      label,
      category: span === null ? null : 'Fire',
      spans: span === null ? [] : [span],
      target: span === null ? null : { span, from: 'single' },
      place: null,
      description: null,
      reasoning: null,
      frames: frameCount,
      fps: 8,
      width,
      height,
    });
    const words = [0, 1].map((half) => (span !== null && span[0] === half / 2 ? 'flames' : 'quiet'));
    const verdict = completionOf(words, span);
    const frames = [0, 5, 10, 15];
    const full = {
      sampleId: id,
      view: 'full',
      frames,
      label,
      category: null,
      span,
      words,
      verdict,
      categoryCompletion: verdict.replace('Abnormal', 'Fire'),
    } as const;
    targets.push({ ...full, frames: [...frames] });
    const quiet = span === null ? [0, 3, 5, 7] : early ? [8, 10, 12, 15] : [0, 2, 4, 7];
    const without = completionOf(['quiet', 'quiet'], null);
    targets.push({
      ...full,
      view: 'trim-0',
      frames: quiet,
      label: 'Normal',
      span: null,
      words: ['quiet', 'quiet'],
      verdict: without,
      categoryCompletion: without,
    });
    if (split === 'reflect' || split === 'val') {
      const draftRight = i % 3 === 0;
      const wrong = completionOf(['quiet', 'quiet'], span === null ? [0, 0.5] : null);
      const text = draftRight
        ? 'the answer stands : the notes agree with what is seen in every part'
        : 'the answer was wrong : look again at every part of the video and name it';
      reflections.push({
        sampleId: id,
        draft: 0,
        frames: [...frames],
        label,
        span,
        draftRight,
        first: draftRight ? verdict : wrong,
        rest: `${writeReflection(text)} ${verdict}`,
        checkpoint: 'none',
        seed: 1,
      });
    }
  }
  const write = async (name: string, records: readonly unknown[]): Promise<string> => {
    await writeFile(join(folder, name), toJsonl(records));
    return join(folder, name);
  };
  const files = {
    blobDir,
    frameIndex: await write('frames.jsonl', index),
    samples: await write('samples.jsonl', samples),
    frames: FramesConfig.parse({ policyFrames, poolFrames, size: { width, height } }),
    prompts: {
      verdict: 'is this video normal or abnormal ?',
      category: 'which category of event is this ?',
      reflective: 'is this video normal or abnormal ? answer , reflect , then answer again .',
    },
    seed: 3,
    base: null,
  };
  const tuning = { lora: null, freezeVision: false, recompute: false };
  const targetFile = await write('targets.jsonl', targets);
  const reflectionFile = await write('reflections.jsonl', reflections);
  const workDir = async (name: string): Promise<string> => {
    await mkdir(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const extraWords = reflections.flatMap((r) => [r.first, r.rest]);
  const model = ModelConfig.parse({
    kind: 'scratch',
    vision: { depth: 1, hiddenSize: 16, heads: 1, intermediateSize: 24, fullAttentionBlocks: [0] },
    text: {
      layers: 1,
      hiddenSize: 32,
      heads: 2,
      keyValueHeads: 1,
      intermediateSize: 48,
      mropeSection: [2, 3, 3],
    },
  }) as ScratchModel;
  return {
    folder,
    samples,
    sft: async (name, change = {}) => ({
      kind: 'sft',
      ...files,
      workDir: await workDir(name),
      params: SftConfig.parse({
        visionWarmup: { steps: 3, batchSize: 4 },
        steps: 5,
        batchSize: 4,
        validationEvery: 2,
        checkpointEvery: 2,
        ...change,
      }),
      reasoning: true,
      model,
      tuning,
      targets: targetFile,
      extraWords,
      resumeFrom: null,
    }),
    reflectionSft: async (name, start, change = {}) => ({
      kind: 'reflection-sft',
      ...files,
      workDir: await workDir(name),
      params: ReflectionConfig.parse({
        sft: { steps: 4, batchSize: 4, validationEvery: 3, checkpointEvery: 2 },
        ...change,
      }),
      start,
      tuning,
      targets: targetFile,
      reflections: reflectionFile,
      resumeFrom: null,
    }),
    grpo: async (name, start, change = {}) => ({
      kind: 'grpo',
      ...files,
      workDir: await workDir(name),
      params: GrpoConfig.parse({
        preset: 'vad-r1',
        stepsPerEpoch: 3,
        promptsPerStep: 4,
        groupSize: 2,
        checkpointEvery: 1,
        sampling: { maxTokens: 60 },
        ...change,
      }),
      shape: 'preset' in change && change.preset !== 'vad-r1' ? 'reflective' : 'single',
      start,
      tuning,
      startState: null,
      earlierLog: null,
      reference: start,
      epoch: 0,
      resumeFrom: null,
    }),
    answer: async (name, checkpoint, change = {}) => ({
      kind: 'answer',
      ...files,
      workDir: await workDir(name),
      checkpoint,
      checkpointDigest: sha256(await readFile(join(checkpoint, 'model.safetensors'))),
      sampleIds: samples.filter((s) => s.split === 'val').map((s) => s.id),
      sampling: SamplingConfig.parse({ temperature: 0, maxTokens: 60 }),
      prompt: 'verdict',
      completionsPerSample: 1,
      purpose: 'predictions',
      ...change,
    }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The span text that targets hold, for expectations. */
export const spanText = formatSpan;

/** A control that records what a job says, and asks it to stop once so many steps are done. */
export function listen(stopAfter = Infinity): JobControl & { readonly events: TrainerEvent[] } {
  const events: TrainerEvent[] = [];
  return {
    events,
    emit: (event) => events.push(event),
    stopRequested: () => events.filter((event) => event.type === 'progress').length >= stopAfter,
  };
}
