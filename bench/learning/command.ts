import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import pLimit from 'p-limit';
import { detectDevice } from '../../cli/device.js';
import { followRun } from '../../cli/follow.js';
import { duration } from '../../cli/render/duration.js';
import type { RunApi } from '../../cli/run-api.js';
import type { Terminal } from '../../cli/terminal.js';
import { onStack, withRuns, type Verb } from '../../cli/verb.js';
import { extendedVariant } from '../../config/extended-variant.js';
import { loadConfig, type LoadedConfig } from '../../config/load.js';
import { TerminalError } from '../../core/errors.js';
import { packageRoot } from '../../core/package-root.js';
import { writeSyntheticDataset } from '../../video/synthetic/write-dataset.js';
import { isRemote } from '../../stack/endpoints.js';
import { homePaths } from '../../stack/home.js';
import { positive } from '../side-by-side/options.js';
import { claims, type Claim } from './claims.js';
import { learningClips } from './clips.js';
import type { SeedResult } from './row.js';
import { learningTables, markdown } from './tables.js';
import { withTrainers } from './trainers.js';

const recipe = join(packageRoot, 'bench', 'learning', 'learning.yaml');

interface Options {
  readonly seeds: readonly number[];
  readonly variants?: readonly string[];
  readonly atOnce?: number;
  readonly json?: true;
}

/** `bench learning`: exit code 1 when a claim does not hold. */
export function addLearningBench(program: Command, terminal: Terminal): void {
  onStack(
    program
      .command('learning')
      .description(
        'Trains the demo and its ablations with several seeds, through the pipeline, and measures them on held-out clips. ' +
          'It is long; what is there already is reused, so it may be stopped and started again.',
      )
      .option('--seeds <list>', 'training seeds, with commas', seedList, [1, 2, 3])
      .option('--variants <list>', 'some of the ablations, with commas (default: all)', (text) =>
        text.split(','),
      )
      .option(
        '--at-once <seeds>',
        'seeds that train side by side, each with a trainer of its own (default: one more than processors, 1 with a GPU)',
        positive,
      )
      .option('--json', 'print the results as JSON'),
  )
    .addHelpText('after', '\nExample:\n  npm run bench -- learning --seeds 1 --variants no-reflection')
    .action(async ({ seeds, variants, atOnce, json }: Options) => {
      // Before the clips, which take minutes.
      await checkVariants(variants ?? []);
      const annotations = await renderClips(terminal);
      const wide = Math.min(seeds.length, atOnce ?? (await trainersOfThisMachine()));
      if (wide >= availableParallelism()) process.env['HINDSIGHT_TRAINER_THREADS'] ??= '1';
      const results = await withRuns({ terminal, exit: () => undefined }, 'always', (api) =>
        withTrainers(homePaths(), isRemote() ? 0 : wide - 1, () =>
          trainSeeds(terminal, api, seeds, wide, (seed) => learningConfig(annotations, seed, variants)),
        ),
      );
      const found = claims(results);
      const shown = { results, claims: found };
      terminal.out(json ? `${JSON.stringify(shown, null, 2)}\n` : learningText(results, found));
      if (found.some(({ met }) => !met)) process.exitCode = 1;
    });
}

/** The tables, and what the recipe is held to. */
export function learningText(results: readonly SeedResult[], found: readonly Claim[]): string {
  const videos = results[0]?.comparison.videos ?? 0;
  const said = found.map(({ claim, asked, found: was, met }) => [claim, asked, was, met ? 'yes' : 'NO']);
  const tables = [
    ...learningTables(results),
    { title: 'Held to', rows: [['claim', 'asked', 'found', 'met'], ...said] },
  ];
  return (
    `${videos} held-out clips; [low, high] are 95% bootstrap intervals over them\n\n` +
    tables.map((table) => markdown(table)).join('\n')
  );
}

async function renderClips(terminal: Terminal): Promise<string> {
  const { annotations, rendered, reused } = await writeSyntheticDataset({
    dir: join(homePaths().root, 'clips', 'learning'),
    seed: 1,
    counts: learningClips,
    // The ablation with tIoU needs them; under weak labels they are not looked at.
    rlSpans: true,
    concurrency: availableParallelism(),
  });
  terminal.err(`clips: ${rendered} rendered, ${reused} there already\n`);
  return annotations;
}

