import { z } from 'zod';
import { RunConfig } from './schema.js';
import type { SourceMap, SourceNode } from './source-tree.js';

/** The part of JSON Schema that zod writes for our configuration. */
export interface FieldSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | FieldSchema;
  readonly items?: FieldSchema;
  readonly prefixItems?: readonly FieldSchema[];
  readonly minItems?: number;
  readonly oneOf?: readonly FieldSchema[];
  readonly anyOf?: readonly FieldSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly pattern?: string;
}

/** What a person may write, as data: the source of error messages, of merging and of docs/configuration.md. */
export const runSchema = z.toJSONSchema(RunConfig, { io: 'input' }) as FieldSchema;

/** The forms a field can take: the members of a union, or the schema itself. */
export function alternatives(schema: FieldSchema): readonly FieldSchema[] {
  return schema.oneOf ?? schema.anyOf ?? [schema];
}

/** Whether a map could be of this form: all its fields are known and its `kind`, where written, is the form's. */
export function accepts(schema: FieldSchema, map: SourceMap): boolean {
  return [...map.entries].every(([key, member]) => {
    const field = schema.properties?.[key];
    if (field === undefined) return typeof schema.additionalProperties === 'object';
    return field.const === undefined || (member.kind === 'value' && member.value === field.const);
  });
}

/** The forms among `schemas` that what was written decides for by its `kind`; all of them where it does not. */
function chosen(schemas: readonly FieldSchema[], node: SourceNode | undefined): readonly FieldSchema[] {
  const kind = node?.kind === 'map' ? node.entries.get('kind') : undefined;
  if (kind?.kind !== 'value') return schemas;
  const matching = schemas.filter((schema) => schema.properties?.kind?.const === kind.value);
  return matching.length > 0 ? matching : schemas;
}

/** Every schema that fits a path of a written tree; empty where no field has that path. */
export function schemasAt(
  tree: SourceNode,
  path: readonly (string | number)[],
  root: FieldSchema = runSchema,
): readonly FieldSchema[] {
  let schemas: readonly FieldSchema[] = alternatives(root);
  let node: SourceNode | undefined = tree;
  for (const step of path) {
    schemas = chosen(schemas, node).flatMap((schema) => {
      const child =
        schema.properties?.[String(step)] ??
        schema.prefixItems?.[Number(step)] ??
        schema.items ??
        (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
      return child === undefined ? [] : alternatives(child);
    });
    node =
      node?.kind === 'map'
        ? node.entries.get(String(step))
        : node?.kind === 'list'
          ? node.items[Number(step)]
          : undefined;
  }
  return chosen(schemas, node);
}

/** Names of the fields that may be written at a path. */
export function fieldNames(tree: SourceNode, path: readonly (string | number)[]): readonly string[] {
  const names = new Set(schemasAt(tree, path).flatMap((schema) => Object.keys(schema.properties ?? {})));
  return path.length === 0 ? ['extends', ...names] : [...names];
}

/** The values a field may have, in words: `whole number (at least 1)`, `"a" | "b"`, `list of ...`. */
export function describeValues(schema: FieldSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.oneOf ?? schema.anyOf) {
    return [...new Set(alternatives(schema).map(describeValues))].join(' or ');
  }
  switch (schema.type ?? '') {
    case 'integer':
      return `whole number${describeBounds(schema)}`;
    case 'number':
      return `number${describeBounds(schema)}`;
    case 'string':
      return schema.pattern === undefined ? 'text' : `text like ${schema.pattern}`;
    case 'boolean':
      return 'true | false';
    case 'array':
      if (schema.prefixItems) return `[${schema.prefixItems.map(describeValues).join(', ')}]`;
      return `list of ${describeValues(schema.items ?? {})}`;
    case 'object':
      return schema.properties ? `map {${Object.keys(schema.properties).join(', ')}}` : describeMap(schema);
    default:
      return 'anything';
  }
}

/** A map with names of its own: of texts, or of anything. */
function describeMap({ additionalProperties }: FieldSchema): string {
  const isText = typeof additionalProperties === 'object' && additionalProperties.type === 'string';
  return isText ? 'map of text to text' : 'map of fields';
}

function describeBounds(schema: FieldSchema): string {
  const words: string[] = [];
  if (schema.multipleOf !== undefined) words.push(`multiple of ${schema.multipleOf}`);
  if (schema.minimum !== undefined && schema.minimum !== Number.MIN_SAFE_INTEGER) {
    words.push(`at least ${schema.minimum}`);
  }
  if (schema.exclusiveMinimum !== undefined) words.push(`above ${schema.exclusiveMinimum}`);
  if (schema.maximum !== undefined && schema.maximum !== Number.MAX_SAFE_INTEGER) {
    words.push(`at most ${schema.maximum}`);
  }
  if (schema.exclusiveMaximum !== undefined) words.push(`below ${schema.exclusiveMaximum}`);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}
