import { columns } from '../../cli/render/columns.js';
import { machineText, versionLines } from '../side-by-side/machine.js';
import { spreadText } from '../side-by-side/statistics.js';
import { outcomeText } from '../side-by-side/verdict.js';
import type { Profiled } from './protocol.js';
import type { BenchResult, ParticipantResult, WorkloadResult } from './result.js';
import type { Verdict } from './targets.js';

/** The result as text: machine and versions, then a table and the verdicts of every work. */
export function resultText(result: BenchResult): string {
  const head = [
    `Policy against PyTorch, side by side: ${result.rounds} rounds, all in turn in each; float32, the same weights and batches.`,
    machineText(result.machine),
    ...versionLines(result.workloads.flatMap((workload) => workload.participants)),
    'Times are medians over the rounds (least to most); ratios are ours / theirs, paired by round.',
  ];
  return [head.join('\n'), ...result.workloads.map(workloadText)].join('\n\n') + '\n';
}

function workloadText({ name, description, disturbedRounds, ...rest }: WorkloadResult): string {
  const { participants, comparisons, verdicts } = rest;
  const rows = participants.map((one) => {
    const compared = comparisons.find(({ participant }) => participant === one.participant);
    return [
      one.participant,
      spreadText(one.milliseconds, 1),
      one.tokensPerSecond.toFixed(0),
      memoryText(one),
      compared === undefined ? '' : spreadText(compared.time, 2),
      compared === undefined || compared.memory === null ? '' : compared.memory.toFixed(2),
      one.apart === null ? '' : one.apart.toExponential(0),
    ];
  });
  const header = ['', 'ms a step', 'tokens/s', 'peak MB', 'time ratio', 'memory ratio', 'apart'];
  const noise =
    disturbedRounds === 0
      ? ''
      : `Other programs ran in ${disturbedRounds} of the rounds, even when repeated.\n`;
  return `${name}: ${description}\n${columns([header, ...rows])}${verdicts.map(verdictText).join('')}${noise}`.trimEnd();
}

const memoryText = ({ peakBytes }: ParticipantResult): string =>
  peakBytes === null ? 'unknown' : (peakBytes / 1e6).toFixed(0);

const verdictText = (verdict: Verdict): string =>
  `${verdict.target} of ${verdict.against}: ${verdict.reached.toFixed(2)}, ${outcomeText(verdict)}\n`;

/** The parts of a profile that take a noticeable share, with the rest in one line. */
export function profileText(profile: {
  readonly name: string;
  readonly description: string;
  readonly sections: Profiled['sections'];
}): string {
  const sections = profile.sections.map(({ title, parts }) => {
    const total = parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const shown = parts.slice(0, PROFILE_ROWS);
    const hidden = parts.slice(PROFILE_ROWS);
    const rest = {
      name: `${hidden.length} more`,
      calls: hidden.reduce((sum, { calls }) => sum + calls, 0),
      milliseconds: hidden.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
    };
    const rows = [...shown, ...(hidden.length === 0 ? [] : [rest])].map(({ name, calls, milliseconds }) => [
      `  ${name}`,
      `${calls}`,
      milliseconds.toFixed(1),
      `${((100 * milliseconds) / total).toFixed(0)}%`,
    ]);
    return `${title}: ${total.toFixed(0)} ms\n${columns([['', 'calls', 'ms', 'share'], ...rows])}`;
  });
  return `${profile.name}: ${profile.description}\n${sections.join('')}`;
}

/** Rows of a profile's section. */
const PROFILE_ROWS = 25;
