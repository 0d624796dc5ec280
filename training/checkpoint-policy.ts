import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { TerminalError } from '../core/errors.js';
import { readAdapterFolder, writeAdapterFolder, type LowRankValues } from '../policy/adapter-folder.js';
import type { Backend } from '../policy/backend.js';
import type { PolicyConfig } from '../policy/config.js';
import { loraNames, loraTargets, moduleName, type LoraAdapter, type LoraConfig } from '../policy/lora.js';
import { Policy } from '../policy/policy.js';
import { Tokenizer } from '../policy/tokenizer.js';
import type { PretrainedBase } from './job.js';
import type { ModelTuning } from './model-tuning.js';

/** A loaded model with its tokenizer. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly tokenizer: Tokenizer;
}

/** Whether a checkpoint folder holds an adapter, which means nothing without its base, instead of a whole model. */
export function isAdapterFolder(folder: string): Promise<boolean> {
  return access(join(folder, 'adapter_config.json')).then(
    () => true,
    () => false,
  );
}

/**
 * Loads a checkpoint: a model folder, or the base with the checkpoint's adapter on it. TerminalError `training.no-base`
 * for an adapter without a base, and those of {@link Policy.load} and {@link readAdapterFolder}.
 */
export async function loadCheckpoint(
  backend: Backend,
  folder: string,
  base: PretrainedBase | null,
): Promise<LoadedPolicy> {
  const tokenizer = await Tokenizer.load(folder);
  if (!(await isAdapterFolder(folder))) return { policy: await Policy.load(backend, folder), tokenizer };
  if (base === null) {
    throw new TerminalError(
      'training.no-base',
      `${folder} holds an adapter, and the job names no base for it`,
      {
        fix: 'set model.kind to pretrained and model.path to the weights that the adapter was trained on',
      },
    );
  }
  const policy = await Policy.load(backend, base.folder);
  try {
    policy.setAdapter(await readAdapter(policy, folder));
    return { policy, tokenizer };
  } catch (error) {
    policy.dispose();
    throw error;
  }
}

/** Reads an adapter folder for a policy; whoever does not give it to {@link Policy.setAdapter} disposes of its variables. */
export async function readAdapter({ backend, config: policy }: Policy, folder: string): Promise<LoraAdapter> {
  const { config, layers } = await readAdapterFolder(folder, policy);
  const { tf } = backend;
  const variables = [...layers].flatMap(([linear, { a, b }]) => {
    const names = loraNames(linear);
    const variable = (values: Float32Array, shape: [number, number]) =>
      tf.tidy(() => tf.variable(tf.tensor2d(values, shape), false));
    return [
      [names.a, variable(a, [config.rank, a.length / config.rank])],
      [names.b, variable(b, [b.length / config.rank, config.rank])],
    ] as const;
  });
  return { config, variables: new Map(variables) };
}

/**
 * Writes a checkpoint that {@link loadCheckpoint} loads: a complete model folder, or of a policy with an adapter a peft
 * adapter folder with the tokenizer. The adapter names its base by revision, since a path would differ between machines.
 */
export async function saveCheckpoint(
  { policy, tokenizer }: LoadedPolicy,
  folder: string,
  base: PretrainedBase | null,
): Promise<void> {
  const { adapter } = policy;
  if (adapter === null) {
    await policy.save(folder, tokenizer);
    return;
  }
  if (base === null) throw new TypeError('an adapter rests on a base');
  const layers = new Map<string, LowRankValues>();
  for (const linear of loraTargets(policy.config, adapter.config.targets)) {
    const [a, b] = Object.values(loraNames(linear)).map(
      (name) => adapter.variables.get(name)!.data() as Promise<Float32Array>,
    );
    layers.set(linear, { a: await a!, b: await b! });
  }
  // First, since the folder counts as an adapter's once its config is there.
  await tokenizer.save(folder);
  await writeAdapterFolder(folder, policy.config, {
    config: adapter.config,
    baseModel: base.revision,
    layers,
  });
}

/**
 * The adapter that a run trains on a model: with a frozen vision tower none of its layers, whatever the targets name.
 * TerminalError `policy.bad-lora` for targets that select nothing.
 */
export function adapterConfig(
  policy: PolicyConfig,
  { lora, freezeVision }: Pick<ModelTuning, 'lora' | 'freezeVision'>,
): LoraConfig | null {
  if (lora === null) return null;
  const linears = loraTargets(policy, lora.targets);
  if (!freezeVision) return lora;
  const targets = linears.filter((linear) => !linear.startsWith('visual.')).map(moduleName);
  if (targets.length > 0) return { ...lora, targets };
  throw new TerminalError(
    'policy.bad-lora',
    'LoRA targets select layers of the vision tower only, which is frozen',
    {
      fix: 'set model.freezeVision to false, or name layers of the decoder in model.tuning.targets',
    },
  );
}