/** @throws TerminalError `bench.unknown-variant` */
async function checkVariants(asked: readonly string[]): Promise<void> {
  const known = Object.keys((await loadConfig(recipe)).variants);
  const unknown = asked.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new TerminalError('bench.unknown-variant', `there is no ablation ${unknown.join(', ')}`, {
    fix: `choose among ${known.join(', ')}`,
  });
}

async function learningConfig(
  annotations: string,
  seed: number,
  variants: readonly string[] | undefined,
): Promise<LoadedConfig> {
  const loaded = await loadConfig(recipe, {
    set: [`dataset.sources.0.annotations=${JSON.stringify(annotations)}`, `seed.train=${seed}`],
  });
  if (variants === undefined) return loaded;
  // One that extends another is compared with it.
  const needed = [...variants, ...variants.map((name) => extendedVariant(loaded.config, name))];
  const kept = <T>(all: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(all).filter(([name]) => needed.includes(name)));
  return {
    ...loaded,
    config: { ...loaded.config, variants: kept(loaded.config.variants) },
    variants: kept(loaded.variants),
  };
}

/**
 * A trainer with one thread waits for its inputs and its publishing: three at once leave no core of two idle, and no seed is
 * left to train alone at the end. A GPU has one trainer.
 */
async function trainersOfThisMachine(): Promise<number> {
  const { source } = await detectDevice(undefined);
  return source === 'gpu' ? 1 : availableParallelism() + 1;
}

/** The results of all seeds in their order. When one fails, the others still come to their end. */
async function trainSeeds(
  terminal: Terminal,
  api: RunApi,
  seeds: readonly number[],
  atOnce: number,
  configOf: (seed: number) => Promise<LoadedConfig>,
): Promise<SeedResult[]> {
  const limit = pLimit(atOnce);
  const ended = await Promise.allSettled(
    seeds.map((seed) =>
      limit(async () => {
        const verb = {
          terminal: atOnce > 1 ? named(terminal, `seed ${seed}`) : terminal,
          exit: () => undefined,
        };
        return trainSeed(verb, api, await configOf(seed), seed);
      }),
    ),
  );
  return ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

/** Several runs talk at once: whole lines, each with the name of its run. */
function named(terminal: Terminal, name: string): Terminal {
  const err = (text: string): void => terminal.err(text.replaceAll(/^(?=.)/gm, `${name}  `));
  return { ...terminal, err, interactive: false };
}

/** Runs or goes on with the run of one seed until it is done. */
async function trainSeed(verb: Verb, api: RunApi, loaded: LoadedConfig, seed: number): Promise<SeedResult> {
  const runId = `learning-seed-${seed}`;
  const known = (await api.list()).find((run) => run.runId === runId);
  const { config, prompts, variants } = loaded;
  if (known === undefined) await api.start(loaded, { runId });
  else if (known.status !== 'running') await api.resume(runId, { resolved: { config, prompts, variants } });
  const begun = Date.now();
  const run = await followRun(verb, api, runId, { json: false, result: false });
  if (run.status !== 'done') {
    throw new TerminalError('bench.run-stopped', `${runId} is ${run.status}`, {
      fix: `hindsight show ${runId}`,
    });
  }
  const seconds = (Date.now() - begun) / 1000;
  verb.terminal.err(`${runId}: ${duration(seconds)} now, report ${await api.fetchReport(runId)}\n`);
  const comparison = await api.fetchComparison(runId);
  const baselines = (await api.fetchEvaluation(runId))?.baselines ?? [];
  const constant = baselines.find(({ baseline }) => baseline === 'best-constant-span-oracle');
  const constantSpanMiou = constant?.metrics['abnormal_only.miou']?.value ?? null;
  if (comparison === null || constantSpanMiou === null) throw new TypeError(`${runId} was not measured`);
  return { seed, runId, comparison, constantSpanMiou };
}

function seedList(text: string): number[] {
  const seeds = text.split(',').map(Number);
  if (seeds.some((seed) => !Number.isInteger(seed) || seed < 0)) {
    throw new InvalidArgumentError('whole numbers with commas, e.g. 1,2,3');
  }
  return seeds;
}
