import { randomBytes } from 'node:crypto';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { stageNames } from '../activities/contract.js';
import type { StageName } from '../activities/contract.js';
import { retriedOutcomes } from '../artifacts/rerun.js';
import type { RetriedOutcome, Rerun, Reruns } from '../artifacts/rerun.js';
import { trainedCheckpoints } from '../config/cross-checks.js';
import type { ResolvedConfig, ResolvedRun } from '../config/schema.js';
import { InputError } from '../core/errors.js';

/** What a person asks to be made again. */
export interface RerunOptions {
  readonly rerun?: readonly StageName[];
  readonly from?: StageName;
  readonly retry?: readonly RetriedOutcome[];
}

/** Stages that work sample by sample and remember how each ended. */
const sampleStages: readonly StageName[] = ['ingest', 'frames', 'captions', 'reasoning', 'reflections'];

/** Adds `--rerun`, `--from` and `--retry`. */
export function rerunOptions(command: Command): Command {
  return command
    .option(
      '--rerun <stage>',
      'make a stage anew though the store has it, in every branch; may be repeated',
      (value: string, before: readonly StageName[] | undefined) => [
        ...(before ?? []),
        oneOf(stageNames, value),
      ],
    )
    .option('--from <stage>', 'make a stage and all that come after it anew', (value: string) =>
      oneOf(stageNames, value),
    )
    .option(
      '--retry <outcome>',
      'try the samples again that ended so: refused, failed or rejected; may be repeated',
      (value: string, before: readonly RetriedOutcome[] | undefined) => [
        ...(before ?? []),
        oneOf(retriedOutcomes, value),
      ],
    );
}

/** Reruns under a new id, none where nothing is asked for. An InputError names a stage that the run does not have. */
export function rerunsOf(options: RerunOptions, resolved: ResolvedRun): Reruns {
  const { rerun = [], from, retry = [] } = options;
  const there = stagesOf(resolved);
  const named = [
    ...rerun.map((stage) => ({ option: '--rerun', stage })),
    ...(from === undefined ? [] : [{ option: '--from', stage: from }]),
  ];
  for (const { option, stage } of named.filter((one) => !there.includes(one.stage))) {
    const where = { file: option, found: stage, allowed: there.join(', ') };
    throw new InputError('cli.stage-not-in-run', where, 'this run has no such stage');
  }
  const id = randomBytes(4).toString('hex');
  const again = from === undefined ? rerun : [...rerun, ...there.slice(there.indexOf(from))];
  const only: Rerun = { id, only: [...new Set(retry)] };
  return {
    ...(retry.length === 0 ? {} : Object.fromEntries(sampleStages.map((stage) => [stage, only]))),
    ...Object.fromEntries(again.map((stage) => [stage, { id, only: null }])),
  };
}

/** The stages of a run and its variants; each comes after all those that it depends on. */
function stagesOf(resolved: ResolvedRun): StageName[] {
  const variants = Object.values(resolved.variants);
  const branches: readonly ResolvedConfig[] = [resolved, ...variants];
  const trained = new Set(branches.flatMap(({ config }) => trainedCheckpoints(config)));
  const absent = new Set<StageName>([
    ...(trained.has('reflection-sft') ? [] : (['drafts', 'reflections', 'reflection-sft'] as const)),
    ...(trained.has('grpo') ? [] : (['grpo'] as const)),
    ...(variants.length > 0 ? [] : (['compare'] as const)),
  ]);
  return stageNames.filter((stage) => !absent.has(stage));
}

function oneOf<Name extends string>(names: readonly Name[], value: string): Name {
  const found = names.find((name) => name === value);
  if (found === undefined) throw new InvalidArgumentError(`Allowed choices are ${names.join(', ')}.`);
  return found;
}
