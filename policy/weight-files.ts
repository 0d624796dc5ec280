import { join } from 'node:path';
import { z } from 'zod';
import { TerminalError } from '../core/errors.js';
import { fileInside, readInside, readJsonInside } from './folder-file.js';
import type { TensorEntry } from './safetensors-header.js';
import { SafetensorsFile } from './safetensors.js';

/** Where a model folder lists its shards. */
export const INDEX_NAME = 'model.safetensors.index.json';
/** The weights of a model folder without shards. */
export const SINGLE_NAME = 'model.safetensors';

const Index = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

interface StoredTensor extends TensorEntry {
  readonly file: SafetensorsFile;
  /** Its name in the file. */
  readonly stored: string;
}

/** A model folder's open weight files, with every tensor under the name of the released checkpoints. */
export class WeightFiles {
  private constructor(
    private readonly files: readonly SafetensorsFile[],
    readonly tensors: ReadonlyMap<string, StoredTensor>,
  ) {}

  /**
   * Opens `model.safetensors`, or the shards that the index names, and checks that files and index say the same.
   * TerminalErrors `policy.bad-model-folder` and `policy.bad-weights`.
   */
  static async open(folder: string): Promise<WeightFiles> {
    const index = await readIndex(folder);
    const names = index === null ? [SINGLE_NAME] : [...new Set(index.values())].sort();
    const files: SafetensorsFile[] = [];
    try {
      const tensors = new Map<string, StoredTensor>();
      for (const name of names) {
        const path = await fileInside(folder, name);
        if (path === null)
          throw bad(`${folder} has no ${name}${index === null ? ` and no ${INDEX_NAME}` : ''}`);
        const file = await SafetensorsFile.open(path);
        files.push(file);
        for (const [stored, entry] of file.tensors) {
          const released = releasedName(stored);
          const other = tensors.get(released);
          if (other !== undefined) {
            throw bad(
              `${folder} holds ${released} twice: ${other.stored} in ${other.file.path}, ${stored} in ${file.path}`,
            );
          }
          tensors.set(released, { ...entry, file, stored });
        }
        if (index !== null) compareWithIndex(join(folder, INDEX_NAME), index, name, file);
      }
      return new WeightFiles(files, tensors);
    } catch (error) {
      for (const file of files) await file.close();
      throw error;
    }
  }

  /** As {@link SafetensorsFile.readInto}, by released name. */
  readInto(name: string, start: number, into: Float32Array): Promise<boolean> {
    const { file, stored } = this.tensors.get(name)!;
    return file.readInto(stored, start, into);
  }

  async close(): Promise<void> {
    for (const file of this.files) await file.close();
  }
}

const bad = (message: string): TerminalError => new TerminalError('policy.bad-model-folder', message);

/** The released name of a tensor that newer transformers may have written. */
export const releasedName = (name: string): string =>
  name.replace(/^model\.language_model\./, 'model.').replace(/^model\.visual\./, 'visual.');

/** Shards by tensor, or null without an index. */
async function readIndex(folder: string): Promise<ReadonlyMap<string, string> | null> {
  if ((await readInside(folder, INDEX_NAME)) === null) return null;
  if ((await fileInside(folder, SINGLE_NAME)) !== null) {
    throw new TerminalError(
      'policy.bad-model-folder',
      `${folder} has both ${SINGLE_NAME} and ${INDEX_NAME}`,
      {
        fix: 'remove the one that does not belong to the model',
      },
    );
  }
  const parsed = Index.safeParse(await readJsonInside(folder, INDEX_NAME));
  const path = join(folder, INDEX_NAME);
  if (!parsed.success)
    throw bad(`${path} is not an index of shards: it needs weight_map, names of files by tensor`);
  const entries = Object.entries(parsed.data.weight_map);
  if (entries.length === 0) throw bad(`${path} is not an index of shards: it names none`);
  for (const [tensor, shard] of entries) {
    if (!shard.endsWith('.safetensors'))
      throw bad(`${path} puts ${tensor} into ${shard}, which is no safetensors file`);
  }
  return new Map(entries);
}

function compareWithIndex(
  path: string,
  index: ReadonlyMap<string, string>,
  shard: string,
  file: SafetensorsFile,
): void {
  for (const [tensor, at] of index) {
    if (at === shard && !file.tensors.has(tensor))
      throw bad(`${path} says that ${tensor} lies in ${shard}, which lacks it`);
  }
  for (const tensor of file.tensors.keys()) {
    const at = index.get(tensor);
    if (at !== shard) {
      throw bad(
        `${path} ${at === undefined ? 'does not list' : `puts into ${at}`} ${tensor}, which lies in ${shard}`,
      );
    }
  }
}
