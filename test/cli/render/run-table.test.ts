import { expect, test } from 'vitest';
import type { RunListEntry, RunProblem } from '../../../cli/run-api.js';
import { problemMark } from '../../../cli/render/problem-mark.js';
import { listProblemsText, listText, runText } from '../../../cli/render/run-table.js';
import { run, stage } from '../snapshots.js';

test('show has a line a stage, and what keeps the run from moving', () => {
  const snapshot = run(
    [
      stage('ingest', {
        status: 'done',
        outcome: 'ran',
        seconds: 3.21,
        attempts: 1,
        key: 'ab'.repeat(32),
        manifest: 's3://hindsight/stages/ingest/abab.json',
      }),
      stage('sft', {
        status: 'running',
        attempts: 2,
        progress: { phase: 'sft', step: 3, steps: 300, metrics: { loss: 2.5 } },
      }),
      stage('report'),
    ],
    {
      problems: [
        {
          kind: 'activity-retrying',
          subject: 'sft',
          message: 'attempt 2 of sft, next try in 4 s',
          fix: null,
        },
      ],
    },
  );
  expect(runText(snapshot)).toMatchInlineSnapshot(`
    "demo-20260301-101500-3f2a  running

    stage   status   outcome  time   attempts  key
    ingest  done     ran      3.2 s  1         abababababab
    sft     running  sft 3/300, loss 2.500
    report  waiting  -        -      -         -

    ! attempt 2 of sft, next try in 4 s
    "
  `);
});

test('show of a parked run says how to go on', () => {
  const snapshot = run([stage('ingest', { status: 'awaiting', attempts: 1 })], {
    status: 'awaiting',
    reason: 'too many rejects; see `hindsight logs RUN --stage ingest`',
  });
  expect(runText(snapshot)).toMatchInlineSnapshot(`
    "demo-20260301-101500-3f2a  awaiting

    stage   status    outcome  time  attempts  key
    ingest  awaiting  -        -     1         -

    too many rejects; see \`hindsight logs demo-20260301-101500-3f2a --stage ingest\`

    go on with: hindsight resume demo-20260301-101500-3f2a
    "
  `);
});

const entry = (runId: string, given: Partial<RunListEntry> = {}): RunListEntry => ({
  runId,
  name: runId.split('-')[0]!,
  status: 'running',
  reason: null,
  startedAt: '2026-03-03T11:57:00Z',
  problems: [],
  ...given,
});
const now = Date.parse('2026-03-03T12:00:00Z');
const problem = (kind: RunProblem['kind'], subject: string, fix: string | null = null): RunProblem => ({
  kind,
  subject,
  message: `${kind} of ${subject}`,
  fix,
});

test('list is sorted by id, and marks what keeps a run from moving', () => {
  const noGpu = problem('queue-without-worker', 'gpu', 'hindsight worker gpu');
  const runs = [
    entry('demo-5', { problems: [noGpu] }),
    entry('demo-4', {
      problems: [
        noGpu,
        problem('no-progress', 'sft'),
        problem('disk-nearly-full', 'host-1'),
        problem('training-warning', 'sft'),
      ],
    }),
    entry('demo-3', { problems: [problem('training-warning', 'grpo')] }),
    entry('clips-1', { status: 'awaiting', startedAt: '2026-02-20T12:00:00Z' }),
    entry('demo-1', { status: 'done', startedAt: '2026-03-03T01:00:00Z' }),
    entry('demo-2', { status: 'failed', reason: 'its workflow timed out\nand more' }),
  ];
  expect(listText(runs, now)).toMatchInlineSnapshot(`
    "run      age    name   status
    clips-1  11 d   clips  awaiting
    demo-1   11 h   demo   done
    demo-2   3 min  demo   failed, its workflow timed out
    demo-3   3 min  demo   running
    demo-4   3 min  demo   running, no worker for gpu, no progress in sft, 1 more
    demo-5   3 min  demo   running, no worker for gpu
    "
  `);
  expect(listProblemsText(runs)).toBe('! queue-without-worker of gpu; hindsight worker gpu\n');
  expect(listText([], now)).toBe('run  age  name  status\n');
  for (const line of listText(runs, now, 40).split('\n')) expect(line.length).toBeLessThanOrEqual(40);
});

test('every kind of problem but a warning has a mark', () => {
  const marks = (
    [
      'temporal-unreachable',
      'queue-without-worker',
      'workflow-task-failing',
      'no-progress',
      'activity-retrying',
      'queue-busy',
      'disk-nearly-full',
      'training-warning',
    ] as const
  ).map((kind) => problemMark(problem(kind, 'gpu')));
  expect(marks).toMatchInlineSnapshot(`
    [
      "Temporal does not answer",
      "no worker for gpu",
      "its workflow code fails",
      "no progress in gpu",
      "gpu is tried again",
      "waits for a gpu worker",
      "disk nearly full",
      null,
    ]
  `);
});

test('show of a run at work fits a screen of 80 columns', () => {
  const snapshot = run(
    [
      stage('reflection-sft', {
        status: 'running',
        progress: {
          phase: 'reflection-sft',
          step: 120,
          steps: 300,
          metrics: { loss: 0.412, tokenAccuracy: 0.93, validationLoss: 0.5, learningRate: 2e-5 },
        },
      }),
    ],
    {
      problems: [
        problem(
          'queue-without-worker',
          'gpu',
          'hindsight worker gpu, or `hindsight doctor` to see why it is not up',
        ),
      ],
    },
  );
  const text = runText(snapshot, 80);
  expect(text).toMatchInlineSnapshot(`
    "demo-20260301-101500-3f2a  running

    stage           status   outcome  time  attempts  key
    reflection-sft  running  reflection-sft 120/300, loss 0.412, token accuracy 0.9…

    ! queue-without-worker of gpu; hindsight worker gpu, or \`hindsight doctor\` to
      see why it is not up
    "
  `);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});
