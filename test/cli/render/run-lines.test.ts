import { describe, expect, test } from 'vitest';
import { eventLines, liveText, progressLines } from '../../../cli/render/run-lines.js';
import type { RunProblem } from '../../../cli/run-api.js';
import { run, stage } from '../snapshots.js';

const training = {
  phase: 'sft',
  step: 120,
  steps: 300,
  metrics: {
    loss: 0.41234,
    tokenAccuracy: 0.93,
    gradNorm: 0.7,
    learningRate: 0.00002,
    tokens: 1580,
    validationLoss: 0.5,
  },
};

describe('the lines of a run', () => {
  test('tell what started and what ended since the last look', () => {
    const before = run([
      stage('ingest', { status: 'running' }),
      stage('frames'),
      stage('captions'),
      stage('sft'),
      stage('grpo'),
    ]);
    const after = run([
      stage('ingest', { status: 'done', outcome: 'ran', seconds: 12.3, attempts: 1 }),
      stage('frames', { status: 'done', outcome: 'reused', seconds: 80, attempts: 1 }),
      stage('captions', { status: 'done', outcome: 'continued', seconds: 65, attempts: 3 }),
      stage('sft', { status: 'running' }),
      stage('grpo'),
    ]);
    expect(eventLines(before, after)).toMatchInlineSnapshot(`
      [
        "ingest           ran in 12 s",
        "frames           reused",
        "captions         continued, 1 min 05 s, 3 attempts",
        "sft              started",
      ]
    `);
  });

  test('are silent when nothing changed but progress', () => {
    const before = run([stage('sft', { status: 'running' })]);
    const after = run([stage('sft', { status: 'running', progress: training })]);
    expect(eventLines(before, after)).toEqual([]);
  });

  test('tell why a stage waits for a person, with the id to go on with', () => {
    const parked = run([
      stage('ingest', {
        status: 'awaiting',
        reason:
          '3 of 8 videos were rejected; raise the limit: `hindsight resume RUN --set dataset.maxRejectShare=1`',
      }),
      stage('sft', { status: 'cancelled' }),
    ]);
    expect(eventLines(null, parked)).toMatchInlineSnapshot(`
      [
        "ingest           awaiting: 3 of 8 videos were rejected; raise the limit: \`hindsight resume demo-20260301-101500-3f2a --set dataset.maxRejectShare=1\`",
        "sft              cancelled",
      ]
    `);
  });

  test('tell a problem once, though its seconds go on', () => {
    const waiting = (seconds: number) =>
      run([stage('sft', { status: 'running' })], {
        problems: [
          {
            kind: 'queue-without-worker',
            subject: 'sft',
            message: `sft has waited ${seconds} s for a worker`,
            fix: '`hindsight doctor` shows which workers run',
          },
        ],
      });
    expect(eventLines(run([stage('sft', { status: 'running' })]), waiting(20))).toMatchInlineSnapshot(`
      [
        "! sft has waited 20 s for a worker; \`hindsight doctor\` shows which workers run",
      ]
    `);
    expect(eventLines(waiting(20), waiting(21))).toEqual([]);
    const unhindered = run([stage('sft', { status: 'running' })]);
    expect(eventLines(unhindered, waiting(40)).length).toBe(1);
    expect(eventLines(unhindered, waiting(40), new Set(['queue-without-worker sft']))).toEqual([]);
  });
});

describe('warnings of a training', () => {
  const warning = (message: string): RunProblem => ({
    kind: 'training-warning',
    subject: 'grpo',
    message,
    fix: null,
  });
  const grpo = stage('grpo', { status: 'running' });
  const wide = warning('grpo: mean span width 0.62, above 0.48: verification may be gamed (step 12)');
  const flat = warning('grpo: share of groups without spread 0.9, above 0.8: they teach nothing (step 20)');

  test('are told once each, several of one stage, and again when crossed again', () => {
    const first = run([grpo], { problems: [wide] });
    const both = run([grpo], { problems: [wide, flat] });
    expect(eventLines(run([grpo]), first)).toEqual([
      '! grpo: mean span width 0.62, above 0.48: verification may be gamed (step 12)',
    ]);
    expect(eventLines(first, both)).toEqual([`! ${flat.message}`]);
    expect(eventLines(both, both)).toEqual([]);
    const again = warning(wide.message.replace('step 12', 'step 40'));
    expect(eventLines(both, run([grpo], { problems: [again, flat] }))).toEqual([`! ${again.message}`]);
  });
});

describe('the live line', () => {
  const running = run([
    stage('ingest', { status: 'done' }),
    stage('frames', { status: 'running', progress: { phase: 'shards', step: 3, steps: 9, metrics: {} } }),
    stage('captions', { status: 'running' }),
    stage('sft', { status: 'running', progress: training }),
  ]);

  const times = new Map([['sft', { seconds: 75, pace: { stepsPerSecond: 1.634, secondsLeft: 110 } }]]);

  test('says what runs, how far it is and for how long', () => {
    expect(liveText(running, times, 300)).toMatchInlineSnapshot(
      `"1/4 stages | frames: shards 3/9 | captions | sft: sft 120/300, about 2 min left, loss 0.412, token accuracy 0.930, validation loss 0.500, learning rate 2.0e-5, 1.6 steps/s (1 min 15 s)"`,
    );
  });

  test('never breaks over the screen', () => {
    expect(liveText(running, new Map(), 40)).toHaveLength(40);
  });

  test('has a form for logs', () => {
    expect(progressLines(running, new Map())).toMatchInlineSnapshot(`
      [
        "frames           shards 3/9",
        "sft              sft 120/300, loss 0.412, token accuracy 0.930, validation loss 0.500, learning rate 2.0e-5",
      ]
    `);
  });
});
