import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ADAPTER_CONFIG_NAME,
  badAdapter,
  parseAdapterConfig,
  targetModules,
  toPeft,
  type AdapterConfig,
} from './adapter-config.js';
import type { PolicyConfig } from './config.js';
import type { ElementType } from './element-type.js';
import { fileInside, readJsonInside, replaceFile } from './folder-file.js';
import { loraNames, loraTargets, moduleName, type LoraConfig } from './lora.js';
import { parameterSpecs } from './parameters.js';
import { SafetensorsFile } from './safetensors.js';
import { writeSafetensors } from './safetensors-writer.js';
import { releasedName } from './weight-files.js';

const WEIGHTS_NAME = 'adapter_model.safetensors';

/** The two matrices that LoRA adds to one linear layer. */
export interface LowRankValues {
  /** [rank, in] */
  readonly a: Float32Array;
  /** [out, rank] */
  readonly b: Float32Array;
}

/** What a peft adapter folder holds. */
export interface AdapterFolder {
  readonly config: LoraConfig;
  /** The name or folder of the model that the adapter was trained on, as peft keeps it. */
  readonly baseModel: string | null;
  /** By released name of the linear layer, e.g. `model.layers.0.self_attn.q_proj`, in the network's order. */
  readonly layers: ReadonlyMap<string, LowRankValues>;
}

/**
 * Writes an adapter folder as peft 0.18 does for Qwen2.5-VL under transformers 4.57; equal adapters give equal bytes.
 * `adapter_config.json` comes last, so a folder that has it is complete. TerminalErrors: `policy.bad-adapter` for a
 * layer that the model does not have, `policy.bad-weights` when values do not fill their shape or are not finite.
 */
export async function writeAdapterFolder(
  folder: string,
  policy: PolicyConfig,
  adapter: AdapterFolder & { readonly baseModel: string },
  { dtype = 'F32' }: { readonly dtype?: ElementType } = {},
): Promise<void> {
  const { config, layers } = adapter;
  const sizes = linearSizes(policy);
  const tensors = [...layers].flatMap(([linear, { a, b }]) => {
    const size = sizes.get(linear);
    if (size === undefined)
      throw badAdapter(folder, `cannot hold ${linear}, which is no linear layer of the model`);
    const names = loraNames(`base_model.model.${moduleName(linear)}`);
    return [
      { name: names.a, shape: [config.rank, size.inputs], values: () => Promise.resolve(a) },
      { name: names.b, shape: [size.outputs, config.rank], values: () => Promise.resolve(b) },
    ];
  });
  if (tensors.length === 0) throw badAdapter(folder, 'cannot hold an adapter of no layers');
  await mkdir(folder, { recursive: true });
  await rm(join(folder, ADAPTER_CONFIG_NAME), { force: true });
  await writeSafetensors(join(folder, WEIGHTS_NAME), tensors, { dtype, finite: true });
  const json = toPeft(policy, config, [...layers.keys()], adapter.baseModel);
  await replaceFile(join(folder, ADAPTER_CONFIG_NAME), `${JSON.stringify(json, null, 2)}\n`);
}

/**
 * Reads an adapter folder of this or any older version of peft. TerminalErrors: `policy.bad-adapter` for options that
 * change what is computed, for layers that the model does not have or the configuration does not select, and for
 * other shapes than rank and model ask for; `policy.bad-weights` and `policy.bad-model-folder` for broken files.
 */
export async function readAdapterFolder(folder: string, policy: PolicyConfig): Promise<AdapterFolder> {
  const config = parseAdapterConfig(folder, await readJsonInside(folder, ADAPTER_CONFIG_NAME));
  const path = await fileInside(folder, WEIGHTS_NAME);
  if (path === null) {
    const pickled = (await fileInside(folder, 'adapter_model.bin')) !== null;
    throw badAdapter(
      folder,
      `has no ${WEIGHTS_NAME}${pickled ? '; adapter_model.bin is not read: save the adapter as safetensors' : ''}`,
    );
  }
  const file = await SafetensorsFile.open(path);
  try {
    const stored = pairs(file, policy, config.lora.rank);
    const layers = new Map<string, LowRankValues>();
    for (const [linear, { a, b }] of stored) {
      layers.set(linear, { a: await readFinite(file, a), b: await readFinite(file, b) });
    }
    const targets = checkedTargets(join(folder, ADAPTER_CONFIG_NAME), policy, config, [...layers.keys()]);
    return { config: { ...config.lora, targets }, baseModel: config.baseModel, layers };
  } finally {
    await file.close();
  }
}

