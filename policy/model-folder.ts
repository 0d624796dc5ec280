import { join } from 'node:path';
import { TerminalError } from '../core/errors.js';
import { parsePolicyConfig, type PolicyConfig } from './config.js';
import { readInside, readJsonInside } from './folder-file.js';
import { parameterSpecs } from './parameters.js';
import { WeightFiles } from './weight-files.js';

/** What a model folder says beside its weights, so that the folder of a trained model says it again. */
export interface ModelOrigin {
  /** `config.json` as it was parsed, with the fields that the policy does not use. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Files that are taken over as they are, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Files for generating and for preparing inputs, and the licence, which goes with derived weights. */
const TAKEN_OVER = [
  'generation_config.json',
  'preprocessor_config.json',
  'video_preprocessor_config.json',
  'processor_config.json',
  'LICENSE',
  'NOTICE',
];

/** A model folder whose weights have been matched with its config and not yet read. To be closed. */
export interface ModelFolder {
  readonly config: PolicyConfig;
  readonly origin: ModelOrigin;
  /**
   * Fills `into` with a parameter's values from `start` on. TerminalError `policy.bad-weights` when a file ends early
   * or a value is not finite, which training or sampling would spread to every output.
   */
  readInto(name: string, start: number, into: Float32Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a Hugging Face model folder: `config.json` with `model.safetensors` or a sharded index. Names are those of
 * the released checkpoints; the ones that newer versions of transformers write (`model.language_model.*`,
 * `model.visual.*`) are understood.
 *
 * @throws InputError `policy.bad-config`; TerminalErrors `policy.bad-model-folder` and `policy.bad-weights`, which
 *   names tensor and both shapes on a mismatch
 */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const raw = await readJsonInside(folder, 'config.json');
  const config = parsePolicyConfig(raw, join(folder, 'config.json'));
  const fields = raw as Record<string, unknown>;
  if (fields['quantization_config'] !== undefined && fields['quantization_config'] !== null) {
    throw new TerminalError('policy.bad-model-folder', `${folder} holds quantized weights`, {
      fix: 'take the model without quantization (float32, bfloat16 or float16)',
    });
  }
  const files = new Map<string, Uint8Array>();
  for (const name of TAKEN_OVER) {
    const bytes = await readInside(folder, name);
    if (bytes !== null) files.set(name, bytes);
  }
  const weights = await WeightFiles.open(folder);
  try {
    match(folder, config, weights);
  } catch (error) {
    await weights.close();
    throw error;
  }
  return {
    config,
    origin: { config: fields, files },
    readInto: async (name, start, into) => {
      if (await weights.readInto(name, start, into)) return;
      const at = start + into.findIndex((value) => !Number.isFinite(value));
      throw mismatch(folder, name, `has a value that is not finite (NaN or infinite), element ${at}`);
    },
    close: () => weights.close(),
  };
}

const mismatch = (folder: string, name: string, what: string): TerminalError =>
  new TerminalError('policy.bad-weights', `${folder}: ${name} ${what}`, { fields: { folder, name } });

function match(folder: string, config: PolicyConfig, weights: WeightFiles): void {
  const specs = parameterSpecs(config);
  for (const [name, { shape }] of specs) {
    const held = weights.tensors.get(name)?.shape;
    if (held === undefined)
      throw mismatch(folder, name, `is missing; the config asks for [${shape.join(', ')}]`);
    if (held.length !== shape.length || held.some((size, i) => size !== shape[i])) {
      throw mismatch(folder, name, `is [${held.join(', ')}]; the config asks for [${shape.join(', ')}]`);
    }
  }
  const unknown = [...weights.tensors].filter(([name]) => !specs.has(name) && !isDerived(config, name));
  if (unknown.length === 0) return;
  // Weights that nothing reads mean another architecture or an unmerged adapter: the numbers would be wrong, silently.
  const named = unknown.slice(0, 3).map(([name, { shape }]) => `${name} [${shape.join(', ')}]`);
  const rest = unknown.length > named.length ? ` and ${unknown.length - named.length} more` : '';
  throw new TerminalError(
    'policy.bad-weights',
    `${folder} holds tensors that the model of its config does not have: ${named.join(', ')}${rest}`,
    {
      fields: { folder },
      fix: 'merge adapters before saving; check that config.json belongs to the weights',
    },
  );
}

/**
 * Tensors that some versions and trainers write although they follow from the rest: rotary frequencies, and the output
 * head of a tied model, which transformers too replaces by the embedding.
 */
function isDerived(config: PolicyConfig, name: string): boolean {
  return name.endsWith('.inv_freq') || (config.tieWordEmbeddings && name === 'lm_head.weight');
}
