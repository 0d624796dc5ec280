import { join } from 'node:path';
import { deriveKey } from '../../core/random.js';
import type { Backend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import { trainWordTokenizer } from '../../policy/word-tokenizer.js';
import type { PretrainedBase } from '../../training/job.js';
import { tinyConfig } from '../policy/tiny.js';

/** Writes a model of a few thousand parameters, with a tokenizer of as many words, as if its weights were released. */
export async function writeTinyBase(backend: Backend, folder: string, seed = 1): Promise<PretrainedBase> {
  const tokenizer = trainWordTokenizer(['is this video normal or abnormal ?']);
  const config = { ...tinyConfig, vocabSize: tokenizer.size };
  const policy = Policy.initialise(backend, config, deriveKey(seed, 'tiny-base'));
  const base = { folder: join(folder, `base-${seed}`), revision: `seed-${seed}` };
  await policy.save(base.folder, tokenizer);
  policy.dispose();
  return base;
}
