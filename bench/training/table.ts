import { columns } from '../../cli/render/columns.js';
import { machineText, versionLines } from '../side-by-side/machine.js';
import { spreadText } from '../side-by-side/statistics.js';
import { outcomeText } from '../side-by-side/verdict.js';
import { parts } from './protocol.js';
import type { CheckpointSection, MemorySection, StepSection, TrainingResult } from './result.js';
import type { StepResult } from './step-result.js';
import type { Verdict } from './targets.js';

/** The result as text: the machine, then each part that was measured, with its verdicts. */
export function trainingText({ machine, rounds, step, checkpoint, memory }: TrainingResult): string {
  const head = [
    `Training steps of the demo's size, side by side: ${rounds} rounds, all in turn in each; float32.`,
    machineText(machine),
    ...versionLines(step?.participants ?? []),
    'Times are medians over the rounds (least to most).',
  ].join('\n');
  const sections = [
    step === null ? null : stepText(step),
    checkpoint === null ? null : checkpointText(checkpoint),
    memory === null ? null : memoryText(memory),
  ];
  return [head, ...sections.filter((section) => section !== null)].join('\n\n') + '\n';
}

const verdictText = (verdict: Verdict): string =>
  `${verdict.target}: ${verdict.reached.toFixed(3)}, ${outcomeText(verdict)}\n`;

function stepText({ participants, verdicts, disturbedRounds }: StepSection): string {
  const times = participants.map(({ participant, milliseconds, ratio, apart, ...rest }) => [
    participant,
    spreadText(milliseconds, 0),
    ...parts.map((part) => spreadText(rest.parts[part].milliseconds, 0)),
    spreadText(rest.verificationShare, 2),
    ratio === null ? '' : spreadText(ratio, 2),
    apart === null ? '' : apart.toExponential(0),
  ]);
  const header = ['', 'step ms', ...parts.map((part) => `${part} ms`), 'verification / rollout'];
  const noise =
    disturbedRounds === 0
      ? ''
      : `Other programs ran in ${disturbedRounds} of the rounds, even when repeated.\n`;
  return [
    'A GRPO step; ratios are ours / theirs, paired by round.\n',
    columns([[...header, 'time ratio', 'apart'], ...times]),
    verdicts.map(verdictText).join(''),
    noise,
    '\nWhat each of them did in those rounds, as sequences and completion tokens:\n',
    columns([['', ...parts], ...participants.map(workDone)]),
  ]
    .join('')
    .trimEnd();
}

const workDone = ({ participant, parts: of }: StepResult): string[] => [
  participant,
  ...parts.map((part) => `${of[part].sequences}, ${of[part].tokens}`),
];

function checkpointText(of: CheckpointSection): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const rows = [
    ['', 'save ms', 'restore ms', 'model MB', 'optimizer MB'],
    [
      'ours',
      spreadText(of.saveMilliseconds, 0),
      spreadText(of.restoreMilliseconds, 0),
      megabytes(of.modelBytes),
      megabytes(of.stateBytes),
    ],
  ];
  return `A checkpoint of policy and optimizer state, flushed to the disk, and both restored.\n${columns(rows)}`.trimEnd();
}

function memoryText({ held, peakBytes, verdicts }: MemorySection): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const rows = held.map(({ step, residentBytes, tensors, tensorBytes }) => [
    `${step}`,
    megabytes(residentBytes),
    `${tensors}`,
    megabytes(tensorBytes),
  ]);
  const peak = peakBytes === null ? 'unknown' : `${megabytes(peakBytes)} MB`;
  return [
    `A GRPO job of ${held.at(-1)!.step} steps; the most it ever held: ${peak}.\n`,
    columns([['after step', 'resident MB', 'tensors', 'tensor MB'], ...rows]),
    verdicts.map(verdictText).join(''),
  ]
    .join('')
    .trimEnd();
}
