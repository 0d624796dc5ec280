import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { InputError, TerminalError } from '../core/errors.js';
import { describeValues, fieldNames, schemasAt } from './fields.js';
import { deepest, toJson } from './source-tree.js';
import type { SourceNode } from './source-tree.js';

type Path = readonly (string | number)[];

/** Everything that is wrong with a configuration, found in one go. */
export class InvalidConfig extends TerminalError {
  constructor(readonly problems: readonly InputError[]) {
    super('config.invalid', problems.map(describeProblem).join('\n'));
  }
}

function describeProblem(problem: InputError): string {
  return problem.fix === undefined ? problem.message : `${problem.message}\n  fix: ${problem.fix}`;
}

/** The name among `known` that was probably meant; undefined where none is near. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const text = written.toLowerCase();
  const away = new Map(known.map((name) => [name, distance(text, name.toLowerCase())]));
  const least = Math.min(...away.values());
  if (least > Math.max(2, text.length * 0.4)) return undefined;
  const near = known.filter((name) => away.get(name) === least);
  // Swapped letters are the likelier slip: `tset` is `test`, not `sft`.
  return near.find((name) => letters(name) === letters(text)) ?? near[0];
}

function letters(text: string): string {
  return [...text.toLowerCase()].sort().join('');
}

/** A problem with the field at `path`, at the line where it, or else the map around it, was written. */
export function problemAt(
  tree: SourceNode,
  path: Path,
  message: string,
  detail: { readonly found?: string; readonly allowed?: string; readonly fix?: string } = {},
): InputError {
  const { at } = deepest(tree, path).node;
  return new InputError(
    'config.invalid-field',
    {
      file: at.file,
      ...(at.line === undefined ? {} : { line: at.line }),
      ...(path.length === 0 ? {} : { field: path.join('.') }),
      ...(detail.found === undefined ? {} : { found: detail.found }),
      ...(detail.allowed === undefined ? {} : { allowed: detail.allowed }),
    },
    message,
    detail.fix === undefined ? {} : { fix: detail.fix },
  );
}

/** zod's issues about a tree, in our words, each at its line. */
export function problemsOf(
  tree: SourceNode,
  issues: readonly z.core.$ZodIssue[],
  under: Path = [],
): InputError[] {
  return issues.flatMap((issue) => problemsOfIssue(tree, issue, [...under, ...(issue.path as Path)]));
}

function problemsOfIssue(tree: SourceNode, issue: z.core.$ZodIssue, path: Path): InputError[] {
  if (issue.code === 'unrecognized_keys') {
    const known = fieldNames(tree, path);
    return issue.keys.map((key) => {
      const meant = nearest(key, known);
      const message = meant === undefined ? 'unknown field' : `unknown field, did you mean \`${meant}\`?`;
      return problemAt(tree, [...path, key], message, { allowed: known.join(', ') });
    });
  }
  const schemas = schemasAt(tree, path);
  const allowed = [...new Set(schemas.map(describeValues))].join(' or ');
  const { node, depth } = deepest(tree, path);
  if (depth < path.length) return [problemAt(tree, path, 'missing', { allowed })];
  const found = show(node);
  switch (issue.code) {
    case 'invalid_union': {
      // Of several forms, the one whose fields were written is the one that was meant.
      const meant = issue.errors.find(
        (errors) => errors.length > 0 && errors.every((error) => error.code !== 'unrecognized_keys'),
      );
      if (node.kind === 'map' && meant) return problemsOf(tree, meant, path);
      return [
        problemAt(
          tree,
          path,
          wrongChoice(
            node,
            schemas.map((schema) => schema.const),
          ),
          { found, allowed },
        ),
      ];
    }
    case 'invalid_value':
      return [problemAt(tree, path, wrongChoice(node, issue.values), { found, allowed })];
    case 'invalid_type':
      return [problemAt(tree, path, 'wrong type', { found, allowed })];
    case 'custom':
      return [problemAt(tree, path, issue.message, { found })];
    case 'invalid_format':
      return [problemAt(tree, path, 'not allowed here', { found, allowed: issue.message })];
    case 'too_small':
    case 'too_big':
      if (issue.origin === 'array') {
        const few = issue.code === 'too_small';
        const count = few ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
        return [
          problemAt(tree, path, few ? 'too few entries' : 'too many entries', {
            found,
            allowed: `${allowed}, ${count} of them`,
          }),
        ];
      }
      return [
        problemAt(tree, path, issue.code === 'too_small' ? 'too small' : 'too large', { found, allowed }),
      ];
    case 'not_multiple_of':
      return [problemAt(tree, path, `not a multiple of ${issue.divisor}`, { found, allowed })];
    case 'invalid_key': {
      const wanted = issue.issues.map(({ message }) => message).join(', ');
      return [
        problemAt(tree, path, 'not allowed as a name', { found: String(path.at(-1)), allowed: wanted }),
      ];
    }
    case 'invalid_element':
      return [problemAt(tree, path, issue.message, { found, allowed })];
  }
}

function wrongChoice(node: SourceNode, choices: readonly unknown[]): string {
  const known = choices.filter((choice) => typeof choice === 'string');
  if (known.length === 0) return 'none of the forms that this field can take';
  const meant =
    node.kind === 'value' && typeof node.value === 'string' ? nearest(node.value, known) : undefined;
  return meant === undefined
    ? 'not one of the choices'
    : `not one of the choices, did you mean \`${meant}\`?`;
}

function show(node: SourceNode): string {
  const text = JSON.stringify(toJson(node));
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
