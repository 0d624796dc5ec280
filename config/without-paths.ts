import { basename } from 'node:path';
import type { RunConfig } from './schema.js';

/**
 * A config as artifacts may hold it: every path is its last part only, so that the same run on another machine, with its
 * files elsewhere, gives the same bytes.
 */
export function withoutPaths(config: RunConfig): RunConfig {
  const { model, dataset, variants } = config;
  return {
    ...config,
    variants: Object.fromEntries(
      Object.entries(variants).map(([name, fields]) => [name, withoutModelPath(fields)]),
    ),
    dataset: {
      ...dataset,
      sources: dataset.sources.map((source) => {
        const annotations = basename(source.annotations);
        if (source.kind === 'vad-reasoning') {
          const folders = Object.entries(source.prefixMap).map(([from, to]) => [from, basename(to)]);
          return { ...source, annotations, prefixMap: Object.fromEntries(folders) as Record<string, string> };
        }
        const { videos, ...rest } = source;
        return { ...rest, annotations, ...(videos === undefined ? {} : { videos: basename(videos) }) };
      }),
    },
    model: model.kind === 'scratch' ? model : { ...model, path: basename(model.path) },
  };
}

/** Of the fields that a variant may change, only the model's names a path. */
function withoutModelPath(fields: RunConfig['variants'][string]): RunConfig['variants'][string] {
  const { model } = fields;
  if (typeof model !== 'object' || model === null || Array.isArray(model)) return fields;
  return typeof model.path === 'string'
    ? { ...fields, model: { ...model, path: basename(model.path) } }
    : fields;
}
