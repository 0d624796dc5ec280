import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { deriveKey } from '../../core/random.js';
import type { Backend } from '../../policy/backend.js';
import { nativeBackend } from '../../policy/native.js';
import { Policy } from '../../policy/policy.js';
import { SafetensorsFile } from '../../policy/safetensors.js';
import { writeSafetensors } from '../../policy/safetensors-writer.js';
import { trainWordTokenizer } from '../../policy/word-tokenizer.js';
import { tinyConfig } from './tiny.js';

export const INDEX = 'model.safetensors.index.json';
export const tokenizer = trainWordTokenizer(['a model of nine words']);

export const makePolicy = (backend: Backend, seed: number) =>
  Policy.initialise(backend, tinyConfig, deriveKey(seed, 'model'));

/** Saves a fresh model and frees it; 97 KB of tensors. */
export async function saveFresh(backend: Backend, folder: string, seed: number, options = {}): Promise<void> {
  const policy = makePolicy(backend, seed);
  await policy.save(folder, tokenizer, options);
  policy.dispose();
}

export async function expectEqualWeights(a: Policy, b: Policy): Promise<void> {
  expect([...a.variables.keys()]).toEqual([...b.variables.keys()]);
  for (const [name, variable] of a.variables) {
    expect(await b.variables.get(name)!.data(), name).toEqual(await variable.data());
  }
}

export const readJson = async (folder: string, name: string) =>
  JSON.parse(await readFile(join(folder, name), 'utf8')) as Record<string, unknown>;
export const writeJson = (folder: string, name: string, value: unknown) =>
  writeFile(join(folder, name), JSON.stringify(value));

export interface Edit {
  readonly shape: readonly number[];
  /** Every value, or one by its place. */
  readonly fill: number | ((i: number) => number);
}

/** Adds, replaces or (null) leaves out tensors of a saved single-file model. */
export async function editWeights(
  folder: string,
  edits: Readonly<Record<string, Edit | null>>,
): Promise<void> {
  const path = join(folder, 'model.safetensors');
  const file = await SafetensorsFile.open(path);
  const tensors = await Promise.all(
    [...file.tensors].map(async ([name, { shape }]) => ({ name, shape, data: await file.read(name) })),
  );
  await file.close();
  const kept = tensors.filter(({ name }) => !(name in edits));
  for (const [name, edit] of Object.entries(edits)) {
    if (edit === null) continue;
    const data = new Float32Array(edit.shape.reduce((a, b) => a * b, 1));
    const { fill } = edit;
    for (let i = 0; i < data.length; i++) data[i] = typeof fill === 'number' ? fill : fill(i);
    kept.push({ name, shape: edit.shape, data });
  }
  await writeSafetensors(
    path,
    kept.map(({ name, shape, data }) => ({ name, shape, values: () => Promise.resolve(data) })),
  );
}

/** Tensors that the native library holds. */
export function nativeTensors(backend: Backend): number {
  const native = nativeBackend(backend);
  if (native === null) throw new Error('this test needs the native library');
  return (native.binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();
}
