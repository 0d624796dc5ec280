import { alternatives, describeValues, runSchema } from './fields.js';
import type { FieldSchema } from './fields.js';

/** A leaf of the schema, as documented. */
export interface FieldEntry {
  /** Dotted; `N` stands for the place in a list. */
  readonly path: string;
  readonly schema: FieldSchema;
  readonly required: boolean;
  /** e.g. `kind: jsonl`, where the field belongs to one form of a union. */
  readonly form: string | undefined;
}

/** Every field that holds a value, in the order of the schema. */
export function fieldEntries(root: FieldSchema = runSchema): readonly FieldEntry[] {
  return Object.entries(root.properties ?? {}).flatMap(([name, schema]) =>
    entriesOf(name, schema, root.required?.includes(name) ?? false, undefined),
  );
}

function entriesOf(
  path: string,
  schema: FieldSchema,
  required: boolean,
  form: string | undefined,
): readonly FieldEntry[] {
  const own: FieldEntry = { path, schema, required, form };
  const forms = alternatives(schema);
  if (forms.length === 1 && forms[0]!.properties === undefined) {
    const items = schema.items ? alternatives(schema.items) : [];
    return items.some((item) => item.properties) ? [own, ...inside(`${path}.N`, items, form, true)] : [own];
  }
  // A map with a default of its own is a field too; its members are needed once it is written, or its form is chosen.
  const hasDefault = schema.default !== undefined;
  const isField = hasDefault && Object.keys(schema.default as object).length > 0 && path.includes('.');
  return [...(isField ? [own] : []), ...inside(path, forms, form, !hasDefault || forms.length > 1)];
}

function inside(
  path: string,
  forms: readonly FieldSchema[],
  form: string | undefined,
  demands: boolean,
): readonly FieldEntry[] {
  return forms.flatMap((one) => {
    const kind = one.properties?.kind?.const;
    const label =
      forms.length > 1 && typeof kind === 'string'
        ? `kind: ${kind}`
        : forms.length > 1
          ? Object.keys(one.properties ?? {}).join(', ')
          : form;
    return Object.entries(one.properties ?? {}).flatMap(([name, schema]) =>
      entriesOf(`${path}.${name}`, schema, demands && (one.required?.includes(name) ?? false), label),
    );
  });
}

/** docs/configuration.md: every field with its values, default and meaning. */
export function configurationReference(): string {
  const sections = Object.entries(runSchema.properties ?? {}).map(([name, schema]) => {
    const entries = fieldEntries({
      properties: { [name]: schema },
      required: runSchema.required ?? [],
    });
    const intro = schema.description === undefined ? '' : `${capital(schema.description)}.\n\n`;
    return `## ${name}\n\n${entries.length === 1 && entries[0]!.path === name ? '' : intro}${entries.map(line).join('\n')}\n`;
  });
  return [preamble, ...sections].join('\n');
}

function line({ path, schema, required, form }: FieldEntry): string {
  const facts = [
    ...(form === undefined ? [] : [`with ${form}`]),
    code(describeValues(schema)),
    ...(required ? ['required'] : []),
    ...(schema.default === undefined ? [] : [`default ${code(JSON.stringify(schema.default))}`]),
  ];
  const meaning = schema.description === undefined ? '' : `: ${schema.description.replaceAll('<', '\\<')}`;
  return `- **${path}** (${facts.join('; ')})${meaning}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const preamble = `# Configuration

<!-- Written by scripts/config-docs.mjs from the schema in config/; change it there. -->

A run is described by one YAML file, or by the name of a preset that comes with Hindsight (\`demo\`, \`micro\`, \`clips\`,
\`vad-r1\`, \`srvau-r1\`, \`qwen2.5-vl-7b-lora\`). Everything that can change a result is in it; where the work is done
(addresses, keys, number of workers) is not.

\`\`\`yaml
name: my-run
extends: clips # a preset, or a path that ends in .yaml
dataset:
  sources:
    - kind: jsonl
      annotations: videos/annotations.jsonl # relative to this file
sft: { steps: 200 }
\`\`\`

- \`extends\` takes over another configuration and changes it: maps are merged field by field, lists and values are
  replaced. A map of another \`kind\` replaces the old one whole. Paths start at the file that wrote them; those of a preset
  start at the file that extends it, or at the working directory.
- \`hindsight run FILE --set sft.steps=100 --set dataset.sources.0.videos=/data\` changes single fields; values are YAML, and
  paths start at the working directory.
- A field that is left out, or set to nothing, has its default. The run records all of them.
- \`hindsight run FILE --plan\` says what would be reused and what would run, and how much device memory it needs, without
  starting anything.
`;
