import { checkpointStages } from './evaluation.js';
import type { RunConfig } from './schema.js';

/** Two fields that contradict each other; reported at the first. */
export interface Contradiction {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly allowed?: string;
  readonly fix?: string;
}

/** What the schema cannot say: fields that are fine alone and wrong together. */
export function crossChecks(config: RunConfig): readonly Contradiction[] {
  return [
    ...checkFrames(config),
    ...checkModel(config),
    ...checkStages(config),
    ...checkGrpo(config),
    ...checkEvaluation(config),
    ...checkTrainer(config),
  ];
}

/**
 * Training stages of a run, each of which ends in a checkpoint. Unless the config names them: all three, or under the
 * preset `vad-r1`, whose answers have one pass, those without reflections.
 */
export function trainedCheckpoints({
  stages,
  grpo,
}: Pick<RunConfig, 'stages' | 'grpo'>): RunConfig['evaluation']['checkpoints'] {
  if (stages !== undefined) return [...new Set(stages)];
  return grpo.preset === 'vad-r1' ? ['sft', 'grpo'] : ['sft', 'reflection-sft', 'grpo'];
}

function checkStages(config: RunConfig): Contradiction[] {
  const found: Contradiction[] = [];
  const trained = trainedCheckpoints(config);
  const inOrder = checkpointStages.filter((stage) => trained.includes(stage));
  if (config.stages !== undefined && inOrder.join() !== config.stages.join()) {
    found.push({
      path: ['stages'],
      message: 'stages follow one another, each at most once',
      allowed: JSON.stringify(inOrder),
    });
  }
  if (!trained.includes('sft')) {
    found.push({
      path: ['stages'],
      message: 'every other stage goes on from what `sft` has learnt',
      allowed: 'a list that begins with "sft"',
    });
  }
  const twice = trained.includes('reflection-sft') || config.grpo.preset !== 'vad-r1';
  if (!config.reasoning && twice && trained.length > 1) {
    found.push({
      path: ['reasoning'],
      message: 'there is nothing to reflect on in an answer without reasoning',
      allowed: 'true',
      fix: 'set grpo.preset to vad-r1, or stages to [sft]',
    });
  }
  return found;
}

function checkFrames({ frames, grpo, model }: RunConfig): Contradiction[] {
  const found: Contradiction[] = [];
  if (frames.poolFrames < frames.policyFrames) {
    found.push({
      path: ['frames', 'poolFrames'],
      message: 'the pool is smaller than what the policy sees',
      allowed: `at least frames.policyFrames, ${frames.policyFrames}`,
    });
  }
  if (grpo.verification.minFramesLeft > frames.poolFrames) {
    found.push({
      path: ['grpo', 'verification', 'minFramesLeft'],
      message: 'more frames than the pool has, so verification would always abstain',
      allowed: `at most frames.poolFrames, ${frames.poolFrames}`,
    });
  }
  if (model.kind === 'scratch' && !('width' in frames.size)) {
    found.push({
      path: ['frames', 'size'],
      message: 'a model of kind `scratch` learns at one fixed frame size',
      allowed: '{width, height}, multiples of 28',
      fix: 'set frames.size to {width: 84, height: 56}, or to the aspect of your videos',
    });
  }
  return found;
}

function checkModel({ model }: RunConfig): Contradiction[] {
  if (model.kind === 'pretrained') return checkTargets(model.tuning);
  const { vision, text } = model;
  const found: Contradiction[] = [];
  const beyond = vision.fullAttentionBlocks.findIndex((block) => block >= vision.depth);
  if (beyond >= 0) {
    found.push({
      path: ['model', 'vision', 'fullAttentionBlocks', beyond],
      message: 'no such block',
      allowed: `0 to ${vision.depth - 1} (model.vision.depth is ${vision.depth})`,
    });
  }
  if (vision.hiddenSize % (4 * vision.heads) !== 0) {
    found.push({
      path: ['model', 'vision', 'heads'],
      message: 'a vision head must be a multiple of 4 wide, for the rotary positions in two dimensions',
      allowed: `a number of heads such that ${vision.hiddenSize} / heads is a multiple of 4`,
    });
  }
  if (text.hiddenSize % (2 * text.heads) !== 0) {
    found.push({
      path: ['model', 'text', 'heads'],
      message: 'a text head must have an even width',
      allowed: `a number of heads such that ${text.hiddenSize} / heads is even`,
    });
  } else if (text.mropeSection.reduce((sum, pairs) => sum + pairs, 0) !== text.hiddenSize / text.heads / 2) {
    found.push({
      path: ['model', 'text', 'mropeSection'],
      message: 'the sections do not add up to half a head',
      allowed: `three numbers with the sum ${text.hiddenSize / text.heads / 2}`,
    });
  }
  if (text.heads % text.keyValueHeads !== 0) {
    found.push({
      path: ['model', 'text', 'keyValueHeads'],
      message: 'query heads do not divide evenly among key-value heads',
      allowed: `a divisor of model.text.heads, ${text.heads}`,
    });
  }
  return found;
}

