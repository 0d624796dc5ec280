import type { PolicyConfig } from '../policy/config.js';
import { loraTargets } from '../policy/lora.js';
import type { Segment } from '../policy/media.js';
import { parameterSpecs } from '../policy/parameters.js';
import { planWindows } from '../policy/vision-windows.js';
import type { ModelTuning } from './model-tuning.js';

/** TensorFlow.js computes in float32. */
const bytesPerValue = 4;

/** Bytes on the device at the worst moment of a step, by what they are for. */
export interface StepMemory {
  readonly weights: number;
  readonly gradients: number;
  /** Adam's two moments. */
  readonly moments: number;
  /** What GRPO's reference policy adds. */
  readonly reference: number;
  /** What a backward pass keeps and works with; of answering, the largest layer of a prompt. */
  readonly activations: number;
  /** Keys and values of the sequences that are written at once. */
  readonly cache: number;
  readonly total: number;
}

/** Sequences that are read or written at once. */
export interface SequenceBatch {
  readonly rows: number;
  /** Tokens of a padded row, completion included. */
  readonly length: number;
  /** Positions of a row whose logits are computed. */
  readonly predicted: number;
  /** Pictures of all rows, as the vision tower takes them. */
  readonly segments: readonly Segment[];
}

/** Numbers of values that are trained and that are not, in the policy and its adapter. */
export interface ValueCounts {
  readonly trained: number;
  readonly frozen: number;
  /** Trained values of the vision tower; none means that no gradient reaches it. */
  readonly trainedVision: number;
}

/** Counts what training touches. TerminalErrors as {@link loraTargets}. */
export function valueCounts(policy: PolicyConfig, { lora, freezeVision }: ModelTuning): ValueCounts {
  const isVision = (name: string): boolean => name.startsWith('visual.');
  const specs = parameterSpecs(policy);
  const sizes = [...specs].map(([name, { shape }]) => ({ name, size: shape.reduce((a, b) => a * b, 1) }));
  const count = (of: (name: string) => boolean): number =>
    sizes.reduce((sum, { name, size }) => sum + (of(name) ? size : 0), 0);
  if (lora === null) {
    const vision = count(isVision);
    const text = count((name) => !isVision(name));
    return freezeVision
      ? { trained: text, frozen: vision, trainedVision: 0 }
      : { trained: text + vision, frozen: 0, trainedVision: vision };
  }
  let trained = 0;
  let trainedVision = 0;
  for (const layer of loraTargets(policy, lora.targets)) {
    if (freezeVision && isVision(layer)) continue;
    const [outputs, inputs] = specs.get(`${layer}.weight`)!.shape as [number, number];
    trained += lora.rank * (inputs + outputs);
    if (isVision(layer)) trainedVision += lora.rank * (inputs + outputs);
  }
  return { trained, frozen: count(() => true), trainedVision };
}

/**
 * How often a value lies on the device while its kind of step runs. Trained values live in the compiled step and in the
 * policy's variables, which generation and saving read; so do moments and summed gradients between steps.
 */
const copies = { frozen: 1, trained: 2, gradients: 2, moments: 2 * 2 } as const;

/** A supervised step or a GRPO update on its largest micro-batch. */
export function trainingMemory(
  policy: PolicyConfig,
  tuning: ModelTuning,
  batch: SequenceBatch,
  more: { readonly reference?: 'policy' | 'adapter' | null; readonly cached?: SequenceBatch | null } = {},
): StepMemory {
  const { trained, frozen, trainedVision } = valueCounts(policy, tuning);
  const reference = { policy: frozen + trained, adapter: trained, none: 0 }[more.reference ?? 'none'];
  return inBytes({
    weights: copies.frozen * frozen + copies.trained * trained,
    gradients: copies.gradients * trained,
    moments: copies.moments * trained,
    reference,
    activations: keptValues(policy, tuning, batch, trainedVision > 0),
    cache: more.cached == null ? 0 : cacheValues(policy, more.cached),
  });
}

/** Writing answers to prompts. */
export function answeringMemory(policy: PolicyConfig, tuning: ModelTuning, batch: SequenceBatch): StepMemory {
  const { trained, frozen } = valueCounts(policy, tuning);
  const prompts = { ...batch, length: batch.length - batch.predicted };
  const largest = Math.max(layerValues(policy, prompts), ...visionBlocks(policy, batch));
  return inBytes({
    weights: tuning.lora === null ? trained + frozen : frozen + trained,
    gradients: 0,
    moments: 0,
    reference: 0,
    activations: largest,
    cache: cacheValues(policy, batch),
  });
}

/** Values that the backward pass keeps, with what it works with at its largest layer. */
function keptValues(
  policy: PolicyConfig,
  { recompute }: ModelTuning,
  batch: SequenceBatch,
  reachesVision: boolean,
): number {
  const blocks = visionBlocks(policy, batch);
  const layer = layerValues(policy, batch);
  const tokens = batch.rows * batch.length;
  const patches = batch.segments.reduce((sum, { frames, h, w }) => sum + frames * h * w, 0);
  const logits = 3 * batch.rows * batch.predicted * policy.vocabSize;
  const text = recompute
    ? policy.layers * tokens * policy.hiddenSize + Math.max(2 * layer, logits)
    : policy.layers * layer + Math.max(layer, logits);
  if (!reachesVision) return Math.max(text, ...blocks);
  const tower = recompute
    ? policy.vision.depth * patches * policy.vision.hiddenSize
    : blocks.reduce((sum, block) => sum + block, 0);
  return text + tower + (recompute ? Math.max(0, 2 * Math.max(...blocks) - 2 * layer) : 0);
}

/** Values that the gradient of one decoder layer needs: norms, projections, attention probabilities, SwiGLU. */
function layerValues(policy: PolicyConfig, { rows, length }: Pick<SequenceBatch, 'rows' | 'length'>): number {
  const { hiddenSize, heads, keyValueHeads, headDim, intermediateSize } = policy;
  const perToken = 8 * hiddenSize + 2 * keyValueHeads * headDim + 4 * intermediateSize + 2 * heads * length;
  return rows * length * perToken;
}

/** The same of each block of the vision tower. */
function visionBlocks({ vision }: PolicyConfig, { segments }: Pick<SequenceBatch, 'segments'>): number[] {
  const { depth, hiddenSize, heads, intermediateSize, spatialMergeSize } = vision;
  return Array.from({ length: depth }, (_, block) => {
    let values = 0;
    for (const segment of segments) {
      const patches = segment.h * segment.w;
      const unit = spatialMergeSize ** 2;
      const pairs = vision.fullAttentionBlocks.includes(block)
        ? patches ** 2
        : planWindows(vision, segment).groups.reduce(
            (sum, { windows, units }) => sum + windows * (units * unit) ** 2,
            0,
          );
      values += segment.frames * (patches * (11 * hiddenSize + 4 * intermediateSize) + 2 * heads * pairs);
    }
    return values;
  });
}

/** Keys and values of all rows in all layers. */
function cacheValues(
  { layers, keyValueHeads, headDim }: PolicyConfig,
  { rows, length }: SequenceBatch,
): number {
  return 2 * layers * keyValueHeads * headDim * rows * length;
}

function inBytes(values: Omit<StepMemory, 'total'>): StepMemory {
  const parts = Object.fromEntries(
    Object.entries(values).map(([name, count]) => [name, bytesPerValue * count]),
  ) as unknown as Omit<StepMemory, 'total'>;
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
