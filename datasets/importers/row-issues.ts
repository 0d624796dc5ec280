import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';

/** What is wrong with a row, as a sentence per issue: the field, what was found, what is allowed, the nearest name. */
export function describeIssues(error: z.ZodError, row: unknown, fields: readonly string[]): string {
  return error.issues.map((issue) => describe(issue, row, fields)).join('; ');
}

function describe(issue: z.core.$ZodIssue, row: unknown, fields: readonly string[]): string {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .map((key) => {
        const near = fields.find(
          (field) => distance(field, key.toLowerCase()) <= Math.max(1, key.length / 3),
        );
        return `unknown field "${key}"${near === undefined ? `; known: ${fields.join(', ')}` : `, did you mean "${near}"?`}`;
      })
      .join('; ');
  }
  const field = issue.path.join('.');
  const found = valueAt(row, issue.path);
  if (found === undefined) return `"${field}" is missing`;
  const allowed = issue.code === 'invalid_value' ? `allowed: ${issue.values.join(', ')}` : issue.message;
  return `"${field}" is ${JSON.stringify(found)}; ${allowed}`;
}

function valueAt(row: unknown, path: readonly PropertyKey[]): unknown {
  let value = row;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
