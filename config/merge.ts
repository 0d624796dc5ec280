import { parseDocument } from 'yaml';
import type { Json } from '../core/canonical-json.js';
import { InputError } from '../core/errors.js';
import { accepts, alternatives, runSchema } from './fields.js';
import type { FieldSchema } from './fields.js';
import { fromJson } from './source-tree.js';
import type { Origin, SourceMap, SourceNode } from './source-tree.js';

/**
 * What `over` says wins: maps are merged field by field, lists and values are replaced. A map of another form of a union
 * replaces too (`kind: pretrained` over `kind: scratch`, `maxPixels` over `width` and `height`): the fields of the old
 * form would have no meaning there.
 */
export function merge(base: SourceNode, over: SourceNode, schemas: readonly FieldSchema[]): SourceNode {
  if (base.kind !== 'map' || over.kind !== 'map' || !sameForm(base, over, schemas)) return over;
  const entries = new Map(base.entries);
  for (const [key, member] of over.entries) {
    const old = base.entries.get(key);
    entries.set(key, old === undefined ? member : merge(old, member, children(schemas, key)));
  }
  return { kind: 'map', at: over.at, entries };
}

function sameForm(base: SourceMap, over: SourceMap, schemas: readonly FieldSchema[]): boolean {
  const forms = schemas.filter((schema) => accepts(schema, over));
  return forms.length === 0 || schemas.length === 1 || forms.some((schema) => accepts(schema, base));
}

function children(schemas: readonly FieldSchema[], key: string): readonly FieldSchema[] {
  return schemas.flatMap((schema) => {
    const child = schema.properties?.[key];
    return child === undefined ? [] : alternatives(child);
  });
}

/** One `--set a.b.0.c=VALUE` (the value is YAML; nothing after the sign means: back to the default) over a tree. */
export function applySet(base: SourceMap, text: string, folder: string): SourceMap {
  const at: Origin = { file: `--set ${text}`, line: undefined, folder };
  const sign = text.indexOf('=');
  const path = text.slice(0, sign).trim().split('.');
  if (sign < 1 || path.includes('')) {
    throw new InputError('config.set-syntax', { file: at.file }, 'this is not an assignment to a field', {
      fix: 'write it as --set sft.steps=100',
    });
  }
  if (path[0] === 'extends') {
    throw new InputError(
      'config.set-extends',
      { file: at.file },
      'what a config extends is said in its file',
      {
        fix: 'put `extends: ...` into the file, or run the other config',
      },
    );
  }
  const document = parseDocument(text.slice(sign + 1), { prettyErrors: false });
  const problem = document.errors[0];
  if (problem) {
    throw new InputError(
      'config.set-syntax',
      { file: at.file, field: path.join('.'), found: text.slice(sign + 1) },
      `the value is not YAML: ${problem.message}`,
      { cause: problem },
    );
  }
  const value = fromJson((document.toJS() ?? null) as Json, at);
  const changed = setAt(base, path, value, at, alternatives(runSchema));
  return changed.kind === 'map' ? changed : base;
}

function setAt(
  base: SourceNode | undefined,
  path: readonly string[],
  value: SourceNode,
  at: Origin,
  schemas: readonly FieldSchema[],
): SourceNode {
  const [step, ...rest] = path;
  if (step === undefined) return base === undefined ? value : merge(base, value, schemas);
  if (base?.kind === 'list' && /^\d+$/.test(step) && Number(step) <= base.items.length) {
    const index = Number(step);
    const items = [...base.items];
    const itemSchemas = schemas.flatMap((schema) => (schema.items ? alternatives(schema.items) : []));
    items[index] = setAt(base.items[index], rest, value, at, itemSchemas);
    return { kind: 'list', at: base.at, items };
  }
  const old = base?.kind === 'map' ? base.entries.get(step) : undefined;
  const child = setAt(old, rest, value, at, children(schemas, step));
  const over: SourceMap = { kind: 'map', at, entries: new Map([[step, child]]) };
  if (base?.kind !== 'map' || !sameForm(base, over, schemas)) return over;
  return { kind: 'map', at: base.at, entries: new Map(base.entries).set(step, child) };
}
