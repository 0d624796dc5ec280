import { RunConfig } from './schema.js';
import type { PromptTexts, ResolvedConfig, ResolvedRun } from './schema.js';

interface Recorded {
  readonly config: unknown;
  readonly prompts: PromptTexts;
  readonly variants?: Readonly<Record<string, Recorded>>;
}

/** A run's config as the store keeps it; fields that a later version has added are at their defaults. */
export function readResolvedRun(recorded: unknown): ResolvedRun {
  const { variants = {}, ...own } = recorded as Recorded;
  return {
    ...readResolved(own),
    variants: Object.fromEntries(
      Object.entries(variants).map(([name, variant]) => [name, readResolved(variant)]),
    ),
  };
}

function readResolved({ config, prompts }: Recorded): ResolvedConfig {
  return { config: RunConfig.parse(config), prompts };
}
