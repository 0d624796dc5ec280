import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedConfig } from '../config/load.js';
import { InvalidConfig } from '../config/problems.js';
import { InputError, TerminalError } from '../core/errors.js';
import { parsePolicyConfig, type PolicyConfig } from '../policy/config.js';
import { releasedShape, scratchShape } from '../training/model-shape.js';

/**
 * The shape of the model that a config trains: of pretrained weights what their folder says, or what `model.size` says
 * where the folder is not at hand.
 *
 * @throws InvalidConfig where neither is there or both disagree; InputError `policy.bad-config`
 */
export async function policyShape(loaded: LoadedConfig): Promise<PolicyConfig> {
  const { model } = loaded.config;
  if (model.kind === 'scratch') return scratchShape(model);
  const said = model.size === undefined ? null : releasedShape(model.size);
  const file = join(model.path, 'config.json');
  if (!existsSync(file)) {
    if (said !== null) return said;
    throw problem(loaded, 'model.path', {
      message: `there is no ${file}, so the size of the model is not known`,
      fix: 'put the weights there, or state model.size (3B or 7B) for an estimate without them',
    });
  }
  const found = parsePolicyConfig(await readJson(file), file);
  if (said !== null && (found.hiddenSize !== said.hiddenSize || found.layers !== said.layers)) {
    throw problem(loaded, 'model.size', {
      message: `the folder holds another size: ${found.layers} layers of width ${found.hiddenSize}, ${model.size} has ${said.layers} of ${said.hiddenSize}`,
      fix: 'leave model.size out',
    });
  }
  return found;
}

/** A problem with a field of the config, at the line that names the weights. */
function problem(
  { named, sources }: LoadedConfig,
  field: string,
  { message, fix }: { readonly message: string; readonly fix: string },
): InvalidConfig {
  const at = named.find((one) => one.field === 'model.path')?.at;
  const where = {
    file: at?.file ?? sources.at(-1) ?? 'the config',
    ...(at?.line === undefined ? {} : { line: at.line }),
    field,
  };
  return new InvalidConfig([new InputError('config.model-size', where, message, { fix })]);
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new TerminalError('policy.bad-model-folder', `${path} cannot be read`, { cause });
  }
}
