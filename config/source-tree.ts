import { readFile } from 'node:fs/promises';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import { InputError } from '../core/errors.js';
import type { Json } from '../core/canonical-json.js';

/** Where a piece of configuration was written. */
export interface Origin {
  /** A file, `--set a.b=c`, or what else a message should name. */
  readonly file: string;
  readonly line: number | undefined;
  /** Folder that relative paths written here start from. */
  readonly folder: string;
}

/** Configuration as written, every piece with its origin, so that a problem found later can name the line. */
export type SourceNode = SourceMap | SourceList | SourceValue;
export interface SourceMap {
  readonly kind: 'map';
  readonly at: Origin;
  readonly entries: ReadonlyMap<string, SourceNode>;
}
export interface SourceList {
  readonly kind: 'list';
  readonly at: Origin;
  readonly items: readonly SourceNode[];
}
export interface SourceValue {
  readonly kind: 'value';
  readonly at: Origin;
  readonly value: Json;
}

/** The tree of a plain value, all of it with one origin. */
export function fromJson(value: Json, at: Origin): SourceNode {
  if (Array.isArray(value)) {
    return { kind: 'list', at, items: (value as readonly Json[]).map((item) => fromJson(item, at)) };
  }
  if (value !== null && typeof value === 'object') {
    const entries = new Map<string, SourceNode>();
    for (const [key, member] of Object.entries(value as { readonly [key: string]: Json | undefined })) {
      if (member !== undefined) entries.set(key, fromJson(member, at));
    }
    return { kind: 'map', at, entries };
  }
  return { kind: 'value', at, value };
}

/** The plain value of a tree. A field set to nothing (`null`) is left out: it goes back to its default. */
export function toJson(node: SourceNode): Json {
  switch (node.kind) {
    case 'map': {
      const members = [...node.entries].filter(([, member]) => !isNothing(member));
      return Object.fromEntries(members.map(([key, member]) => [key, toJson(member)]));
    }
    case 'list':
      return node.items.map(toJson);
    case 'value':
      return node.value;
  }
}

export function isNothing(node: SourceNode): boolean {
  return node.kind === 'value' && node.value === null;
}

/** The deepest node that exists on a path, and how many steps of the path led to it. */
export function deepest(
  root: SourceNode,
  path: readonly (string | number)[],
): { readonly node: SourceNode; readonly depth: number } {
  let node = root;
  for (const [depth, step] of path.entries()) {
    const next =
      node.kind === 'map'
        ? node.entries.get(String(step))
        : node.kind === 'list'
          ? node.items[Number(step)]
          : undefined;
    if (next === undefined || isNothing(next)) return { node, depth };
    node = next;
  }
  return { node, depth: path.length };
}

/** A map with one of its fields left out. */
export function without(map: SourceMap, field: string): SourceMap {
  return { ...map, entries: new Map([...map.entries].filter(([key]) => key !== field)) };
}

/** The tree of YAML text. Throws the {@link InputError}s of what is not YAML, all of them, or of a document that is no map. */
export function parseYaml(text: string, file: string, folder: string): SourceMap {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems = [...document.errors, ...document.warnings].map(
    (problem) =>
      new InputError(
        'config.not-yaml',
        { file, line: lines.linePos(problem.pos[0]).line },
        `this is not YAML: ${problem.message}`,
        { cause: problem },
      ),
  );
  if (problems.length > 0) throw new NotYaml(problems);
  const root: SourceNode =
    document.contents === null
      ? { kind: 'map', at: { file, line: 1, folder }, entries: new Map() }
      : fromYaml(document.contents, document, lines, { file, line: 1, folder });
  if (root.kind !== 'map') {
    throw new NotYaml([
      new InputError('config.not-a-map', { file, line: 1 }, 'a configuration is a map of fields', {
        fix: 'begin with `name: my-run`',
      }),
    ]);
  }
  return root;
}

/** Raised by {@link parseYaml}; the loader turns it into one report with everything else that is wrong. */
export class NotYaml extends Error {
  constructor(readonly problems: readonly InputError[]) {
    super(problems.map((problem) => problem.message).join('\n'));
  }
}

/** Reads and parses a file; `shown` is the name that messages use. Rejects with the file system's error. */
export async function readYaml(path: string, shown: string, folder: string): Promise<SourceMap> {
  return parseYaml(await readFile(path, 'utf8'), shown, folder);
}

function fromYaml(node: Node, document: Document, lines: LineCounter, at: Origin): SourceNode {
  const lineOf = (member: unknown, otherwise: Origin): Origin => {
    const range = (member as Node | null)?.range;
    return range ? { ...otherwise, line: lines.linePos(range[0]).line } : otherwise;
  };
  if (isAlias(node)) {
    const target = node.resolve(document);
    return target === undefined ? { kind: 'value', at, value: null } : fromYaml(target, document, lines, at);
  }
  if (isMap(node)) {
    const entries = new Map<string, SourceNode>();
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      const here = lineOf(pair.key, at);
      const value = pair.value as Node | null;
      entries.set(
        key,
        value === null ? { kind: 'value', at: here, value: null } : fromYaml(value, document, lines, here),
      );
    }
    return { kind: 'map', at, entries };
  }
  if (isSeq(node)) {
    const items = node.items.map((item) => fromYaml(item as Node, document, lines, lineOf(item, at)));
    return { kind: 'list', at, items };
  }
  return { kind: 'value', at, value: isScalar(node) ? (node.value as Json) : null };
}
