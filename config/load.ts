import { readdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { Json } from '../core/canonical-json.js';
import { InputError } from '../core/errors.js';
import { packageRoot } from '../core/package-root.js';
import { crossChecks, trainedCheckpoints } from './cross-checks.js';
import { alternatives, runSchema } from './fields.js';
import { applySet, merge } from './merge.js';
import { InvalidConfig, nearest, problemAt, problemsOf } from './problems.js';
import { readPrompts } from './prompt-files.js';
import { RunConfig } from './schema.js';
import type { ResolvedConfig, ResolvedRun } from './schema.js';
import { deepest, fromJson, isNothing, NotYaml, readYaml, toJson, without } from './source-tree.js';
import type { Origin, SourceMap } from './source-tree.js';
import { resolveVariants } from './variants.js';

/** A file or folder that the run will read, with where its path was written. */
export interface NamedPath {
  readonly field: string;
  readonly path: string;
  readonly at: Origin;
}

/** A resolved config and what it was made from. */
export interface LoadedConfig extends ResolvedRun {
  /** Files and `--set` texts, in the order in which they were applied: the last one wins. */
  readonly sources: readonly string[];
  /** Annotation files, video folders and weights; whether they exist is not checked here. */
  readonly named: readonly NamedPath[];
}

export const presetFolder = join(packageRoot, 'config', 'presets');

/** Names of the presets that come with the package. */
export async function presetNames(): Promise<readonly string[]> {
  const files = await readdir(presetFolder);
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/**
 * Reads a run configuration: a YAML file or the name of a preset, what it `extends`, and `--set` assignments over it.
 * Defaults are resolved, prompt texts read, paths made absolute (a path in a file starts at that file's folder, one on
 * the command line at the working directory). Throws {@link InvalidConfig} with everything that is wrong.
 */
export async function loadConfig(
  spec: string,
  options: { readonly set?: readonly string[]; readonly cwd?: string } = {},
): Promise<LoadedConfig> {
  const cwd = options.cwd ?? process.cwd();
  const argument: Origin = { file: spec, line: undefined, folder: cwd };
  try {
    const path = await locate(spec, argument, undefined, cwd);
    const { tree, files } = await readChain(path, [], { cwd, folder: cwd });
    return await resolveTree(tree, options.set ?? [], files, cwd);
  } catch (error) {
    if (error instanceof NotYaml) throw new InvalidConfig(error.problems);
    if (error instanceof InputError) throw new InvalidConfig([error]);
    throw error;
  }
}

/**
 * A recorded config (`label` names it in messages, e.g. `run demo-...`) with `--set` assignments over it. Prompt texts
 * stay as recorded unless an assignment names another template. Throws {@link InvalidConfig}.
 */
export async function overrideConfig(
  recorded: ResolvedRun,
  set: readonly string[],
  options: { readonly label: string; readonly cwd?: string },
): Promise<LoadedConfig> {
  const cwd = options.cwd ?? process.cwd();
  const at: Origin = { file: options.label, line: undefined, folder: cwd };
  const tree = fromJson(asWritten(recorded.config), at) as SourceMap;
  try {
    return await resolveTree(tree, set, [options.label], cwd, recorded);
  } catch (error) {
    if (error instanceof InputError) throw new InvalidConfig([error]);
    throw error;
  }
}

/** Checkpoints that follow from other fields are left out, so that they follow from the new ones. */
function asWritten(config: RunConfig): Json {
  const { checkpoints, ...evaluation } = config.evaluation;
  const followed = checkpoints.join() === trainedCheckpoints(config).join();
  return { ...config, evaluation: followed ? evaluation : config.evaluation };
}

/** The file behind a path or a preset name that was written at `at`. */
async function locate(spec: string, at: Origin, field: string | undefined, cwd: string): Promise<string> {
  const where = {
    file: at.file,
    ...(at.line === undefined ? {} : { line: at.line }),
    ...(field === undefined ? {} : { field }),
  };
  if (/[\\/]|\.ya?ml$/.test(spec)) {
    const path = resolve(at.folder, spec);
    if (existsSync(path)) return path;
    throw new InputError('config.no-such-file', where, `there is no file ${shown(path, cwd)}`);
  }
  const presets = await presetNames();
  if (presets.includes(spec)) return join(presetFolder, `${spec}.yaml`);
  const meant = nearest(spec, presets);
  throw new InputError(
    'config.no-such-preset',
    { ...where, found: spec, allowed: `${presets.join(' | ')}, or a path that ends in .yaml` },
    meant === undefined ? 'no such preset' : `no such preset, did you mean \`${meant}\`?`,
  );
}

/**
 * A file with everything it extends merged under it. Paths in a file start at its own folder; those in a preset, which
 * comes with the package, at the folder of the file that extends it or, run by its name, at the working directory.
 */
async function readChain(
  path: string,
  below: readonly string[],
  { cwd, folder }: { readonly cwd: string; readonly folder: string },
): Promise<{ tree: SourceMap; files: readonly string[] }> {
  const name = shown(path, cwd);
  const home = dirname(path) === presetFolder ? folder : dirname(path);
  const tree = await readYaml(path, name, home).catch((cause: unknown) => {
    if (cause instanceof NotYaml) throw cause;
    throw new InputError('config.unreadable', { file: name }, 'this file cannot be read', { cause });
  });
  const written = tree.entries.get('extends');
  if (written === undefined || isNothing(written)) return { tree, files: [name] };
  const parentSpec = toJson(written);
  if (typeof parentSpec !== 'string') {
    throw problemAt(tree, ['extends'], 'wrong type', {
      found: JSON.stringify(parentSpec),
      allowed: 'the name of a preset or a path that ends in .yaml',
    });
  }
  const besides: Origin = { ...written.at, folder: dirname(path) };
  const parentPath = await locate(parentSpec, besides, 'extends', cwd);
  const chain = [...below, path];
  if (chain.includes(parentPath)) {
    const circle = [...chain.slice(chain.indexOf(parentPath)), parentPath].map((file) => basename(file));
    throw problemAt(tree, ['extends'], `the files extend each other in a circle: ${circle.join(' -> ')}`);
  }
  const parent = await readChain(parentPath, chain, { cwd, folder: home });
  const merged = merge(parent.tree, without(tree, 'extends'), alternatives(runSchema)) as SourceMap;
  return { tree: merged, files: [...parent.files, name] };
}

async function resolveTree(
  written: SourceMap,
  set: readonly string[],
  files: readonly string[],
  cwd: string,
  recorded?: ResolvedRun,
): Promise<LoadedConfig> {
  const start = merge(defaults(cwd), written, alternatives(runSchema)) as SourceMap;
  // Problems of the whole are reported at the file that was asked for, not at the defaults under it.
  let tree: SourceMap = { ...start, at: written.at };
  for (const text of set) tree = applySet(tree, text, cwd);
  const resolved = await resolveConfig(tree, recorded);
  const variants = await resolveVariants(tree, (branch, name) =>
    resolveConfig(branch, recorded?.variants[name]),
  );
  return {
    ...resolved,
    variants,
    sources: [...files, ...set.map((text) => `--set ${text}`)],
    named: namedPaths(tree).map(({ steps, path, at }) => ({ field: steps.join('.'), path, at })),
  };
}

/** One config, of the run or of a variant, from its tree: paths made absolute, validated, prompt texts read. */
async function resolveConfig(tree: SourceMap, recorded: ResolvedConfig | undefined): Promise<ResolvedConfig> {
  const paths = namedPaths(tree);
  const plain = toJson(tree);
  for (const { steps, path } of paths) setPlain(plain, steps, path);
  const parsed = RunConfig.safeParse(plain);
  if (!parsed.success) throw new InvalidConfig(inOrder(problemsOf(tree, parsed.error.issues)));
  const config = withTrainedCheckpoints(parsed.data, tree);
  const contradictions = crossChecks(config).map(({ path, message, ...detail }) =>
    problemAt(tree, path, message, { found: foundAt(config, path), ...detail }),
  );
  const { prompts, problems } = await readPrompts(config, tree, recorded);
  if (contradictions.length + problems.length > 0) {
    throw new InvalidConfig(inOrder([...contradictions, ...problems]));
  }
  return { config, prompts };
}

/** Values such as `teacher: {kind: embedded}`, so that a file may write one field of a map and leave its `kind` out. */
function defaults(cwd: string): SourceMap {
  const entries = Object.entries(runSchema.properties ?? {}).filter(
    ([, field]) => field.default !== undefined,
  );
  const at: Origin = { file: 'defaults', line: undefined, folder: cwd };
  return fromJson(
    Object.fromEntries(entries.map(([key, field]) => [key, field.default as Json])),
    at,
  ) as SourceMap;
}

/** Unless the file says which checkpoints to evaluate: those that the run trains. */
function withTrainedCheckpoints(config: RunConfig, tree: SourceMap): RunConfig {
  const path = ['evaluation', 'checkpoints'];
  if (deepest(tree, path).depth === path.length) return config;
  return { ...config, evaluation: { ...config.evaluation, checkpoints: trainedCheckpoints(config) } };
}

interface PathField {
  readonly steps: readonly (string | number)[];
  readonly path: string;
  readonly at: Origin;
}

/** Fields that hold a path, with that path made absolute. */
function namedPaths(tree: SourceMap): readonly PathField[] {
  const sources = deepest(tree, ['dataset', 'sources']).node;
  const count = sources.kind === 'list' ? sources.items.length : 0;
  const fields: (string | number)[][] = [['model', 'path']];
  for (let index = 0; index < count; index++) {
    fields.push(['dataset', 'sources', index, 'annotations'], ['dataset', 'sources', index, 'videos']);
  }
  return fields.flatMap((steps) => {
    const { node, depth } = deepest(tree, steps);
    if (depth < steps.length || node.kind !== 'value' || typeof node.value !== 'string') return [];
    return [{ steps, path: resolve(node.at.folder, node.value), at: node.at }];
  });
}

function setPlain(plain: Json, steps: readonly (string | number)[], value: string): void {
  let holder = plain as Record<string | number, Json>;
  for (const step of steps.slice(0, -1)) holder = holder[step] as Record<string | number, Json>;
  holder[steps.at(-1)!] = value;
}

function foundAt(config: RunConfig, path: readonly (string | number)[]): string {
  const value = path.reduce<unknown>(
    (holder, step) => (holder as Record<string | number, unknown>)[step],
    config,
  );
  return JSON.stringify(value);
}

/** By file, then by line: the order in which a person walks through them. */
function inOrder(problems: readonly InputError[]): InputError[] {
  return [...problems].sort((a, b) =>
    a.where.file === b.where.file ? (a.where.line ?? 0) - (b.where.line ?? 0) : 0,
  );
}

/** A path as messages write it: relative below the working directory, absolute elsewhere. */
function shown(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short.startsWith('..') || isAbsolute(short) ? path : short;
}
