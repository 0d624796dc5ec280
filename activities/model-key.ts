import type { ModelConfig } from '../config/model.js';
import type { Json } from '../core/canonical-json.js';

/**
 * What of the model enters a training stage's key: of pretrained weights the revision that pins them and how they are
 * trained, never where they lie or how large they are said to be.
 */
export function modelKey(model: ModelConfig): Json {
  if (model.kind === 'scratch') return model;
  const { kind, revision, tuning, freezeVision, recompute } = model;
  return { kind, revision, tuning: tuning as unknown as Json, freezeVision, recompute };
}

/** The same for training stages after SFT: of a model from scratch, their input checkpoint says everything. */
export function tunedModelKey(model: ModelConfig): { readonly model?: Json } {
  return model.kind === 'scratch' ? {} : { model: modelKey(model) };
}

/** For stages that only read a checkpoint: an adapter means nothing without the weights that it belongs to. */
export function baseKey(model: ModelConfig): { readonly base?: string } {
  return model.kind === 'pretrained' && model.tuning.kind === 'lora' ? { base: model.revision } : {};
}
