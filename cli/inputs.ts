import { existsSync } from 'node:fs';
import type { LoadedConfig } from '../config/load.js';
import { InvalidConfig } from '../config/problems.js';
import { InputError, TerminalError } from '../core/errors.js';

/** The files and folders that a config names and that are not there, each at the line that names it. */
export function missingInputs({ named }: LoadedConfig): readonly InputError[] {
  return named
    .filter(({ path }) => !existsSync(path))
    .map(
      ({ field, path, at }) =>
        new InputError(
          'config.missing-input',
          { file: at.file, ...(at.line === undefined ? {} : { line: at.line }), field },
          `there is no ${path}`,
        ),
    );
}

/**
 * Refuses what would fail after hours: inputs that are not there, and what is not offered yet.
 * @throws InvalidConfig; TerminalError `config.not-yet`
 */
export function requireRunnable(loaded: LoadedConfig): void {
  const missing = missingInputs(loaded);
  if (missing.length > 0) throw new InvalidConfig(missing);
  if (loaded.config.model.kind === 'pretrained') {
    throw new TerminalError(
      'config.not-yet',
      'Training from pretrained weights is not offered yet: runs start from scratch',
      {
        fix: 'set model.kind to scratch; `--plan` shows what this config would need',
      },
    );
  }
}
