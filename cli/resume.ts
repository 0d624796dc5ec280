import type { Command } from 'commander';
import { overrideConfig } from '../config/load.js';
import type { ResolvedRun } from '../config/schema.js';
import { followRun, printResult } from './follow.js';
import { planText } from './render/plan.js';
import { rerunOptions, rerunsOf } from './rerun-options.js';
import type { RerunOptions } from './rerun-options.js';
import type { RunApi, RunPlan } from './run-api.js';
import { runIsRunning } from './run-errors.js';
import { onStack, setOption, withRuns } from './verb.js';
import type { Verb } from './verb.js';

interface Options extends RerunOptions {
  readonly set?: readonly string[];
  readonly plan?: true;
  readonly yes?: true;
  readonly detach?: true;
  readonly json?: true;
}

/** `hindsight resume RUN_ID`. */
export function addResume(program: Command, verb: Verb): void {
  const command = program
    .command('resume')
    .summary('go on with a run that stopped')
    .description(
      'Goes on with a run that is awaiting, failed or cancelled, or makes parts of one that is done again. Says first, ' +
        'stage by stage, what will be reused, what will run, and why; on a terminal it then asks whether to go on, ' +
        'elsewhere it goes on.',
    )
    .argument('<run-id>', '`hindsight list` names them')
    .option('--plan', 'say what would be reused and what would run; start nothing')
    .option('--yes', 'do not ask')
    .option('--detach', 'do not watch')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      '\nA stage that is made anew keeps its earlier result in the store. Later stages follow from its new output:\n' +
        'where that is the same, byte for byte, they are reused.\n' +
        '\nExamples:\n  hindsight resume clips-20260301-101500-3f2a\n' +
        '  hindsight resume clips-20260301-101500-3f2a --set dataset.maxRejectShare=0.3\n' +
        '  hindsight resume clips-20260301-101500-3f2a --rerun sft --plan\n' +
        '  hindsight resume clips-20260301-101500-3f2a --retry refused --retry failed',
    )
    .action((runId: string, options: Options) =>
      withRuns(verb, 'known', (api) => resume(verb, api, runId, options)),
    );
  rerunOptions(setOption(onStack(command)));
}

async function resume(verb: Verb, api: RunApi, runId: string, options: Options): Promise<void> {
  const { terminal } = verb;
  const json = options.json === true;
  const recorded = await api.configOf(runId);
  const { status } = await api.snapshot(runId);
  if (status === 'running' && options.plan !== true) throw runIsRunning(runId);
  const changed = await changedConfig(recorded, runId, options.set ?? []);
  const asked = rerunsOf(options, changed ?? recorded);
  const plan = await api.plan(changed ?? recorded, { ...(await api.pendingReruns(runId)), ...asked });
  if (options.plan) {
    terminal.out(json ? `${JSON.stringify(plan, null, 2)}\n` : planText(plan));
    return;
  }
  terminal.err(`${planText(plan)}\n`);
  if (status === 'done' && changed === undefined && isReusedWhole(plan)) {
    terminal.err(
      `${runId} is done and there is nothing to do; --rerun STAGE makes a stage anew, --set changes one\n`,
    );
    await printResult(verb, api, await api.snapshot(runId), { json });
    return;
  }
  if (options.yes !== true && terminal.asks && !isYes(await terminal.ask('go on? [y/N] '))) {
    terminal.err(`nothing was started\n`);
    return;
  }
  await api.resume(runId, { ...(changed === undefined ? {} : { resolved: changed }), reruns: asked });
  if (options.detach) await printResult(verb, api, await api.snapshot(runId), { json });
  else await followRun(verb, api, runId, { json });
}

function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer.trim());
}

/** Whether a plan has nothing to make; what depends on stages that are all reused is there as well. */
function isReusedWhole({ stages }: RunPlan): boolean {
  return stages.every(({ plan }) => plan.action === 'reuse' || plan.action === 'depends');
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
