import { InputError } from '../core/errors.js';
import { alternatives, runSchema } from './fields.js';
import { merge } from './merge.js';
import { InvalidConfig, problemAt } from './problems.js';
import type { ResolvedConfig } from './schema.js';
import { deepest } from './source-tree.js';
import type { SourceMap } from './source-tree.js';

/** What a variant may not change: its answers are compared with the run's, on the same videos. */
const shared = [['name'], ['dataset'], ['seed', 'data'], ['evaluation', 'split'], ['variants'], ['extends']];

/**
 * The config of each variant: what the run's file says with the variant's fields over it, resolved like a config of its
 * own. Throws {@link InvalidConfig} with the problems of all of them.
 */
export async function resolveVariants(
  tree: SourceMap,
  resolve: (tree: SourceMap, name: string) => Promise<ResolvedConfig>,
): Promise<Record<string, ResolvedConfig>> {
  const written = tree.entries.get('variants');
  if (written?.kind !== 'map') return {};
  const base: SourceMap = {
    ...tree,
    entries: new Map([...tree.entries].filter(([key]) => key !== 'variants')),
  };
  const problems: InputError[] = [];
  const variants: Record<string, ResolvedConfig> = {};
  for (const [name, fields] of written.entries) {
    if (fields.kind !== 'map') continue;
    const refused = shared.filter((path) => deepest(fields, path).depth === path.length);
    problems.push(
      ...refused.map((path) =>
        problemAt(tree, ['variants', name, ...path], 'a variant shares this with its run', {
          fix: 'leave it out, or make it a run of its own',
        }),
      ),
    );
    if (refused.length > 0) continue;
    try {
      variants[name] = await resolve(merge(base, fields, alternatives(runSchema)) as SourceMap, name);
    } catch (error) {
      if (!(error instanceof InvalidConfig)) throw error;
      problems.push(...error.problems.map((problem) => within(name, problem)));
    }
  }
  if (problems.length > 0) throw new InvalidConfig(problems);
  return variants;
}

function within(variant: string, problem: InputError): InputError {
  return new InputError(problem.code, problem.where, `in the variant ${variant}: ${problem.problem}`, {
    ...(problem.fix === undefined ? {} : { fix: problem.fix }),
  });
}
