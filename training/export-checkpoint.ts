import { mkdir } from 'node:fs/promises';
import { TerminalError } from '../core/errors.js';
import { readAdapterFolder, writeAdapterFolder, type AdapterFolder } from '../policy/adapter-folder.js';
import type { ElementType } from '../policy/element-type.js';
import { writeModelFolder } from '../policy/model-folder-writer.js';
import { readModelFolder, type ModelFolder } from '../policy/model-folder.js';
import { parameterSpecs } from '../policy/parameters.js';
import { Tokenizer } from '../policy/tokenizer.js';
import { isAdapterFolder } from './checkpoint-policy.js';

/** What is written where. */
export interface ExportRequest {
  /** Checkpoint folder. */
  readonly checkpoint: string;
  /** Folder of the weights that an adapter belongs to; null where there is none. */
  readonly base: string | null;
  /** Adds an adapter to its base and writes the whole model. */
  readonly merge: boolean;
  /** Element type of the written weights. */
  readonly dtype: ElementType;
  readonly folder: string;
}

/** What was written. */
export type Exported =
  | { readonly kind: 'model' }
  | {
      readonly kind: 'adapter';
      readonly rank: number;
      /** Whether it changes the vision tower. */ readonly seesVision: boolean;
    };

/**
 * Writes a checkpoint as a folder that transformers, peft and vLLM load: a whole model, or the adapter of one that names
 * its base by the folder it was found in. One tensor is in memory at a time. TerminalErrors: `training.no-base`, and those
 * of reading and writing model and adapter folders.
 */
export async function exportCheckpoint(request: ExportRequest): Promise<Exported> {
  const { checkpoint, base, merge, dtype, folder } = request;
  const tokenizer = await Tokenizer.load(checkpoint);
  const isAdapter = await isAdapterFolder(checkpoint);
  if (isAdapter && base === null) {
    throw new TerminalError('training.no-base', `${checkpoint} holds an adapter, and its base is not known`, {
      fix: 'set model.path of the run to the weights that the adapter was trained on',
    });
  }
  const model = await readModelFolder(isAdapter ? base! : checkpoint);
  try {
    const adapter = isAdapter ? await readAdapterFolder(checkpoint, model.config) : null;
    if (adapter === null || merge) {
      const values = (name: string) => readMerged(model, adapter, name);
      const { config, origin } = model;
      await writeModelFolder(folder, { config, origin, tokenizer, values }, { dtype });
      return { kind: 'model' };
    }
    await mkdir(folder, { recursive: true });
    await tokenizer.save(folder);
    await writeAdapterFolder(folder, model.config, { ...adapter, baseModel: base! }, { dtype });
    return {
      kind: 'adapter',
      rank: adapter.config.rank,
      seesVision: [...adapter.layers.keys()].some((linear) => linear.startsWith('visual.')),
    };
  } finally {
    await model.close();
  }
}

/** A parameter, with what the adapter adds to it: W + alpha / rank * B A. */
async function readMerged(
  model: ModelFolder,
  adapter: AdapterFolder | null,
  name: string,
): Promise<Float32Array> {
  const shape = parameterSpecs(model.config).get(name)!.shape;
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  await model.readInto(name, 0, values);
  const layer = adapter?.layers.get(name.replace(/\.weight$/, ''));
  if (adapter == null || layer === undefined || !name.endsWith('.weight')) return values;
  const { rank, alpha } = adapter.config;
  const inputs = shape[1]!;
  // In double precision, so that the sum over the rank is rounded once.
  const row = new Float64Array(inputs);
  for (let output = 0; output < shape[0]!; output++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = (layer.b[output * rank + r]! * alpha) / rank;
      const a = layer.a.subarray(r * inputs, (r + 1) * inputs);
      for (let i = 0; i < inputs; i++) row[i]! += factor * a[i]!;
    }
    const own = values.subarray(output * inputs, (output + 1) * inputs);
    for (let i = 0; i < inputs; i++) own[i]! += row[i]!;
  }
  return values;
}
