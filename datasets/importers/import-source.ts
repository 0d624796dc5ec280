import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { DatasetSource } from '../../config/dataset.js';
import { InputError } from '../../core/errors.js';
import type { ImportResult } from '../annotation.js';
import { importJsonl } from './jsonl.js';
import { importVadReasoning } from './vad-reasoning.js';

/** Reads one dataset source of a run. Throws an {@link InputError} when its file is missing or of another kind. */
export async function importSource(source: DatasetSource): Promise<ImportResult> {
  const file = basename(source.annotations);
  const text = await readFile(source.annotations, 'utf8').catch((cause: unknown) => {
    throw new InputError(
      'datasets.missing-annotations',
      { file: source.annotations },
      'the annotation file cannot be read',
      { cause, fix: 'paths in dataset.sources are relative to the config file' },
    );
  });
  switch (source.kind) {
    case 'jsonl':
      return importJsonl({ text, file, videos: source.videos ?? dirname(source.annotations) });
    case 'vad-reasoning':
      return importVadReasoning({
        text,
        file,
        prefixMap: source.prefixMap,
        split: source.split ?? null,
      });
  }
}
