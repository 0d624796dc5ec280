import type { Sample } from '../../datasets/sample.js';
import { grpoWatchers } from '../../training/watchers/grpo-watchers.js';
import { supervisedWatchers } from '../../training/watchers/supervised-watchers.js';
import { Watch, type Finding } from '../../training/watchers/watch.js';
import type { Watcher } from '../../training/watchers/watcher.js';
import type { LogTable } from './training-log.js';

/** What is watched while a stage trains, and so in its report. */
export function watchersOf(stage: string, samples: readonly Sample[]): readonly Watcher[] {
  return stage === 'grpo' ? grpoWatchers(samples) : supervisedWatchers;
}

/** What the watchers said of one phase while it trained, found again from its log. */
export function findingsOf(table: LogTable, watchers: readonly Watcher[]): Finding[] {
  const watch = new Watch(watchers);
  const columns = [...table.columns];
  for (const [index, step] of table.steps.entries()) {
    const known = columns.flatMap(([name, values]) => {
      const value = values[index];
      return value == null ? [] : [[name, value] as const];
    });
    watch.see(step, Object.fromEntries(known));
  }
  return watch.findings();
}

/** Whether a phase ended beyond a limit of this watcher. */
export function endsOutside({ last }: Finding): boolean {
  return last !== null && last.crossed.length > 0;
}
