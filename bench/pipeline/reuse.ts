import { join } from 'node:path';
import { execa } from 'execa';
import { TerminalError } from '../../core/errors.js';
import { packageRoot } from '../../core/package-root.js';
import { homePaths } from '../../stack/home.js';
import { spread, type Spread } from '../side-by-side/statistics.js';
import { onOwnStack, type OwnStack } from './own-stack.js';
import { prepareRecording, recordRun, type RecordedRun } from './recorded-run.js';
import { activitiesOf, recordedStages } from './recorded-stages.js';
import { judgeReuse, type Measured, type Verdict } from './targets.js';

/** Longer than a run that reuses everything may take by far. */
const patienceMs = 300_000;

/** Activities at once while recording. */
const concurrency = 4;

/** Times in seconds. */
export interface ReuseResult {
  readonly samples: number;
  readonly rounds: number;
  readonly seconds: Readonly<Record<Measured, Spread>>;
  readonly verdicts: readonly Verdict[];
}

/**
 * Records a run of `samples` samples on a stack of its own and times what is asked of it afterwards, each thing once a
 * round. TerminalError `bench.failed` when a second run does not reuse all of the first.
 */
export function measureReuse(
  samples: number,
  rounds: number,
  say: (line: string) => void,
): Promise<ReuseResult> {
  return onOwnStack(async (stack) => {
    const home = homePaths(stack.home);
    const recorded = await prepareRecording(home, samples);
    say(`recording a run of ${samples} samples`);
    const { store, endpoints } = stack;
    const services = { store, cacheDir: home.cacheDir, trainer: null };
    const activities = activitiesOf(services, recordedStages(recorded.prototypes));
    const recorder = { namespace: 'recording', store, activities, concurrency };
    await recordRun(endpoints.temporal.address, recorded, recorder);
    const times: Record<Measured, number[]> = { list: [], show: [], plan: [], run: [], resume: [] };
    for (let round = 1; round <= rounds; round++) {
      for (const [name, seconds] of Object.entries(await turn(stack, recorded)))
        times[name as Measured].push(seconds);
      const line = Object.entries(times).map(([name, all]) => `${name} ${all.at(-1)!.toFixed(2)} s`);
      say(`round ${round} of ${rounds}: ${line.join(', ')}`);
    }
    const seconds = Object.fromEntries(
      Object.entries(times).map(([name, all]) => [name, spread(all)]),
    ) as Record<Measured, Spread>;
    return { samples, rounds, seconds, verdicts: judgeReuse(seconds) };
  });
}

async function turn(
  { api }: OwnStack,
  { configFile, loaded }: RecordedRun,
): Promise<Record<Measured, number>> {
  let runId = '';
  const ended = async (): Promise<void> => {
    const signal = AbortSignal.timeout(patienceMs);
    const { status, stages, reason } = await api.watch(runId, { onUpdate: () => undefined, signal });
    const anew = stages.filter(({ outcome }) => outcome !== 'reused').map(({ name }) => name);
    if (status === 'done' && anew.length === 0) return;
    throw new TerminalError(
      'bench.failed',
      `${runId} is ${status}, not reused: ${anew.join(', ')}; ${reason}`,
    );
  };
  const run = await timed(async () => {
    runId = await api.start(loaded, {});
    await ended();
  });
  const resume = await timed(async () => {
    await api.resume(runId, {});
    await ended();
  });
  return {
    run,
    resume,
    list: await timed(() => hindsight('list')),
    show: await timed(() => hindsight('show', runId)),
    plan: await timed(() => hindsight('run', configFile, '--plan')),
  };
}

/** The command line as a person calls it, in a process of its own. */
async function hindsight(...args: string[]): Promise<void> {
  const script = join(packageRoot, 'dist', 'cli', 'main.js');
  const { exitCode, stderr } = await execa(process.execPath, [script, ...args], { reject: false });
  if (exitCode === 0) return;
  throw new TerminalError('bench.failed', `hindsight ${args[0]} ended with ${exitCode}: ${stderr}`);
}

/** Seconds that `work` takes. */
async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
