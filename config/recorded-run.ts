import { RunConfig } from './schema.js';
import type { PromptTexts, ResolvedConfig, ResolvedRun } from './schema.js';

interface Recorded {
  readonly config: unknown;
  readonly prompts: PromptTexts;
  readonly variants?: Readonly<Record<string, Recorded>>;
}

/** Fields of `reflection.sft` that runs were recorded with and that never changed anything. */
const dropped = ['visionWarmup', 'trimmedShare'];

/** A run's config as the store keeps it: fields added since are at their defaults, those dropped since are left out. */
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
  return { config: RunConfig.parse(withoutDropped(config)), prompts };
}

function withoutDropped(config: unknown): unknown {
  const { reflection, ...rest } = config as { readonly reflection?: { readonly sft?: object } };
  if (reflection?.sft === undefined) return config;
  const kept = Object.entries(reflection.sft).filter(([field]) => !dropped.includes(field));
  return { ...rest, reflection: { ...reflection, sft: Object.fromEntries(kept) } };
}
