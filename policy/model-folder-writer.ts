import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TerminalError } from '../core/errors.js';
import { toHuggingFace, type PolicyConfig } from './config.js';
import { ELEMENT_BYTES, type ElementType } from './element-type.js';
import { partialName, replaceFile } from './folder-file.js';
import type { ModelOrigin } from './model-folder.js';
import { parameterSpecs } from './parameters.js';
import { CLIP_MEAN, CLIP_STD } from './processor.js';
import { elementCount } from './safetensors-header.js';
import { writePartialSafetensors, type TensorToWrite, type TensorValues } from './safetensors-writer.js';
import type { Tokenizer } from './tokenizer.js';
import { INDEX_NAME, SINGLE_NAME } from './weight-files.js';

/** A model to be written. */
export interface ModelToWrite {
  readonly config: PolicyConfig;
  /** What the folder said that the model was loaded from; null for one that was trained from scratch. */
  readonly origin: ModelOrigin | null;
  readonly tokenizer: Tokenizer;
  /** A parameter's values by its name. */
  values(name: string): TensorValues;
}

export interface ModelWriteOptions {
  /** Element type of the weights; float32 when absent. */
  readonly dtype?: ElementType;
  /** Bytes of tensors in one file, after which another is begun; 4 GiB when absent. */
  readonly shardBytes?: number;
}

const TORCH_DTYPE = { F32: 'float32', BF16: 'bfloat16', F16: 'float16' } as const;
const CONFIG_NAME = 'config.json';

/**
 * Writes everything that transformers and vLLM want of a model; equal models give equal bytes. Weights are written
 * beside what the folder holds and take its place when they are whole; `config.json` comes last, so a folder that has
 * it is complete. TerminalErrors: `policy.bad-model-folder` when the tokenizer does not fit, `policy.bad-weights` when
 * a value is not finite or too large for its type.
 */
export async function writeModelFolder(
  folder: string,
  model: ModelToWrite,
  { dtype = 'F32', shardBytes = 4 * 2 ** 30 }: ModelWriteOptions = {},
): Promise<void> {
  const { config, origin, tokenizer } = model;
  if (tokenizer.size > config.vocabSize) {
    const message = `the tokenizer has ${tokenizer.size} tokens, the model's vocabulary ${config.vocabSize}`;
    throw new TerminalError('policy.bad-model-folder', message);
  }
  await mkdir(folder, { recursive: true });
  // What a killed attempt left behind.
  for (const name of await readdir(folder)) if (name.endsWith(partialName(''))) await rm(join(folder, name));
  const tensors = [...parameterSpecs(config)].map(([name, { shape }]) => ({
    name,
    shape,
    values: () => model.values(name),
  }));
  const shards = planShards(tensors, dtype, shardBytes);
  for (const [name, held] of shards) {
    await writePartialSafetensors(join(folder, name), held, { dtype, finite: true });
  }
  // From here to the end the folder has no config, so that nobody takes the mixture for a model.
  await rm(join(folder, CONFIG_NAME), { force: true });
  for (const name of await readdir(folder)) {
    if (/^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/.test(name)) await rm(join(folder, name));
  }
  for (const name of shards.keys()) await rename(partialName(join(folder, name)), join(folder, name));
  const writeJson = (name: string, value: unknown) =>
    replaceFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  if (shards.size > 1) await writeJson(INDEX_NAME, shardIndex(shards, dtype));
  for (const [name, bytes] of origin?.files ?? []) await replaceFile(join(folder, name), bytes);
  for (const [name, value] of Object.entries(standardFiles(config))) {
    if (origin?.files.has(name) !== true) await writeJson(name, value);
  }
  await tokenizer.save(folder);
  const fields = origin === null ? toHuggingFace(config) : origin.config;
  await writeJson(CONFIG_NAME, withDtype(fields, TORCH_DTYPE[dtype]));
}

/** Tensors by file name, in the network's order; one file when all fit. A tensor is never split. */
function planShards(
  tensors: readonly TensorToWrite[],
  dtype: ElementType,
  shardBytes: number,
): Map<string, TensorToWrite[]> {
  const shards: TensorToWrite[][] = [[]];
  let held = 0;
  for (const tensor of tensors) {
    const bytes = elementCount(tensor.shape)! * ELEMENT_BYTES[dtype];
    if (held > 0 && held + bytes > shardBytes) {
      shards.push([]);
      held = 0;
    }
    shards.at(-1)!.push(tensor);
    held += bytes;
  }
  if (shards.length === 1) return new Map([[SINGLE_NAME, shards[0]!]]);
  const five = (n: number) => String(n).padStart(5, '0');
  return new Map(
    shards.map((members, at) => [`model-${five(at + 1)}-of-${five(shards.length)}.safetensors`, members]),
  );
}

function shardIndex(shards: ReadonlyMap<string, readonly TensorToWrite[]>, dtype: ElementType): object {
  const places: [string, string][] = [];
  let elements = 0;
  for (const [shard, members] of shards) {
    for (const { name, shape } of members) {
      places.push([name, shard]);
      elements += elementCount(shape)!;
    }
  }
  places.sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    metadata: { total_parameters: elements, total_size: elements * ELEMENT_BYTES[dtype] },
    weight_map: Object.fromEntries(places),
  };
}

/** A `config.json` that names the type of the weights, in whichever spelling it has, at every level. */
function withDtype(config: Readonly<Record<string, unknown>>, dtype: string): Record<string, unknown> {
  const named: Record<string, unknown> = { ...config };
  if (!('dtype' in named) || 'torch_dtype' in named) named['torch_dtype'] = dtype;
  if ('dtype' in named) named['dtype'] = dtype;
  for (const part of ['text_config', 'vision_config']) {
    const inner = named[part];
    if (typeof inner !== 'object' || inner === null) continue;
    const fields = Object.entries(inner).map(([key, value]): [string, unknown] =>
      key === 'dtype' || key === 'torch_dtype' ? [key, dtype] : [key, value],
    );
    named[part] = Object.fromEntries(fields);
  }
  return named;
}

/** Files of a model that was trained from scratch. */
function standardFiles(config: PolicyConfig): Record<string, object> {
  const { tokens, vision } = config;
  return {
    'generation_config.json': {
      bos_token_id: tokens.bos,
      do_sample: false,
      eos_token_id: [tokens.eos, tokens.pad],
      pad_token_id: tokens.pad,
    },
    'preprocessor_config.json': {
      do_convert_rgb: true,
      do_normalize: true,
      do_rescale: true,
      do_resize: true,
      image_mean: [...CLIP_MEAN],
      image_processor_type: 'Qwen2VLImageProcessor',
      image_std: [...CLIP_STD],
      max_pixels: 12845056,
      merge_size: vision.spatialMergeSize,
      min_pixels: 3136,
      patch_size: vision.patchSize,
      processor_class: 'Qwen2_5_VLProcessor',
      temporal_patch_size: vision.temporalPatchSize,
    },
  };
}
