import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { TerminalError } from '../core/errors.js';
import { parsePolicyConfig, toHuggingFace, type PolicyConfig } from './config.js';
import { parameterSpecs } from './parameters.js';
import { CLIP_MEAN, CLIP_STD } from './processor.js';
import { SafetensorsFile, writeSafetensors } from './safetensors.js';
import type { Tokenizer } from './tokenizer.js';

const INDEX = 'model.safetensors.index.json';
const SINGLE = 'model.safetensors';

/** A model folder whose weights have been matched with its config and not yet read. */
export interface ModelFolder {
  readonly config: PolicyConfig;
  /** Parameters in the network's order, one in memory at a time. */
  parameters(): AsyncGenerator<{ name: string; shape: readonly number[]; values: Float32Array }>;
}

/**
 * Opens a Hugging Face model folder: `config.json` with `model.safetensors` or a sharded index. Names are those of
 * the released checkpoints; the ones that newer versions of transformers write (`model.language_model.*`,
 * `model.visual.*`) are understood. TerminalError `policy.bad-weights` names tensor and both shapes on a mismatch.
 */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const configPath = join(folder, 'config.json');
  const config = parsePolicyConfig(await readJson(configPath), configPath);
  const specs = parameterSpecs(config);
  const shards = await shardsOf(folder);

  async function* parameters() {
    const files = new Map<string, SafetensorsFile>();
    try {
      const where = new Map<string, { file: SafetensorsFile; stored: string }>();
      for (const shard of shards) {
        const file = await SafetensorsFile.open(join(folder, shard));
        files.set(shard, file);
        for (const stored of file.tensors.keys()) where.set(releasedName(stored), { file, stored });
      }
      for (const [name, { shape }] of specs) {
        const found = where.get(name);
        if (found === undefined)
          throw mismatch(folder, name, `is missing; the config asks for [${shape.join(', ')}]`);
        const held = found.file.tensors.get(found.stored)!.shape;
        if (held.length !== shape.length || held.some((size, i) => size !== shape[i])) {
          throw mismatch(folder, name, `is [${held.join(', ')}]; the config asks for [${shape.join(', ')}]`);
        }
      }
      for (const [name, { shape }] of specs) {
        const { file, stored } = where.get(name)!;
        yield { name, shape, values: await file.read(stored) };
      }
    } finally {
      for (const file of files.values()) await file.close();
    }
  }
  return { config, parameters };
}

const mismatch = (folder: string, name: string, what: string): TerminalError =>
  new TerminalError('policy.bad-weights', `${folder}: ${name} ${what}`, { fields: { folder, name } });

const releasedName = (name: string): string =>
  name.replace(/^model\.language_model\./, 'model.').replace(/^model\.visual\./, 'visual.');

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new TerminalError('policy.bad-model-folder', `${path} cannot be read`, { cause });
  }
}

async function shardsOf(folder: string): Promise<string[]> {
  const path = join(folder, INDEX);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return [SINGLE];
  }
  const Index = z.object({ weight_map: z.record(z.string(), z.string()) });
  let index: z.infer<typeof Index>;
  try {
    index = Index.parse(JSON.parse(text));
  } catch (cause) {
    throw new TerminalError('policy.bad-model-folder', `${path} is not an index of shards`, { cause });
  }
  const shards = [...new Set(Object.values(index.weight_map))].sort();
  for (const shard of shards) {
    if (basename(shard) !== shard || shard === '..' || !shard.endsWith('.safetensors')) {
      throw new TerminalError(
        'policy.bad-model-folder',
        `${path} names ${shard}, which is no file of the folder`,
      );
    }
  }
  return shards;
}

/** Writes everything that transformers and vLLM want of a model; equal models give equal bytes. */
export async function writeModelFolder(
  folder: string,
  model: {
    readonly config: PolicyConfig;
    readonly tokenizer: Tokenizer;
    /** A parameter's values by its name. */
    values(name: string): Promise<Float32Array>;
  },
): Promise<void> {
  const { config, tokenizer } = model;
  if (tokenizer.size > config.vocabSize) {
    const message = `the tokenizer has ${tokenizer.size} tokens, the model's vocabulary ${config.vocabSize}`;
    throw new TerminalError('policy.bad-model-folder', message);
  }
  await mkdir(folder, { recursive: true });
  const write = (name: string, value: unknown) =>
    writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await write('config.json', toHuggingFace(config));
  await write('generation_config.json', {
    bos_token_id: config.tokens.bos,
    do_sample: false,
    eos_token_id: [config.tokens.eos, config.tokens.pad],
    pad_token_id: config.tokens.pad,
  });
  await write('preprocessor_config.json', {
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: [...CLIP_MEAN],
    image_processor_type: 'Qwen2VLImageProcessor',
    image_std: [...CLIP_STD],
    max_pixels: 12845056,
    merge_size: config.vision.spatialMergeSize,
    min_pixels: 3136,
    patch_size: config.vision.patchSize,
    processor_class: 'Qwen2_5_VLProcessor',
    temporal_patch_size: config.vision.temporalPatchSize,
  });
  await tokenizer.save(folder);
  const tensors = [...parameterSpecs(config)].map(([name, { shape }]) => ({
    name,
    shape,
    values: () => model.values(name),
  }));
  await writeSafetensors(join(folder, SINGLE), tensors);
}
