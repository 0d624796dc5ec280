import { access } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import type { ModelConfig } from '../config/model.js';
import { TerminalError } from '../core/errors.js';
import type { PretrainedBase } from '../training/job.js';
import { requireRevision } from '../training/weights-revision.js';

type Pretrained = Extract<ModelConfig, { kind: 'pretrained' }>;

/**
 * The folder of pretrained weights on this machine: where the config says, else in the folder that HINDSIGHT_WEIGHTS
 * names, under the last part of that path. TerminalErrors: `config.no-weights`, and those of {@link requireRevision}.
 */
export async function pretrainedBase({ path, revision }: Pretrained): Promise<PretrainedBase> {
  const folder = await weightsFolder(path);
  await requireRevision(folder, revision);
  return { folder, revision };
}

/** What the checkpoints of a run rest on: pretrained weights under LoRA, nothing where a checkpoint is a whole model. */
export async function checkpointBase(model: ModelConfig): Promise<PretrainedBase | null> {
  return model.kind === 'pretrained' && model.tuning.kind === 'lora' ? pretrainedBase(model) : null;
}

async function weightsFolder(path: string): Promise<string> {
  const elsewhere = process.env['HINDSIGHT_WEIGHTS'];
  const places = elsewhere ? [path, join(elsewhere, basename(path))] : [path];
  for (const place of places) {
    const isThere = await access(join(place, 'config.json')).then(
      () => true,
      () => false,
    );
    if (isThere) return place;
  }
  throw new TerminalError(
    'config.no-weights',
    `model.path: on ${hostname()} there is no model folder (with a config.json) at ${places.join(' or ')}`,
    {
      fields: { field: 'model.path', places },
      fix: `put the weights there, or start the gpu worker with HINDSIGHT_WEIGHTS set to the folder that holds ${basename(path)}`,
    },
  );
}
