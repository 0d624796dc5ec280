import { exitCodeOfStatus } from './exit-codes.js';
import { branchStage } from './render/branch-stage.js';
import { eventLines, liveText, progressLines, reasonText } from './render/run-lines.js';
import { Pace } from './pace.js';
import { problemId } from './problem-id.js';
import { printResults } from './results.js';
import type { RunApi, RunSnapshot } from './run-api.js';
import { LiveLine } from './terminal.js';
import type { Verb } from './verb.js';

/** Without a live line, how often the running stages say how far they are. */
const reportEveryMs = 15_000;
const redrawMs = 1000;

/**
 * Watches a run until it no longer runs, telling what happens on stderr, and prints its result (unless told not to). Ctrl-C stops watching, not
 * the run.
 */
export async function followRun(
  verb: Verb,
  api: RunApi,
  runId: string,
  { json, result = true }: { readonly json: boolean; readonly result?: boolean },
): Promise<RunSnapshot> {
  const { terminal } = verb;
  const detach = new AbortController();
  const onInterrupt = (): void => detach.abort();
  process.once('SIGINT', onInterrupt);
  let snapshot: RunSnapshot;
  try {
    snapshot = await tell(verb, api, runId, detach.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
  }
  if (snapshot.status === 'running') {
    terminal.err(
      `detached; ${runId} goes on\n  watch it: hindsight show ${runId}\n  stop it:  hindsight cancel ${runId}\n`,
    );
  }
  if (result) await printResult(verb, api, snapshot, { json });
  verb.exit(exitCodeOfStatus(snapshot.status));
  return snapshot;
}

async function tell(verb: Verb, api: RunApi, runId: string, signal: AbortSignal): Promise<RunSnapshot> {
  const live = new LiveLine(verb.terminal);
  const running = new Map<string, { readonly since: number; readonly pace: Pace }>();
  // Runs that share a worker wait for each other by turns, every few seconds.
  const shared = new Set<string>();
  let last: RunSnapshot | null = null;
  let reportedAt = Date.now();
  const draw = (): void => {
    if (last === null) return;
    const now = Date.now();
    const times = new Map(
      [...running].map(([name, { since, pace }]) => [
        name,
        { seconds: (now - since) / 1000, pace: pace.reading(now) },
      ]),
    );
    live.show(liveText(last, times, (verb.terminal.columns ?? 120) - 1));
    if (!verb.terminal.interactive && now - reportedAt >= reportEveryMs) {
      for (const line of progressLines(last, times)) live.print(line);
      reportedAt = now;
    }
  };
  const redraw = setInterval(draw, redrawMs);
  try {
    return await api.watch(runId, {
      signal,
      onUpdate: (snapshot) => {
        for (const line of eventLines(last, snapshot, shared)) live.print(line);
        for (const problem of snapshot.problems)
          if (problem.kind === 'queue-busy') shared.add(problemId(problem));
        const now = Date.now();
        for (const stage of snapshot.stages) {
          const { status, progress } = stage;
          const name = branchStage(stage);
          if (status !== 'running') {
            running.delete(name);
            continue;
          }
          const timed = running.get(name) ?? { since: now, pace: new Pace() };
          running.set(name, timed);
          if (progress !== null) timed.pace.see(progress, now);
        }
        last = snapshot;
        draw();
      },
    });
  } finally {
    clearInterval(redraw);
    live.clear();
  }
}

/** The end of a run as data on stdout: with `json` the snapshot, else the table and the path of the report. */
export async function printResult(
  { terminal }: Verb,
  api: RunApi,
  snapshot: RunSnapshot,
  { json }: { readonly json: boolean },
): Promise<void> {
  const { runId, status, reason, stages } = snapshot;
  if (status === 'awaiting' || status === 'failed') {
    // A stage's reason was told when it stopped.
    const isNew = reason !== null && !stages.some((stage) => stage.reason === reason);
    terminal.err(`${runId} is ${status}${isNew ? `: ${reasonText(reason, runId)}` : ''}\n`);
  }
  if (status === 'awaiting' || status === 'failed' || status === 'cancelled') {
    terminal.err(`  go on with: hindsight resume ${runId}\n`);
  }
  if (json) {
    terminal.out(`${JSON.stringify(snapshot, null, 2)}\n`);
    return;
  }
  if (status !== 'done') {
    terminal.out(`${runId}\n`);
    return;
  }
  terminal.out(`${runId}\n`);
  await printResults(terminal, api, runId);
}
