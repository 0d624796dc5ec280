import { readdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { checkpointStages, type CheckpointStage } from '../config/evaluation.js';
import { InputError } from '../core/errors.js';
import { exportCheckpoint } from '../training/export-checkpoint.js';
import { checkpointBase } from '../activities/pretrained-base.js';
import { exportText } from './render/export.js';
import type { ExportReport } from './render/export.js';
import { onStack, withRuns } from './verb.js';
import type { Verb } from './verb.js';

interface Options {
  readonly merge?: true;
  readonly dtype: keyof typeof elementTypes;
  readonly json?: true;
}

const elementTypes = { f32: 'F32', bf16: 'BF16', f16: 'F16' } as const;

/** `hindsight export RUN_ID [CHECKPOINT] FOLDER`. */
export function addExport(program: Command, verb: Verb): void {
  onStack(
    program
      .command('export')
      .summary('write a trained model as a folder that transformers, peft and vLLM load')
      .description(
        'Writes a checkpoint of a run as a complete model folder, or of a LoRA run as a peft adapter folder, and says how to ' +
          'serve it.',
      )
      .usage('[options] <run-id> [checkpoint] <folder>')
      .argument('<run-id>', '`hindsight list` names them')
      .argument('<checkpoint>', `${checkpointStages.join(', ')}; left out: the last that is there`)
      .argument('[folder]', 'a folder that is empty or not there yet')
      .option('--merge', 'of a LoRA run: the whole model with the adapter added to it')
      .addOption(
        new Option('--dtype <type>', 'element type of the weights')
          .choices(Object.keys(elementTypes))
          .default('f32'),
      )
      .option('--json', 'print one JSON object on stdout')
      .addHelpText(
        'after',
        '\nExamples:\n  hindsight export demo-20260301-101500-3f2a model\n' +
          '  hindsight export vad-20260301-101500-3f2a grpo model --merge --dtype bf16',
      )
      .action(async (runId: string, first: string, second: string | undefined, options: Options) => {
        const [named, folder] = second === undefined ? [null, first] : [checkpointNamed(first), second];
        const target = resolve(folder);
        await requireEmpty(target);
        const report = await withRuns(verb, 'known', async (api): Promise<ExportReport> => {
          const { checkpoint, folder: from, model } = await api.fetchCheckpoint(runId, named);
          const base = (await checkpointBase(model))?.folder ?? null;
          verb.terminal.err(`writing ${checkpoint} of ${runId} to ${target}\n`);
          const exported = await exportCheckpoint({
            checkpoint: from,
            base,
            merge: options.merge === true,
            dtype: elementTypes[options.dtype],
            folder: target,
          });
          const { dtype } = options;
          const files = (await readdir(target)).sort();
          const common = { runId, checkpoint, folder: target, dtype, files };
          return exported.kind === 'model'
            ? { ...common, kind: 'model', base: null, rank: null, seesVision: false }
            : { ...common, ...exported, base };
        });
        if (options.json) verb.terminal.out(`${JSON.stringify(report, null, 2)}\n`);
        else verb.terminal.out(exportText(report, basename(target)));
      }),
  );
}

function checkpointNamed(text: string): CheckpointStage {
  const found = checkpointStages.find((name) => name === text);
  if (found !== undefined) return found;
  throw new InputError(
    'cli.unknown-checkpoint',
    { file: 'export', found: text, allowed: checkpointStages.join(' | ') },
    'there is no such checkpoint',
  );
}

async function requireEmpty(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new InputError('cli.not-a-folder', { file: folder }, 'this is not a folder', { cause: error });
  });
  if (found.length === 0) return;
  throw new InputError(
    'cli.folder-not-empty',
    { file: folder, found: found.slice(0, 3).join(', ') },
    'this folder is not empty',
    { fix: 'name one that is empty or not there yet' },
  );
}
