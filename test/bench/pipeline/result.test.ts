import { expect, it } from 'vitest';
import { pipelineText, type PipelineResult } from '../../../bench/pipeline/result.js';
import { judgeMemory, judgeReuse } from '../../../bench/pipeline/targets.js';

const at = (median: number) => ({ median, min: median / 2, max: 2 * median });
const seconds = { list: at(0.5), show: at(1), plan: at(4), run: at(12.5), resume: at(10) };
const course = (bytes: number, growth: number) => ({
  samples: 300,
  resident: at(bytes),
  start: 0.99 * bytes,
  end: 1.01 * bytes,
  perHour: 12 * growth * bytes,
  growth,
});
const processes = {
  orchestrate: course(200e6, 0.01),
  media: course(300e6, -0.02),
  gpu: course(150e6, 0),
  trainer: course(800e6, 0.08),
};

const whole: PipelineResult = {
  schema: 2,
  machine: { processor: 'a processor', processors: 2, memoryBytes: 2 ** 33 },
  reuse: { samples: 20_000, rounds: 3, seconds, verdicts: judgeReuse(seconds) },
  overhead: {
    samples: 2000,
    rounds: 3,
    storeConcurrency: 4,
    temporal: [
      { concurrency: 1, activities: 320, seconds: at(0.02) },
      { concurrency: 4, activities: 320, seconds: at(0.01) },
    ],
    store: [
      { kind: 'shard', calls: 900, seconds: at(0.1) },
      { kind: 'lookup', calls: 21, seconds: at(0.004) },
    ],
    shardSize: 32,
    shardsAtOnce: 2,
    shards: [{ stage: 'frames', shards: 6, whole: at(8.25), work: at(8), added: at(0.25) }],
  },
  kills: {
    rounds: 1,
    checkpointEvery: 25,
    mediaShards: 6,
    kills: [
      { victim: 'media', work: at(6), told: at(6.5) },
      { victim: 's3', work: at(0.02), told: at(1) },
    ],
  },
  traffic: {
    rounds: 1,
    artifacts: { blobs: 82, bytes: at(14e6) },
    traffic: [
      { pass: 'cold', worker: 'all', sent: at(20e6), received: at(22e6), share: at(3) },
      { pass: 'reused', worker: 'all', sent: at(1e5), received: at(1e5), share: at(0.01) },
    ],
  },
  memory: {
    minutes: 5,
    warmUpRuns: 2,
    runs: 6,
    shards: 102,
    processes,
    verdicts: judgeMemory(processes),
  },
};

it('prints a table for each part, with what was measured, on which work, and the spread', () => {
  expect(pipelineText(whole)).toMatchInlineSnapshot(`
    "Machine: a processor, 2 processors, 8 GiB.
    Where a range stands in brackets, the number before it is the median.

    reuse: a recorded run of 20000 samples, 3 rounds
            seconds
    list    0.50 (0.25 to 1.00)    hindsight list, from start to end of its process
    show    1.00 (0.50 to 2.00)    hindsight show of a finished run, likewise
    plan    4.00 (2.00 to 8.00)    hindsight run --plan, likewise
    run     12.50 (6.25 to 25.00)  a new run that finds everything in the store
    resume  10.00 (5.00 to 20.00)  resume of a run that is done
    list <= 1 s: 0.50, met
    show <= 1 s: 1.00, met
    plan <= 10 s: 4.00, met
    run <= 10 s: 12.50, missed by 25%
    resume <= 10 s: 10.00, met

    overhead: Temporal alone, wall time of a run of 2000 samples over its activities, which answer from memory;
      3 rounds, the workers in one process; at once: of each queue
    at once  activities  ms an activity
    1        320         20.0 (10.0 to 40.0)
    4        320         10.0 (5.0 to 20.0)
    overhead: the store, time within an activity without the stage's own work (key, lookup, publishing), 4 activities
      at once on one thread, all calls of all rounds
    activity  calls  ms
    shard     900    100.0 (50.0 to 200.0)
    lookup    21     4.0 (2.0 to 8.0)
    overhead: both, shards of 32 real clips on the stack's media worker, 2 at once and none waiting; whole: from
      scheduled to noted by the workflow; work: from the note of what the shard uses to its first output in the store
    stage   shards  whole, s              work, s               added, ms
    frames  6       8.25 (4.13 to 16.50)  8.00 (4.00 to 16.00)  250.0 (125.0 to 500.0)

    kills: seconds after kill -9 until the run is further than it was at the kill, 1 round. media: while 6 shards of 32
      clips are in work; the others: in a long SFT of the micro preset with a checkpoint every 25 steps. After the kill of the
      supervisor \`hindsight up\` is called at once. work: a step in the log of the trainer, a shard in the store; told: the
      same from heartbeats (sent every 2 s) or the phase's workflow, store and the run's workflow answering, too
    killed  work               told
    media   6.0 (3.0 to 12.0)  6.5 (3.3 to 13.0)
    s3      0.0 (0.0 to 0.0)   1.0 (0.5 to 2.0)

    traffic: TCP bytes between workers and S3 gateway in a micro run, cold and again with everything reused, 1 round,
      each worker with caches of its own, checkpoints on the way included; artifacts of the run: 82 blobs, 14.00 (7.00 to 28.00) MB
    pass    worker  sent, MB                received, MB            both / artifacts
    cold    all     20.00 (10.00 to 40.00)  22.00 (11.00 to 44.00)  3.00 (1.50 to 6.00)
    reused  all     0.10 (0.05 to 0.20)     0.10 (0.05 to 0.20)     0.01 (0.01 to 0.02)

    memory: resident MB once a second over 5 min of micro runs of ever new clips and seeds: 6 runs, 102 shards
      after 2 runs of warm-up; start and end: medians of the first and last tenth; slope: least squares
    process      samples  start  end    median (least to most)   MB an hour  growth
    orchestrate  300      198.0  202.0  200.0 (100.0 to 400.0)   24.0        1.0%
    media        300      297.0  303.0  300.0 (150.0 to 600.0)   -72.0       -2.0%
    gpu          300      148.5  151.5  150.0 (75.0 to 300.0)    0.0         0.0%
    trainer      300      792.0  808.0  800.0 (400.0 to 1600.0)  768.0       8.0%
    orchestrate: growth over the window / median <= 0.05: 0.010, met
    media: growth over the window / median <= 0.05: 0.000, met
    gpu: growth over the window / median <= 0.05: 0.000, met
    trainer: growth over the window / median <= 0.05: 0.080, missed by 60%
    "
  `);
});

it('prints the parts that were asked for, and nothing of the others', () => {
  const { schema, machine, traffic } = whole;
  const text = pipelineText({ schema, machine, traffic });
  expect(text).toContain('\ntraffic: ');
  expect(text).not.toMatch(/^(reuse|overhead|kills|memory): /m);
});
