import { existsSync } from 'node:fs';
import type { LoadedConfig, NamedPath } from '../config/load.js';
import { InvalidConfig } from '../config/problems.js';
import { InputError } from '../core/errors.js';
import { readModelFolder } from '../policy/model-folder.js';
import { Tokenizer } from '../policy/tokenizer.js';
import { adapterConfig } from '../training/checkpoint-policy.js';
import { tuningOf } from '../training/model-tuning.js';
import { requireRevision } from '../training/weights-revision.js';

/** The files and folders that a config names and that are not there, each at the line that names it. */
export function missingInputs({ named }: LoadedConfig): readonly InputError[] {
  return named.filter((one) => !existsSync(one.path) && !onWorkers(one)).map(missing);
}

/** On a cluster the weights lie with the GPU workers, which say so when they do not. */
function onWorkers({ field }: NamedPath): boolean {
  return field === 'model.path' && process.env['HINDSIGHT_STACK'] === 'remote';
}

function missing({ field, path, at }: NamedPath): InputError {
  return new InputError(
    'config.missing-input',
    { file: at.file, ...(at.line === undefined ? {} : { line: at.line }), field },
    `there is no ${path}`,
  );
}

/**
 * Refuses what would fail after hours: inputs that are not there, and pretrained weights that cannot be used.
 *
 * @throws InvalidConfig; what {@link readModelFolder}, {@link requireRevision} and {@link adapterConfig} throw
 */
export async function requireRunnable(loaded: LoadedConfig): Promise<void> {
  const lost = missingInputs(loaded);
  if (lost.length > 0) throw new InvalidConfig(lost);
  const { model } = loaded.config;
  if (model.kind === 'scratch' || !existsSync(model.path)) return;
  const folder = await readModelFolder(model.path);
  await folder.close();
  await Tokenizer.load(model.path);
  await requireRevision(model.path, model.revision);
  adapterConfig(folder.config, tuningOf(model));
}
