import type { PolicyConfig } from './config.js';

/** How one parameter looks and starts. */
export interface ParameterSpec {
  readonly shape: readonly number[];
  /** Standard deviation of a normal start, or the constant it starts with. */
  readonly start: { readonly normal: number } | { readonly constant: number };
}

/**
 * Every parameter by the name that the released Qwen2.5-VL checkpoints use, in the order of the network. Matrices are
 * [out, in]; the patch embedding is a convolution kernel [out, channels, frames, rows, columns]. A tied output head
 * has no entry.
 */
export function parameterSpecs(config: PolicyConfig): Map<string, ParameterSpec> {
  const specs = new Map<string, ParameterSpec>();
  const matrix = (name: string, std: number, shape: readonly number[]) =>
    specs.set(name, { shape, start: { normal: std } });
  const vector = (name: string, constant: number, size: number) =>
    specs.set(name, { shape: [size], start: { constant } });
  const linear = (name: string, std: number, outputs: number, inputs: number, bias: boolean) => {
    matrix(`${name}.weight`, std, [outputs, inputs]);
    if (bias) vector(`${name}.bias`, 0, outputs);
  };

  const { vision } = config;
  const side = vision.patchSize;
  const vStd = vision.initializerRange;
  const vDim = vision.hiddenSize;
  matrix('visual.patch_embed.proj.weight', vStd, [
    vDim,
    vision.inChannels,
    vision.temporalPatchSize,
    side,
    side,
  ]);
  for (let block = 0; block < vision.depth; block++) {
    const at = `visual.blocks.${block}`;
    vector(`${at}.norm1.weight`, 1, vDim);
    vector(`${at}.norm2.weight`, 1, vDim);
    linear(`${at}.attn.qkv`, vStd, 3 * vDim, vDim, true);
    linear(`${at}.attn.proj`, vStd, vDim, vDim, true);
    linear(`${at}.mlp.gate_proj`, vStd, vision.intermediateSize, vDim, true);
    linear(`${at}.mlp.up_proj`, vStd, vision.intermediateSize, vDim, true);
    linear(`${at}.mlp.down_proj`, vStd, vDim, vision.intermediateSize, true);
  }
  const merged = vDim * vision.spatialMergeSize ** 2;
  vector('visual.merger.ln_q.weight', 1, vDim);
  linear('visual.merger.mlp.0', vStd, merged, merged, true);
  linear('visual.merger.mlp.2', vStd, vision.outHiddenSize, merged, true);

  const std = config.initializerRange;
  const dim = config.hiddenSize;
  const keyValue = config.keyValueHeads * config.headDim;
  matrix('model.embed_tokens.weight', std, [config.vocabSize, dim]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    vector(`${at}.input_layernorm.weight`, 1, dim);
    linear(`${at}.self_attn.q_proj`, std, config.heads * config.headDim, dim, true);
    linear(`${at}.self_attn.k_proj`, std, keyValue, dim, true);
    linear(`${at}.self_attn.v_proj`, std, keyValue, dim, true);
    linear(`${at}.self_attn.o_proj`, std, dim, config.heads * config.headDim, false);
    vector(`${at}.post_attention_layernorm.weight`, 1, dim);
    linear(`${at}.mlp.gate_proj`, std, config.intermediateSize, dim, false);
    linear(`${at}.mlp.up_proj`, std, config.intermediateSize, dim, false);
    linear(`${at}.mlp.down_proj`, std, dim, config.intermediateSize, false);
  }
  vector('model.norm.weight', 1, dim);
  if (!config.tieWordEmbeddings) matrix('lm_head.weight', std, [config.vocabSize, dim]);
  return specs;
}

/** Numbers in the model. */
export function parameterCount(config: PolicyConfig): number {
  let count = 0;
  for (const { shape } of parameterSpecs(config).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}
