import type { Command } from 'commander';
import { overrideConfig } from '../config/load.js';
import type { ResolvedRun } from '../config/schema.js';
import { followRun, printResult } from './follow.js';
import { planText } from './render/plan.js';
import { onStack, setOption, withRuns } from './verb.js';
import type { Verb } from './verb.js';

interface Options {
  readonly set?: readonly string[];
  readonly plan?: true;
  readonly detach?: true;
  readonly json?: true;
}

/** `hindsight resume RUN_ID`. */
export function addResume(program: Command, verb: Verb): void {
  const command = program
    .command('resume')
    .summary('go on with a run that stopped')
    .description(
      'Goes on with a run that is awaiting, failed or cancelled. Says first, stage by stage, what will be reused, what ' +
        'will run, and why.',
    )
    .argument('<run-id>', '`hindsight list` names them')
    .option('--plan', 'say what would be reused and what would run; start nothing')
    .option('--detach', 'do not watch')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  hindsight resume clips-20260301-101500-3f2a\n' +
        '  hindsight resume clips-20260301-101500-3f2a --set dataset.maxRejectShare=0.3',
    )
    .action(async (runId: string, options: Options) => {
      await withRuns(verb, 'known', async (api) => {
        const recorded = await api.configOf(runId);
        const changed = await changedConfig(recorded, runId, options.set ?? []);
        const plan = await api.plan(changed ?? recorded);
        const json = options.json === true;
        if (options.plan) {
          verb.terminal.out(json ? `${JSON.stringify(plan, null, 2)}\n` : planText(plan));
          return;
        }
        verb.terminal.err(`${planText(plan)}\n`);
        await api.resume(runId, changed === undefined ? {} : { resolved: changed });
        if (options.detach) await printResult(verb, api, await api.snapshot(runId), { json });
        else await followRun(verb, api, runId, { json });
      });
    });
  setOption(onStack(command));
}

async function changedConfig(
  recorded: ResolvedRun,
  runId: string,
  set: readonly string[],
): Promise<ResolvedRun | undefined> {
  if (set.length === 0) return undefined;
  const { config, prompts, variants } = await overrideConfig(recorded, set, { label: `run ${runId}` });
  return { config, prompts, variants };
}
