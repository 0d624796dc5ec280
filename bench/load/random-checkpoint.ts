import { deriveKey, Random } from '../../core/random.js';
import { parsePolicyConfig } from '../../policy/config.js';
import { writeModelFolder } from '../../policy/model-folder-writer.js';
import { parameterSpecs, type ParameterSpec } from '../../policy/parameters.js';
import { SLICE_VALUES } from '../../policy/safetensors.js';
import { trainWordTokenizer } from '../../policy/word-tokenizer.js';

/**
 * Writes a complete model folder with random bfloat16 weights, equal for equal configs, through one slice of memory.
 * Values are those that a fresh model would have, so that nothing overflows: drawn at random from 65,536 normal ones,
 * since drawing each by itself would take minutes. The tokenizer is none for the config's own ids.
 *
 * @param config contents of `config.json`
 * @param onBytes called with the bytes of weights handed over so far
 */
export async function writeRandomCheckpoint(
  folder: string,
  config: Readonly<Record<string, unknown>>,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<void> {
  const parsed = parsePolicyConfig(config, `${folder}/config.json`);
  const specs = parameterSpecs(parsed);
  const normal = standardNormals();
  let bytes = 0;
  const values = async function* (name: string) {
    for (const part of randomValues(name, specs.get(name)!, normal)) {
      yield await Promise.resolve(part);
      bytes += 2 * part.length;
      onBytes(bytes);
    }
  };
  const origin = { config, files: new Map<string, Uint8Array>() };
  const model = { config: parsed, origin, tokenizer: trainWordTokenizer([]), values };
  await writeModelFolder(folder, model, { dtype: 'BF16' });
}

function standardNormals(): Float32Array {
  const random = Random.from(0, 'bench', 'normals');
  return Float32Array.from({ length: 0x10000 }, () => random.normal());
}

/** A parameter's values in slices, which share one array. */
function* randomValues(
  name: string,
  { shape, start }: ParameterSpec,
  normal: Float32Array,
): Generator<Float32Array> {
  const count = shape.reduce((a, b) => a * b, 1);
  const slice = new Float32Array(Math.min(count, SLICE_VALUES));
  const scaled = 'normal' in start ? normal.map((value) => start.normal * value) : null;
  if ('constant' in start) slice.fill(start.constant);
  let [state] = deriveKey(0, 'bench', name);
  for (let done = 0; done < count; done += slice.length) {
    const part = slice.subarray(0, count - done);
    if (scaled !== null) {
      for (let i = 0; i < part.length; i++) {
        // A linear congruential generator (Numerical Recipes); its high bits are the good ones.
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        part[i] = scaled[state >>> 16]!;
      }
    }
    yield part;
  }
}
