import { expect, test } from 'vitest';
import { estimateText, planText } from '../../../cli/render/plan.js';
import { policyShape } from '../../../cli/model-shape.js';
import { loadConfig } from '../../../config/load.js';
import { estimateMemory } from '../../../training/memory-estimate.js';
import { cpuSpeed, estimateTime, gpuSpeed } from '../../../training/time-estimate.js';

test('a plan says what each stage does and why', () => {
  expect(
    planText({
      stages: [
        { variant: null, name: 'ingest', key: 'a', plan: { action: 'reuse' }, why: 'made by run demo-1' },
        {
          variant: null,
          name: 'sft',
          key: 'b',
          plan: { action: 'continue', step: 100 },
          why: 'attempt 2 saved a checkpoint',
        },
        {
          variant: null,
          name: 'drafts',
          key: 'c',
          plan: { action: 'run' },
          why: 'params.temperature is 1, was 0.5 in run demo-1',
        },
        {
          variant: null,
          name: 'grpo',
          key: null,
          plan: { action: 'depends', on: 'drafts' },
          why: 'its inputs come from drafts',
        },
      ],
    }),
  ).toMatchInlineSnapshot(`
    "stage   plan                    why
    ingest  reuse                   made by run demo-1
    sft     continue from step 100  attempt 2 saved a checkpoint
    drafts  run                     params.temperature is 1, was 0.5 in run demo-1
    grpo    depends on drafts       its inputs come from drafts
    "
  `);
});

test('a plan names changed code, and how to make it anew', () => {
  const made = { variant: null, key: 'a', why: 'made by run demo-1' };
  const codeChanged = ['core/random', 'training/learner', 'training/loss', 'training/sft'];
  expect(
    planText({
      stages: [
        { ...made, name: 'ingest', plan: { action: 'reuse' } },
        { ...made, name: 'frames', plan: { action: 'reuse', codeChanged: [] } },
        { ...made, name: 'captions', plan: { action: 'retry', samples: 3 }, why: '2 refused, 1 failed' },
        { ...made, name: 'sft', plan: { action: 'reuse', codeChanged } },
        { ...made, variant: 'b', name: 'sft', plan: { action: 'reuse', codeChanged } },
      ],
    }),
  ).toMatchInlineSnapshot(`
    "stage     plan                        why
    ingest    reuse                       made by run demo-1
    frames    reuse, code changed         made by run demo-1
    captions  retry 3 samples             2 refused, 1 failed
    sft       reuse, code changed since:  core/random, training/learner, training/loss, and 1 more; made by run demo-1

    The code behind a stage changed and its version did not: what it made should still hold.
    To make it anew: --rerun frames --rerun sft
    "
  `);
});

test('an estimate says what the memory is for and which stage needs most', async () => {
  const loaded = await loadConfig('micro');
  const shape = await policyShape(loaded);
  const text = estimateText(
    estimateMemory(loaded, shape),
    estimateTime(loaded.config, shape, cpuSpeed(2)),
    'this machine (2 cores, no GPU)',
  );
  expect(text).toMatch(/^0\.\d\d million parameters in float32, sequences of up to \d+ tokens\n/);
  expect(text).toMatch(
    /^grpo +\d+ MiB +weights \d+ MiB, gradients .*, reference .*, activations .*, graph /m,
  );
  expect(text).toMatch(
    /^predictions +\d+ MiB +weights \d+ MiB, activations \d+ MiB, cache \d+ MiB, graph \d+ MiB$/m,
  );
  expect(text).toMatch(/\nat most \d+ MiB \(\S+\); very roughly .* of this machine \(2 cores, no GPU\)\n$/);
});

test('an estimate says how little of a model LoRA trains', async () => {
  const loaded = await loadConfig('qwen2.5-vl-7b-lora');
  const shape = await policyShape(loaded);
  const text = estimateText(estimateMemory(loaded, shape), estimateTime(loaded.config, shape, gpuSpeed), 'x');
  expect(text).toMatch(/^8292 million parameters in float32 \(40\.37 million values trained\), /);
});
