import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { InputError } from '../core/errors.js';
import { packageRoot } from '../core/package-root.js';
import { problemAt } from './problems.js';
import type { PromptTexts, ResolvedConfig, RunConfig } from './schema.js';
import { deepest } from './source-tree.js';
import type { SourceMap } from './source-tree.js';

/** Prompt templates that come with the package. */
export const promptFolder = join(packageRoot, 'config', 'prompts');

/**
 * The texts behind `prompts`: a bare name of a supplied template, else a path that starts where it was written. With a
 * recorded config, a template that is still named the same keeps its recorded text. Templates that cannot be read are
 * returned as problems, all of them.
 */
export async function readPrompts(
  config: RunConfig,
  tree: SourceMap,
  recorded: ResolvedConfig | undefined,
): Promise<{ prompts: PromptTexts; problems: readonly InputError[] }> {
  const problems: InputError[] = [];
  const read = async (name: keyof PromptTexts): Promise<string> => {
    const file = config.prompts[name];
    if (recorded && recorded.config.prompts[name] === file) return recorded.prompts[name];
    const { node } = deepest(tree, ['prompts', name]);
    const supplied = join(promptFolder, file);
    const path = !/[\\/]/.test(file) && existsSync(supplied) ? supplied : resolve(node.at.folder, file);
    try {
      const text = (await readFile(path, 'utf8')).trim();
      if (text !== '') return text;
      problems.push(problemAt(tree, ['prompts', name], 'the prompt template is empty', { found: file }));
    } catch {
      const known = (await readdir(promptFolder)).sort();
      problems.push(
        problemAt(tree, ['prompts', name], 'there is no such prompt template', {
          found: file,
          allowed: `${known.join(' | ')}, or a path relative to the config file`,
        }),
      );
    }
    return '';
  };
  const prompts = {
    verdict: await read('verdict'),
    category: await read('category'),
    reflective: await read('reflective'),
  };
  return { prompts, problems };
}
