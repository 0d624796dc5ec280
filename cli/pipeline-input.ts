import type { ArtifactStore } from '../artifacts/artifact-store.js';
import { trainedCheckpoints } from '../config/cross-checks.js';
import type { ResolvedConfig, ResolvedRun } from '../config/schema.js';
import { canonicalJson, type Json } from '../core/canonical-json.js';
import type { BranchInput, PipelineInput } from '../workflows/contract.js';

/** What the pipeline is started with: the configs of the run and of its variants, put into the store, by reference. */
export async function pipelineInput(
  store: ArtifactStore,
  resolved: ResolvedRun,
): Promise<Pick<PipelineInput, keyof BranchInput | 'name' | 'variants'>> {
  const variants: PipelineInput['variants'][number][] = [];
  for (const [name, variant] of Object.entries(resolved.variants)) {
    variants.push({ name, ...(await branchInput(store, variant)) });
  }
  return { ...(await branchInput(store, resolved)), name: resolved.config.name, variants };
}

async function branchInput(store: ArtifactStore, resolved: ResolvedConfig): Promise<BranchInput> {
  const text = canonicalJson(resolved as unknown as Json);
  const { digest } = await store.blobs.putText(text, 'application/json');
  const { config } = resolved;
  return {
    config: digest,
    graph: {
      maxRejectShare: config.dataset.maxRejectShare,
      training: trainedCheckpoints(config),
      grpoEpochs: config.grpo.epochs,
      checkpoints: config.evaluation.checkpoints,
      evaluationSplit: config.evaluation.split,
    },
  };
}
