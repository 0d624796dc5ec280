import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../../core/random.js';
import { writeModelFolder } from '../../policy/model-folder-writer.js';
import { parameterSpecs } from '../../policy/parameters.js';
import { writeSafetensors } from '../../policy/safetensors-writer.js';
import { trainWordTokenizer } from '../../policy/word-tokenizer.js';
import type { Workload } from './workloads.js';

/** Writes a work's folder: the model in `model/`, `patches.safetensors`, and `work.json`; the same bytes every time. */
export async function writeWork(folder: string, { name, model, work }: Workload): Promise<void> {
  await mkdir(folder, { recursive: true });
  const specs = parameterSpecs(model);
  await writeModelFolder(join(folder, 'model'), {
    config: model,
    origin: null,
    tokenizer: trainWordTokenizer([]),
    values: (parameter) => {
      const { shape, start } = specs.get(parameter)!;
      const values = new Float32Array(sizeOf(shape));
      const random = Random.from(0, name, parameter);
      if ('constant' in start) values.fill(start.constant);
      else for (let i = 0; i < values.length; i++) values[i] = start.normal * random.normal();
      return Promise.resolve(values);
    },
  });
  const { vision } = model;
  const videos = Math.max(...work.batches.map(({ prompts }) => prompts.length));
  const patches = videos * sizeOf(Object.values(work.grid));
  const shape = [patches, vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2];
  const random = Random.from(0, name, 'patches');
  // Normalised colours lie about here.
  const values = Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1.8, 2.1));
  await writeSafetensors(join(folder, 'patches.safetensors'), [
    { name: 'patches', shape, values: () => Promise.resolve(values) },
  ]);
  await writeFile(join(folder, 'work.json'), JSON.stringify(work));
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
