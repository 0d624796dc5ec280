import { InputError } from '../core/errors.js';
import { alternatives, runSchema } from './fields.js';
import { merge } from './merge.js';
import { InvalidConfig, nearest, problemAt } from './problems.js';
import type { ResolvedConfig } from './schema.js';
import { deepest, toJson, without } from './source-tree.js';
import type { SourceMap } from './source-tree.js';

/** What a variant may not change: its answers are compared with the run's, on the same videos. */
const shared = [['name'], ['dataset'], ['seed', 'data'], ['evaluation', 'split'], ['variants']];

/**
 * The config of each variant: what the run's file says, with the fields of the variant that it `extends` over it, if any, and
 * its own over those, resolved like a config of its own. Throws {@link InvalidConfig} with the problems of all of them.
 */
export async function resolveVariants(
  tree: SourceMap,
  resolve: (tree: SourceMap, name: string) => Promise<ResolvedConfig>,
): Promise<Record<string, ResolvedConfig>> {
  const written = tree.entries.get('variants');
  if (written?.kind !== 'map') return {};
  const run = without(tree, 'variants');
  const names = [...written.entries].filter(([, fields]) => fields.kind === 'map').map(([name]) => name);
  const ofItself = new Map(names.map((name) => [name, problemsOfOne(tree, name, names)]));
  const problems = [...ofItself.values()].flat();
  const variants: Record<string, ResolvedConfig> = {};
  for (const name of names) {
    if (lineage(tree, name, names).some((one) => ofItself.get(one)!.length > 0)) continue;
    try {
      variants[name] = await resolve(whole(tree, run, name), name);
    } catch (error) {
      if (!(error instanceof InvalidConfig)) throw error;
      problems.push(...error.problems.map((problem) => within(name, problem)));
    }
  }
  if (problems.length > 0) throw new InvalidConfig(problems);
  return variants;
}

function problemsOfOne(tree: SourceMap, name: string, names: readonly string[]): InputError[] {
  const fields = deepest(tree, ['variants', name]).node;
  const refused = shared.filter((path) => deepest(fields, path).depth === path.length);
  return [
    ...refused.map((path) =>
      problemAt(tree, ['variants', name, ...path], 'a variant shares this with its run', {
        fix: 'leave it out, or make it a run of its own',
      }),
    ),
    ...problemsOfExtends(tree, name, names),
  ];
}

/** What a variant says that it extends. */
function extendedBy(tree: SourceMap, name: string): unknown {
  const path = ['variants', name, 'extends'];
  const { node, depth } = deepest(tree, path);
  return depth < path.length ? null : toJson(node);
}

/** The run with a variant over it, and what that one extends between the two. */
function whole(tree: SourceMap, run: SourceMap, name: string): SourceMap {
  const extended = extendedBy(tree, name) as string | null;
  const under = extended === null ? run : whole(tree, run, extended);
  const fields = without(deepest(tree, ['variants', name]).node as SourceMap, 'extends');
  return merge(under, fields, alternatives(runSchema)) as SourceMap;
}

/** A variant, what it extends, what that extends and so on: up to one that extends the run, is unknown, or comes again. */
function lineage(tree: SourceMap, name: string, names: readonly string[]): readonly string[] {
  const found = [name];
  for (;;) {
    const extended = extendedBy(tree, found.at(-1)!) as string;
    if (!names.includes(extended) || found.includes(extended)) return found;
    found.push(extended);
  }
}

function problemsOfExtends(tree: SourceMap, name: string, names: readonly string[]): InputError[] {
  const path = ['variants', name, 'extends'];
  const extended = extendedBy(tree, name);
  if (extended === null) return [];
  const line = lineage(tree, name, names);
  if (extendedBy(tree, line.at(-1)!) === name) {
    const circle = [...line, name].join(' -> ');
    return [problemAt(tree, path, `the variants extend each other in a circle: ${circle}`)];
  }
  if (names.includes(extended as string)) return [];
  const others = names.filter((other) => other !== name);
  const meant = typeof extended === 'string' ? nearest(extended, others) : undefined;
  return [
    problemAt(tree, path, `no such variant${meant === undefined ? '' : `, did you mean \`${meant}\`?`}`, {
      found: JSON.stringify(extended),
      allowed: others.length === 0 ? 'nothing: there is no other variant' : others.join(' | '),
    }),
  ];
}

function within(variant: string, problem: InputError): InputError {
  return new InputError(problem.code, problem.where, `in the variant ${variant}: ${problem.problem}`, {
    ...(problem.fix === undefined ? {} : { fix: problem.fix }),
  });
}
