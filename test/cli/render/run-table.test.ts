import { expect, test } from 'vitest';
import { listText, runText } from '../../../cli/render/run-table.js';
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
    sft     running  -        -      2         -             sft 3/300, loss 2.500
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

test('list is sorted by id', () => {
  const now = Date.parse('2026-03-03T12:00:00Z');
  const text = listText(
    [
      { runId: 'demo-2', name: 'demo', status: 'running', startedAt: '2026-03-03T11:57:00Z' },
      { runId: 'clips-1', name: 'clips', status: 'awaiting', startedAt: '2026-02-20T12:00:00Z' },
      { runId: 'demo-1', name: 'demo', status: 'done', startedAt: '2026-03-03T01:00:00Z' },
    ],
    now,
  );
  expect(text).toMatchInlineSnapshot(`
    "run      status    age    name
    clips-1  awaiting  11 d   clips
    demo-1   done      11 h   demo
    demo-2   running   3 min  demo
    "
  `);
  expect(listText([], now)).toBe('run  status  age  name\n');
});
