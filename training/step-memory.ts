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
  /** The policy's own, and those of the compiled step. */
  readonly weights: number;
  readonly gradients: number;
  /** Adam's two moments. */
  readonly moments: number;
  /** What GRPO's reference policy adds. */
  readonly reference: number;
  /** What the backward pass keeps and works with; of answering, the largest layer of the prompts. */
  readonly activations: number;
  /** Keys and values of the sequences that are written at once. */
  readonly cache: number;
  /** What TensorFlow needs for the compiled graph itself, in main memory; with a GPU it is not on the device. */
  readonly graph: number;
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

/** Sequences that are written at once, some to each prompt. */
export interface AnswerBatch extends SequenceBatch {
  /** Different prompts, which are read once each. */
  readonly prompts: number;
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
 * A supervised step or a GRPO update on its largest micro-batch: what follows from the steps that `learner.ts` compiles
 * and from the operations in `policy/`, without what the allocator wastes.
 */
export function trainingMemory(
  policy: PolicyConfig,
  tuning: ModelTuning,
  batch: SequenceBatch,
  more: {
    readonly reference?: 'policy' | 'adapter' | null;
    /** Micro-batches of one update: gradients of several are summed. */
    readonly parts?: number;
    /** What is written before a step, with the weights that are trained. */
    readonly answers?: AnswerBatch | null;
  } = {},
): StepMemory {
  const { trained, frozen, trainedVision } = valueCounts(policy, tuning);
  const { parts = 1, answers = null } = more;
  const reference = { policy: frozen + trained, adapter: trained, none: 0 }[more.reference ?? 'none'];
  const passes = 1 + (parts > 1 ? 1 : 0) + (more.reference == null ? 0 : 0.5);
  const kept = keptValues(policy, tuning, batch, { trained, trainedVision });
  const written = answers === null ? { activations: 0, cache: 0 } : writtenValues(policy, answers);
  // One after the other, so the larger of both counts.
  const isUpdate = kept >= written.activations + written.cache;
  return inBytes(
    {
      // What is trained is the policy's, for generation and saving, and apart from that the step's; what is frozen is
      // shared.
      weights: frozen + 2 * trained + joinedValues(policy, tuning),
      gradients: parts > 1 ? 2 * trained : trained,
      moments: 2 * trained,
      reference,
      ...(isUpdate ? { activations: kept, cache: 0 } : written),
    },
    passes * graphBytes(policy, tuning),
  );
}

/** Writing answers to prompts. */
export function answeringMemory(policy: PolicyConfig, tuning: ModelTuning, batch: AnswerBatch): StepMemory {
  const { trained, frozen } = valueCounts(policy, tuning);
  return inBytes(
    {
      weights: trained + frozen + policy.layers * projectionValues(policy, tuning),
      gradients: 0,
      moments: 0,
      reference: 0,
      ...writtenValues(policy, batch),
    },
    graphBytes(policy, tuning) / 4,
  );
}

/** Prompts are read layer by layer, each layer's temporaries together; then sequences grow token by token. */
function writtenValues(policy: PolicyConfig, batch: AnswerBatch): { activations: number; cache: number } {
  const prompts = { rows: batch.prompts, length: batch.length - batch.predicted };
  return {
    activations: Math.max(
      layerValues(policy, prompts) + layerWork(policy, prompts),
      ...visionBlocks(policy, batch).map(({ kept, work }) => kept + work),
    ),
    cache: cacheValues(policy, batch),
  };
}

/** Query, key and value matrices of a layer side by side, where no adapter keeps them apart. */
function projectionValues(policy: PolicyConfig, { lora }: ModelTuning): number {
  const { hiddenSize, heads, keyValueHeads, headDim } = policy;
  return lora === null ? hiddenSize * (heads + 2 * keyValueHeads) * headDim : 0;
}

/** Joined projections live from a layer's forward pass to its backward pass. */
function joinedValues(policy: PolicyConfig, tuning: ModelTuning): number {
  return (tuning.recompute ? 1 : policy.layers) * projectionValues(policy, tuning);
}

/** Copies of the logits: themselves, softmax minus target, and the gradient. */
const logitsCopies = 3;

/** Values that the backward pass keeps, with what it works with at its worst moment. */
function keptValues(
  policy: PolicyConfig,
  { recompute }: ModelTuning,
  batch: SequenceBatch,
  { trained, trainedVision }: Pick<ValueCounts, 'trained' | 'trainedVision'>,
): number {
  const blocks = visionBlocks(policy, batch);
  const patches = batch.segments.reduce((sum, { frames, h, w }) => sum + frames * h * w, 0);
  const kept = layerValues(policy, batch);
  const work = layerWork(policy, batch);
  const logits = logitsCopies * batch.rows * batch.predicted * policy.vocabSize;
  const largest = (of: (block: LayerMemory) => number): number => Math.max(0, ...blocks.map(of));
  const inputs = policy.layers * batch.rows * batch.length * policy.hiddenSize;
  const text = recompute ? inputs : policy.layers * kept;
  // With recomputation the logits come between passes over single layers. Their place is too large for what those need and
  // TensorFlow's allocator does not give it back (measured); only gradients fill it up.
  const textWork = recompute ? kept + work + Math.max(0, logits - trained) : Math.max(logits, work);
  const reachesVision = trainedVision > 0;
  const seen = !reachesVision
    ? 0
    : recompute
      ? policy.vision.depth * patches * policy.vision.hiddenSize
      : blocks.reduce((sum, block) => sum + block.kept, 0);
  // The tower's gradient comes last, when what the decoder kept is gone.
  return Math.max(
    seen + text + textWork,
    seen + largest((block) => block.work + (recompute || !reachesVision ? block.kept : 0)),
  );
}

/** Values of one layer or block. */
interface LayerMemory {
  /** What its gradient needs: norms, projections, attention probabilities, SwiGLU. */
  readonly kept: number;
  /** What is there besides while its gradient is computed: of the scores or of SwiGLU. */
  readonly work: number;
}

type Rows = Pick<SequenceBatch, 'rows' | 'length'>;

/** What the gradient of one decoder layer needs: see `policy/decoder.ts` and the saved tensors of `policy/ops.ts`. */
function layerValues(policy: PolicyConfig, { rows, length }: Rows): number {
  const { hiddenSize, heads, keyValueHeads, headDim, intermediateSize } = policy;
  const perToken = 7 * hiddenSize + 2 * keyValueHeads * headDim + 4 * intermediateSize + heads * length;
  return rows * length * perToken;
}

/** Three tensors of the size of the scores, or five of SwiGLU's. */
function layerWork({ heads, intermediateSize }: PolicyConfig, { rows, length }: Rows): number {
  return rows * length * Math.max(3 * heads * length, 5 * intermediateSize);
}

/** The same for each block of the vision tower. */
function visionBlocks(
  { vision }: PolicyConfig,
  { segments }: Pick<SequenceBatch, 'segments'>,
): LayerMemory[] {
  const { depth, hiddenSize, heads, intermediateSize, spatialMergeSize } = vision;
  const unit = spatialMergeSize ** 2;
  return Array.from({ length: depth }, (_, block) => {
    let kept = 0;
    let work = 0;
    for (const segment of segments) {
      const perFrame = segment.h * segment.w;
      const scores = vision.fullAttentionBlocks.includes(block)
        ? perFrame ** 2
        : planWindows(vision, segment).groups.reduce(
            (sum, { windows, units }) => sum + windows * (units * unit) ** 2,
            0,
          );
      const patches = segment.frames * perFrame;
      kept += patches * (10 * hiddenSize + 4 * intermediateSize) + segment.frames * heads * scores;
      work += Math.max(3 * segment.frames * heads * scores, 5 * patches * intermediateSize);
    }
    return { kept, work };
  });
}

/** Keys and values of all rows in all layers. */
function cacheValues(
  { layers, keyValueHeads, headDim }: PolicyConfig,
  { rows, length }: SequenceBatch,
): number {
  return 2 * layers * keyValueHeads * headDim * rows * length;
}

/**
 * Measured on the CPU with models of next to no width: 50 MB for the first graph, and about so much for every layer that
 * a pass goes through, its gradient and its updates included.
 */
function graphBytes({ layers, vision }: PolicyConfig, { lora, recompute }: ModelTuning): number {
  const perLayer = (lora === null ? 9e6 : 12.5e6) + (recompute ? 1e6 : 0);
  return 50e6 + (layers + vision.depth) * perLayer;
}

function inBytes(values: Omit<StepMemory, 'graph' | 'total'>, graph: number): StepMemory {
  const scaled = Object.entries(values).map(([name, count]) => [name, bytesPerValue * count] as const);
  const parts = Object.fromEntries(scaled) as unknown as typeof values;
  return { ...parts, graph, total: scaled.reduce((sum, [, bytes]) => sum + bytes, graph) };
}
