import type { ResolvedRun } from '../../config/schema.js';
import type { CheckpointStage } from '../../config/evaluation.js';
import { extendedVariant } from '../../config/extended-variant.js';
import { parseJsonl } from '../../core/jsonl.js';
import { shapeOf } from '../../datasets/completion-shape.js';
import { Prediction } from '../../datasets/target.js';
import { compareBranches, type ComparedBranch } from '../../evaluation/compare.js';
import { readSamples } from '../shards.js';
import type { Stage, StageContext } from '../stage.js';

/** Names of the inputs: `<variant>/predictions-<checkpoint>`, the run's own with nothing before the slash. */
const infix = '/predictions-';

/** Answers of every branch of a run -> metrics of all of them, and paired differences. */
export const compare: Stage = {
  name: 'compare',
  version: 3,
  queue: 'media',
  seed: 'eval',
  params: (resolved) => ({
    evaluation: resolved.config.evaluation,
    extended: Object.fromEntries(
      branchesOf(resolved as ResolvedRun).map(({ variant, extended }) => [variant ?? '', extended]),
    ),
    shapes: Object.fromEntries(
      branchesOf(resolved as ResolvedRun).map(({ variant, config }) => [
        variant ?? '',
        config.evaluation.checkpoints.map((checkpoint) => shapeOf(checkpoint, config)),
      ]),
    ),
  }),
  run: async (context) => {
    const { store } = context.services;
    const branches: ComparedBranch[] = [];
    for (const { variant, extended, config } of branchesOf(context.config as ResolvedRun)) {
      const checkpoints = config.evaluation.checkpoints.map((checkpoint) =>
        answersOf(context, variant, checkpoint, shapeOf(checkpoint, config)),
      );
      branches.push({ variant, extended, checkpoints: await Promise.all(checkpoints) });
    }
    const comparison = compareBranches(
      await readSamples(store, context.input('samples')),
      branches,
      context.config.config.evaluation,
      context.seed,
    );
    return {
      outputs: {
        comparison: { text: JSON.stringify(comparison, null, 2) + '\n', mediaType: 'application/json' },
      },
      metrics: { branches: branches.length, checkpoints: comparison.checkpoints.length },
    };
  },
};

/** The run's own config, then those of its variants. */
function branchesOf({ config, variants }: ResolvedRun) {
  const others = Object.entries(variants).map(([variant, resolved]) => ({
    variant,
    extended: extendedVariant(config, variant),
    config: resolved.config,
  }));
  return [{ variant: null, extended: null, config }, ...others];
}

async function answersOf(
  context: StageContext,
  variant: string | null,
  checkpoint: CheckpointStage,
  shape: ComparedBranch['checkpoints'][number]['shape'],
): Promise<ComparedBranch['checkpoints'][number]> {
  const name = `${variant ?? ''}${infix}${checkpoint}`;
  const digest = context.input(name);
  const rows = parseJsonl(await context.services.store.blobs.getText(digest), name);
  return { checkpoint, shape, digest, predictions: rows.map((row) => Prediction.parse(row)) };
}
