import type { RunConfig } from './schema.js';

/** The variant that another one of a run `extends`, and is compared with; null for one of the run itself. */
export function extendedVariant({ variants }: Pick<RunConfig, 'variants'>, name: string): string | null {
  return (variants[name]?.['extends'] as string | undefined) ?? null;
}
