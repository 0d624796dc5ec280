import { join } from 'node:path';
import { z } from 'zod';
import { TerminalError } from '../core/errors.js';
import type { PolicyConfig } from './config.js';
import { moduleName, type LoraConfig } from './lora.js';
import { parameterSpecs } from './parameters.js';

/** TerminalError `policy.bad-adapter` about a file of an adapter folder. */
export const badAdapter = (path: string, what: string, cause?: unknown): TerminalError =>
  new TerminalError('policy.bad-adapter', `${path} ${what}`, {
    fields: { path },
    ...(cause === undefined ? {} : { cause }),
  });

export const ADAPTER_CONFIG_NAME = 'adapter_config.json';

const PeftConfig = z.looseObject({
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).lt(1).default(0),
  target_modules: z.union([z.array(z.string()).nonempty(), z.string()]),
  base_model_name_or_path: z.string().nullish(),
  init_lora_weights: z.union([z.boolean(), z.string()]).default(true),
});

/** peft's options that change what an adapter computes, with the one value that can be used. Absent is that value. */
const SUPPORTED: Readonly<Record<string, unknown>> = {
  peft_type: 'LORA',
  use_dora: false,
  use_rslora: false,
  use_qalora: false,
  lora_bias: false,
  bias: 'none',
  rank_pattern: {},
  alpha_pattern: {},
  modules_to_save: null,
  layer_replication: null,
  target_parameters: null,
  trainable_token_indices: null,
  alora_invocation_tokens: null,
  arrow_config: null,
  megatron_config: null,
};

/** Starts that also change the base weights, so that an adapter belongs to other weights than the model's. */
const CHANGES_BASE = /^(pissa|olora|corda|loftq)/;

/** An adapter's configuration as peft wrote it. */
export interface AdapterConfig {
  readonly lora: LoraConfig;
  readonly baseModel: string | null;
  /** Whether further options narrow down what `lora.targets` selects. */
  readonly narrowed: boolean;
}

const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);

/** Reads the contents of `adapter_config.json`; TerminalError `policy.bad-adapter` names the field and both values. */
export function parseAdapterConfig(folder: string, json: unknown): AdapterConfig {
  const path = join(folder, ADAPTER_CONFIG_NAME);
  const parsed = PeftConfig.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw badAdapter(path, `is no LoRA configuration: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const config = parsed.data;
  for (const [field, supported] of Object.entries(SUPPORTED)) {
    const value = config[field];
    const same = isNothing(supported) ? isNothing(value) : value === undefined || value === supported;
    if (!same) {
      const [has, wants] = [value, supported].map((each) => JSON.stringify(each));
      throw badAdapter(path, `has ${field} ${has}; adapters with ${field} ${wants} can be used`);
    }
  }
  const init = config.init_lora_weights;
  if (typeof init === 'string' && CHANGES_BASE.test(init)) {
    throw badAdapter(
      path,
      `has init_lora_weights "${init}", which changes the base weights too; true can be used`,
    );
  }
  const modules = config.target_modules;
  return {
    lora: {
      rank: config.r,
      alpha: config.lora_alpha,
      dropout: config.lora_dropout,
      targets: typeof modules === 'string' ? modules : [...modules].sort(),
    },
    baseModel: config.base_model_name_or_path ?? null,
    narrowed: !['exclude_modules', 'layers_to_transform', 'layers_pattern'].every((name) =>
      isNothing(config[name]),
    ),
  };
}

/** The contents of `adapter_config.json` as peft 0.18 writes them for these linear layers. */
export function toPeft(
  policy: PolicyConfig,
  lora: LoraConfig,
  linears: readonly string[],
  baseModel: string,
): Record<string, unknown> {
  return {
    alora_invocation_tokens: null,
    alpha_pattern: {},
    arrow_config: null,
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: 'none',
    corda_config: null,
    ensure_weight_tying: false,
    eva_config: null,
    exclude_modules: null,
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    loftq_config: {},
    lora_alpha: lora.alpha,
    lora_bias: false,
    lora_dropout: lora.dropout,
    megatron_config: null,
    megatron_core: 'megatron.core',
    modules_to_save: null,
    peft_type: 'LORA',
    peft_version: '0.18.0',
    qalora_group_size: 16,
    r: lora.rank,
    rank_pattern: {},
    revision: null,
    target_modules: targetModules(policy, linears),
    target_parameters: null,
    task_type: 'CAUSAL_LM',
    trainable_token_indices: null,
    use_dora: false,
    use_qalora: false,
    use_rslora: false,
  };
}

/**
 * The shortest last parts of module names that select the given layers and nothing else when peft reads them: `proj`
 * would also adapt the patch embedding, and a bare `2` the second block.
 */
export function targetModules(policy: PolicyConfig, linears: readonly string[]): string[] {
  const wanted = new Set(linears.map(moduleName));
  const others = new Set<string>();
  for (const parameter of parameterSpecs(policy).keys()) {
    const parts = moduleName(parameter).split('.').slice(0, -1);
    for (let end = 1; end <= parts.length; end++) {
      const module = parts.slice(0, end);
      if (wanted.has(module.join('.'))) continue;
      for (let start = 0; start < end; start++) others.add(module.slice(start).join('.'));
    }
  }
  const chosen = new Set<string>();
  for (const module of wanted) {
    const parts = module.split('.');
    let start = parts.length - 1;
    while (start > 0 && others.has(parts.slice(start).join('.'))) start--;
    chosen.add(parts.slice(start).join('.'));
  }
  return [...chosen].sort();
}