async function readFinite(file: SafetensorsFile, name: string): Promise<Float32Array> {
  const values = await file.read(name);
  if (values.some((value) => !Number.isFinite(value))) {
    throw badAdapter(file.path, `has a value in ${name} that is not finite (NaN or infinite)`);
  }
  return values;
}

interface LinearSize {
  readonly inputs: number;
  readonly outputs: number;
}

/** Linear layers in the network's order. */
function linearSizes(policy: PolicyConfig): Map<string, LinearSize> {
  const sizes = new Map<string, LinearSize>();
  for (const [name, { shape }] of parameterSpecs(policy)) {
    const [outputs, inputs] = shape;
    if (shape.length !== 2 || !name.endsWith('.weight') || name === 'model.embed_tokens.weight') continue;
    sizes.set(name.slice(0, -'.weight'.length), { inputs: inputs!, outputs: outputs! });
  }
  return sizes;
}

/** Names of the two matrices in the file by linear layer, in the network's order. */
function pairs(
  file: SafetensorsFile,
  policy: PolicyConfig,
  rank: number,
): Map<string, { a: string; b: string }> {
  const sizes = linearSizes(policy);
  const found = new Map<string, { a?: string; b?: string }>();
  for (const [name, { shape }] of file.tensors) {
    // With an adapted output head peft also saves the head itself, which the adapter leaves as it is.
    if (name.endsWith('.base_layer.weight')) continue;
    const match = /^(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(name);
    const linear = releasedName(match?.[1] ?? '');
    const size = sizes.get(linear);
    if (match === null || size === undefined) {
      throw badAdapter(
        file.path,
        `holds ${name} [${shape.join(', ')}], which belongs to no linear layer of the model`,
      );
    }
    const which = match[2] === 'A' ? 'a' : 'b';
    const wanted = which === 'a' ? [rank, size.inputs] : [size.outputs, rank];
    if (shape.length !== 2 || shape[0] !== wanted[0] || shape[1] !== wanted[1]) {
      throw badAdapter(
        file.path,
        `holds ${name} as [${shape.join(', ')}]; the model and r ${rank} ask for [${wanted.join(', ')}]`,
      );
    }
    const pair = found.get(linear) ?? {};
    if (pair[which] !== undefined) throw badAdapter(file.path, `holds both ${pair[which]} and ${name}`);
    found.set(linear, { ...pair, [which]: name });
  }
  const ordered = new Map<string, { a: string; b: string }>();
  for (const linear of sizes.keys()) {
    const pair = found.get(linear);
    if (pair === undefined) continue;
    const { a, b } = pair;
    if (a === undefined || b === undefined) {
      throw badAdapter(file.path, `holds ${a ?? b} without the other matrix of ${linear}`);
    }
    ordered.set(linear, { a, b });
  }
  if (ordered.size === 0) throw badAdapter(file.path, 'holds no LoRA matrices');
  return ordered;
}

/**
 * Targets that select exactly the layers of the file: the configuration's own where they do. A pattern may speak of
 * module names of other versions and further options may narrow it down, so there the file decides.
 */
function checkedTargets(
  path: string,
  policy: PolicyConfig,
  { lora, narrowed }: AdapterConfig,
  linears: readonly string[],
): LoraConfig['targets'] {
  const fileDecides = narrowed || typeof lora.targets === 'string';
  let selected: string[];
  try {
    selected = loraTargets(policy, lora.targets);
  } catch (error) {
    if (fileDecides) return targetModules(policy, linears);
    throw error;
  }
  const missing = selected.filter((linear) => !linears.includes(linear));
  const added = linears.filter((linear) => !selected.includes(linear));
  if (missing.length === 0 && added.length === 0) return lora.targets;
  if (fileDecides) return targetModules(policy, linears);
  const [first] = missing.length > 0 ? missing : added;
  throw badAdapter(
    path,
    `has target_modules [${[...lora.targets].join(', ')}], which ${missing.length > 0 ? 'select' : 'do not select'} ${first}; ` +
      `${WEIGHTS_NAME} ${missing.length > 0 ? 'lacks' : 'holds'} it`,
  );
}
