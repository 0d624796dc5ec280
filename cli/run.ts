import type { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import type { LoadedConfig } from '../config/load.js';
import { estimateMemory, requireFit } from '../training/memory-estimate.js';
import { estimateTime } from '../training/time-estimate.js';
import { detectDevice } from './device.js';
import type { Device } from './device.js';
import { followRun, printResult } from './follow.js';
import { missingInputs, requireRunnable } from './inputs.js';
import { estimateText, planText } from './render/plan.js';
import { policyShape } from './model-shape.js';
import { rerunOptions, rerunsOf } from './rerun-options.js';
import type { RerunOptions } from './rerun-options.js';
import { onStack, setOption, withRuns } from './verb.js';
import type { Verb } from './verb.js';
import type { Reruns } from '../artifacts/rerun.js';
import type { RunApi } from './run-api.js';

interface Options extends RerunOptions {
  readonly set?: readonly string[];
  readonly runId?: string;
  readonly plan?: true;
  readonly detach?: true;
  readonly json?: true;
  readonly deviceMemory?: string;
}

/** `hindsight run CONFIG`. */
export function addRun(program: Command, verb: Verb): void {
  const command = program
    .command('run')
    .summary('run the pipeline on a configuration and watch it')
    .description(
      'Runs the whole pipeline on a configuration: a YAML file, or the name of a preset. What earlier runs made is reused. ' +
        'Ctrl-C stops watching; the run goes on.',
    )
    .argument(
      '<config>',
      'a YAML file, or a preset: clips, demo, micro, qwen2.5-vl-7b-lora, srvau-r1, vad-r1',
    )
    .option('--run-id <id>', 'name the run yourself')
    .option('--plan', 'say what would be reused and what would run, and what it needs; start nothing')
    .option('--detach', 'start the run and print its id')
    .option('--json', 'print one JSON object on stdout')
    .option(
      '--device-memory <size>',
      'memory of the device that trains, e.g. 80GiB (default: what is found here)',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  hindsight run clips.yaml\n  hindsight run clips.yaml --set sft.steps=200 --set seed.train=2\n' +
        '  hindsight run vad-r1 --plan --device-memory 80GiB\n' +
        '\nExit codes: 0 done, 1 failed, 2 usage or configuration, 3 awaiting a decision, 4 cancelled.',
    )
    .action(async (spec: string, options: Options) => {
      const loaded = await loadConfig(spec, { set: options.set ?? [] });
      if (options.plan) await printPlan(verb, loaded, options);
      else await start(verb, loaded, options);
    });
  rerunOptions(setOption(onStack(command)));
}

async function start(verb: Verb, loaded: LoadedConfig, options: Options): Promise<void> {
  const { terminal } = verb;
  const reruns = rerunsOf(options, loaded);
  for (const branch of branchesOf(loaded)) await requireRunnable(branch);
  const device = await detectDevice(options.deviceMemory);
  for (const branch of branchesOf(loaded)) {
    requireFit(estimateMemory(branch, await policyShape(branch)), device.memory, device.name);
  }
  await withRuns(verb, 'always', async (api) => {
    const runId = await startRun(verb, api, loaded, {
      ...(options.runId === undefined ? {} : { runId: options.runId }),
      reruns,
    });
    const json = options.json === true;
    if (options.detach) {
      terminal.err(`  watch it: hindsight show ${runId}\n  stop it:  hindsight cancel ${runId}\n`);
      await printResult(verb, api, await api.snapshot(runId), { json });
    } else {
      await followRun(verb, api, runId, { json });
    }
  });
}

/** The run's own config and those of its variants, each with the places that the run's file names. */
function branchesOf(loaded: LoadedConfig): LoadedConfig[] {
  return [loaded, ...Object.values(loaded.variants).map((variant) => ({ ...loaded, ...variant }))];
}

/** Starts a run; the first lines of its talk name the endpoints and the run. */
export async function startRun(
  { terminal }: Verb,
  api: RunApi,
  loaded: LoadedConfig,
  options: { readonly runId?: string; readonly reruns?: Reruns } = {},
): Promise<string> {
  terminal.err(`Temporal ${api.endpoints.temporal}, store ${api.endpoints.store}\n`);
  const id = await api.start(loaded, options);
  terminal.err(`run ${id}\n`);
  return id;
}

async function printPlan(verb: Verb, loaded: LoadedConfig, options: Options): Promise<void> {
  const { terminal } = verb;
  const reruns = rerunsOf(options, loaded);
  const device = await detectDevice(options.deviceMemory);
  const shape = await policyShape(loaded);
  const memory = estimateMemory(loaded, shape);
  const times = estimateTime(loaded.config, shape, device.speed);
  const missing = missingInputs(loaded);
  const plan = missing.length > 0 ? null : await withRuns(verb, 'always', (api) => api.plan(loaded, reruns));
  if (options.json) {
    const sources = loaded.sources;
    const text = JSON.stringify({ sources, stages: plan?.stages ?? null, memory, times, device }, null, 2);
    terminal.out(`${text}\n`);
  } else {
    if (plan !== null) terminal.out(`${planText(plan)}\n`);
    terminal.out(estimateText(memory, times, device.name));
  }
  for (const problem of missing) terminal.err(`${problem.message}; a run would stop here\n`);
  refuseWhatDoesNotFit(verb, memory, device);
}

/** A device that is stated or found decides; the main memory of a machine without GPU only warns: workers may be elsewhere. */
function refuseWhatDoesNotFit(
  { terminal }: Verb,
  memory: ReturnType<typeof estimateMemory>,
  device: Device,
): void {
  if (device.source !== 'assumed') {
    requireFit(memory, device.memory, device.name);
  } else if (memory.peak.total > device.memory) {
    terminal.err(`${device.name} has not enough memory for it; a run here would be refused\n`);
  }
}