/** `policy/lora.ts` finds out whether they select anything; what is no pattern at all is told at its line. */
function checkTargets(
  tuning: Extract<RunConfig['model'], { kind: 'pretrained' }>['tuning'],
): Contradiction[] {
  if (tuning.kind === 'full' || typeof tuning.targets !== 'string') return [];
  try {
    new RegExp(tuning.targets, 'u');
    return [];
  } catch (error) {
    return [
      {
        path: ['model', 'tuning', 'targets'],
        message: `not a regular expression: ${(error as Error).message}`,
        allowed: 'a list of layer names, one regular expression, or all-linear',
      },
    ];
  }
}

function checkGrpo({ grpo, frames }: RunConfig): Contradiction[] {
  const found: Contradiction[] = [];
  if (grpo.preset === 'vad-r1' && grpo.labels === 'spans') {
    found.push({
      path: ['grpo', 'labels'],
      message: 'no reward of the preset `vad-r1` uses spans',
      allowed: '"weak"',
      fix: 'set grpo.labels to weak, or grpo.preset to combined',
    });
  }
  if (grpo.preset === 'srvau-r1' && grpo.labels === 'weak' && grpo.weights.tiou > 0) {
    found.push({
      path: ['grpo', 'labels'],
      message: 'the preset `srvau-r1` rewards temporal IoU, which needs annotated spans',
      allowed: '"spans"',
      fix: 'set grpo.labels to spans, or grpo.weights.tiou to 0',
    });
  }
  for (const window of ['normal', 'abnormal'] as const) {
    const [low, high] = grpo.length[window];
    if (low > high) {
      found.push({
        path: ['grpo', 'length', window],
        message: 'the window ends before it begins',
        allowed: '[least, most]',
      });
    }
  }
  if (frames.policyFrames < 4 && grpo.weights.verification > 0 && grpo.preset !== 'srvau-r1') {
    found.push({
      path: ['frames', 'policyFrames'],
      message: 'verification cuts a segment out of the video, and fewer than 4 frames leave nothing to judge',
      allowed: 'at least 4, or grpo.weights.verification 0',
    });
  }
  return found;
}

function checkEvaluation(config: RunConfig): Contradiction[] {
  const { checkpoints, split } = config.evaluation;
  const trained = trainedCheckpoints(config);
  const found: Contradiction[] = [];
  for (const [index, checkpoint] of checkpoints.entries()) {
    const path = ['evaluation', 'checkpoints', index];
    if (!trained.includes(checkpoint)) {
      found.push({
        path,
        message: 'the run trains no such checkpoint',
        allowed: trained.join(' | '),
      });
    } else if (checkpoints.indexOf(checkpoint) < index) {
      found.push({ path, message: 'named twice' });
    }
  }
  if (split !== 'test' && split !== 'val') {
    found.push({
      path: ['evaluation', 'split'],
      message: 'this split is trained on',
      allowed: '"test" | "val"',
    });
  }
  const share = config.dataset.shares[split];
  if (share === 0 && !config.dataset.sources.some(namesSplits)) {
    found.push({
      path: ['dataset', 'shares', split],
      message: 'nothing would be left to evaluate',
      allowed: 'above 0',
    });
  }
  return found;
}

/** Whether the annotations of a source may name splits themselves, so that shares need not cover them. */
function namesSplits(source: RunConfig['dataset']['sources'][number]): boolean {
  return source.kind === 'jsonl' || source.split !== undefined;
}

function checkTrainer({ trainer }: RunConfig): Contradiction[] {
  if (trainer === 'native') return [];
  return [
    {
      path: ['trainer'],
      message: 'a distributed trainer under the same artifact contract is planned, not there yet',
      allowed: '"native" (TensorFlow.js, one device per worker)',
      fix: 'leave the field out',
    },
  ];
}
