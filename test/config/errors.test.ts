import { describe, expect, test } from 'vitest';
import { InvalidConfig } from '../../config/problems.js';
import { loadConfig } from '../../config/load.js';
import { scratchFolder } from './scratch-folder.js';

const minimal = `name: mine
dataset:
  sources:
    - kind: jsonl
      annotations: a.jsonl
frames:
  size: { width: 84, height: 56 }
`;

/** The whole message that a config with these lines after the minimal ones is refused with. */
async function refusal(
  text: string,
  options: {
    readonly set?: readonly string[];
    readonly files?: Readonly<Record<string, string>>;
    readonly run?: string;
  } = {},
): Promise<string> {
  const cwd = await scratchFolder({ 'run.yaml': text, ...options.files });
  const error: unknown = await loadConfig(options.run ?? 'run.yaml', { cwd, set: options.set ?? [] }).then(
    () => null,
    (caught: unknown) => caught,
  );
  if (!(error instanceof InvalidConfig)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error.message.replaceAll(cwd, '<folder>');
}

const more = (lines: string): Promise<string> => refusal(`${minimal}${lines}\n`);
const set = (...texts: string[]): Promise<string> => refusal(minimal, { set: texts });

describe('a field', () => {
  test('that is misspelt', async () => {
    expect(await more('sft:\n  stpes: 3')).toMatchInlineSnapshot(
      `"run.yaml:9: sft.stpes: unknown field, did you mean \`steps\`?; allowed: visionWarmup, steps, batchSize, packing, optimizer, categoryShare, trimmedShare, dataShare, validationEvery, checkpointEvery"`,
    );
    expect(await more('grop: { beta: 1 }')).toMatchInlineSnapshot(
      `"run.yaml:8: grop: unknown field, did you mean \`grpo\`?; allowed: extends, name, seed, dataset, frames, teacher, model, prompts, sft, reflection, grpo, evaluation, reasoning, stages, variants, trainer"`,
    );
  });

  test('that nobody knows', async () => {
    expect(await more('evaluation:\n  colour: blue')).toMatchInlineSnapshot(
      `"run.yaml:9: evaluation.colour: unknown field; allowed: checkpoints, split, sampling, bootstrapResamples, confidence"`,
    );
  });

  test('of another kind', async () => {
    expect(await more('model: { kind: scratch, path: weights }')).toMatchInlineSnapshot(
      `"run.yaml:8: model.path: unknown field; allowed: kind, vision, text, initializerRange"`,
    );
  });

  test('that is missing', async () => {
    expect(await refusal('name: mine\n')).toMatchInlineSnapshot(
      `"run.yaml:1: dataset: missing; allowed: map {sources, shares, maxRejectShare, minFrames}"`,
    );
    expect(await refusal(minimal.replace('      annotations: a.jsonl\n', ''))).toMatchInlineSnapshot(
      `"run.yaml:4: dataset.sources.0.annotations: missing; allowed: text"`,
    );
    expect(await more('model:\n  kind: pretrained\n  path: w\n  size: 7B')).toMatchInlineSnapshot(
      `"run.yaml:8: model.revision: missing; allowed: text"`,
    );
  });

  test('of the wrong type', async () => {
    expect(await more('sft: { steps: many }')).toMatchInlineSnapshot(
      `"run.yaml:8: sft.steps: wrong type (found "many"); allowed: whole number (at least 1)"`,
    );
    expect(await more('sft: { steps: 2.5 }')).toMatchInlineSnapshot(
      `"run.yaml:8: sft.steps: wrong type (found 2.5); allowed: whole number (at least 1)"`,
    );
    expect(await more('sft: 3')).toMatchInlineSnapshot(
      `"run.yaml:8: sft: wrong type (found 3); allowed: map {visionWarmup, steps, batchSize, packing, optimizer, categoryShare, trimmedShare, dataShare, validationEvery, checkpointEvery}"`,
    );
    expect(await more('grpo: { maskTruncated: yes please }')).toMatchInlineSnapshot(
      `"run.yaml:8: grpo.maskTruncated: wrong type (found "yes please"); allowed: true | false"`,
    );
  });

  test('outside its bounds', async () => {
    expect(await more('sft: { steps: 0 }')).toMatchInlineSnapshot(
      `"run.yaml:8: sft.steps: too small (found 0); allowed: whole number (at least 1)"`,
    );
    expect(await more('evaluation: { confidence: 1 }')).toMatchInlineSnapshot(
      `"run.yaml:8: evaluation.confidence: too large (found 1); allowed: number (above 0.5, below 1)"`,
    );
    expect(await set('frames.policyFrames=15')).toMatchInlineSnapshot(
      `"--set frames.policyFrames=15: frames.policyFrames: not a multiple of 2 (found 15); allowed: whole number (multiple of 2, at least 2)"`,
    );
    expect(await more('seed: { data: 3000000000 }')).toMatchInlineSnapshot(
      `"run.yaml:8: seed.data: too large (found 3000000000); allowed: whole number (at least 0, at most 2147483647)"`,
    );
  });

  test('with a value that is no choice', async () => {
    expect(await more('grpo: { preset: combind }')).toMatchInlineSnapshot(
      `"run.yaml:8: grpo.preset: not one of the choices, did you mean \`combined\`? (found "combind"); allowed: "vad-r1" | "srvau-r1" | "combined""`,
    );
    expect(await more('evaluation: { split: everything }')).toMatchInlineSnapshot(
      `"run.yaml:8: evaluation.split: not one of the choices (found "everything"); allowed: "sft" | "reflect" | "rl" | "val" | "test""`,
    );
    expect(await more('model: { kind: scrtach }')).toMatchInlineSnapshot(
      `"run.yaml:8: model.kind: not one of the choices, did you mean \`scratch\`? (found "scrtach"); allowed: "scratch" or "pretrained""`,
    );
  });

  test('of the wrong form', async () => {
    expect(await refusal(minimal.replace('mine', 'My Run'))).toMatchInlineSnapshot(
      `"run.yaml:1: name: not allowed here (found "My Run"); allowed: lower-case letters, digits and dashes, at most 41"`,
    );
    expect(await more('model: { kind: scratch, text: { mropeSection: [8, 8] } }')).toMatchInlineSnapshot(
      `"run.yaml:8: model.text.mropeSection: too few entries (found [8,8]); allowed: [whole number (at least 0), whole number (at least 0), whole number (at least 0)], at least 3 of them"`,
    );
    expect(
      await refusal(minimal.replace('{ width: 84, height: 56 }', '{ width: 84 }')),
    ).toMatchInlineSnapshot(
      `"run.yaml:7: frames.size.height: missing; allowed: whole number (multiple of 28, at least 28)"`,
    );
    expect(await refusal(minimal.replace('{ width: 84, height: 56 }', 'large'))).toMatchInlineSnapshot(
      `"run.yaml:7: frames.size: none of the forms that this field can take (found "large"); allowed: map {width, height} or map {maxPixels}"`,
    );
    expect(await refusal(minimal.replace(/sources:[^]*jsonl\n/, 'sources: []\n'))).toMatchInlineSnapshot(
      `"run.yaml:3: dataset.sources: too few entries (found []); allowed: list of map {kind, annotations, videos} or map {kind, annotations, prefixMap, split}, at least 1 of them"`,
    );
    expect(await more('evaluation: { checkpoints: [] }')).toMatchInlineSnapshot(
      `"run.yaml:8: evaluation.checkpoints: too few entries (found []); allowed: list of "sft" | "reflection-sft" | "grpo", at least 1 of them"`,
    );
  });
});

test('all problems of a file are reported at once, in its order', async () => {
  expect(await more('sft:\n  steps: 0\n  warmup: 3\ngrpo:\n  beta: strong\nevaluation: { split: tset }'))
    .toMatchInlineSnapshot(`
      "run.yaml:9: sft.steps: too small (found 0); allowed: whole number (at least 1)
      run.yaml:10: sft.warmup: unknown field; allowed: visionWarmup, steps, batchSize, packing, optimizer, categoryShare, trimmedShare, dataShare, validationEvery, checkpointEvery
      run.yaml:12: grpo.beta: wrong type (found "strong"); allowed: number (at least 0)
      run.yaml:13: evaluation.split: not one of the choices, did you mean \`test\`? (found "tset"); allowed: "sft" | "reflect" | "rl" | "val" | "test""
    `);
});

describe('fields that contradict each other', () => {
  test('shares', async () => {
    expect(
      await refusal(
        minimal.replace(
          'frames:',
          '  shares: { sft: 0.5, reflect: 0.1, rl: 0.2, val: 0.1, test: 0.2 }\nframes:',
        ),
      ),
    ).toMatchInlineSnapshot(
      `"run.yaml:6: dataset.shares: the shares must add up to 1 (found {"sft":0.5,"reflect":0.1,"rl":0.2,"val":0.1,"test":0.2})"`,
    );
  });

  test('model', async () => {
    expect(
      await more('model: { kind: scratch, vision: { fullAttentionBlocks: [1, 2] } }'),
    ).toMatchInlineSnapshot(
      `"run.yaml:8: model.vision.fullAttentionBlocks.1: no such block (found 2); allowed: 0 to 1 (model.vision.depth is 2)"`,
    );
    expect(await more('model: { kind: scratch, vision: { heads: 3 } }')).toMatchInlineSnapshot(
      `"run.yaml:8: model.vision.heads: a vision head must be a multiple of 4 wide, for the rotary positions in two dimensions (found 3); allowed: a number of heads such that 64 / heads is a multiple of 4"`,
    );
    expect(
      await more('model: { kind: scratch, text: { heads: 3, keyValueHeads: 1 } }'),
    ).toMatchInlineSnapshot(
      `"run.yaml:8: model.text.heads: a text head must have an even width (found 3); allowed: a number of heads such that 128 / heads is even"`,
    );
    expect(await more('model: { kind: scratch, text: { keyValueHeads: 3 } }')).toMatchInlineSnapshot(
      `"run.yaml:8: model.text.keyValueHeads: query heads do not divide evenly among key-value heads (found 3); allowed: a divisor of model.text.heads, 4"`,
    );
    expect(await more('model: { kind: scratch, text: { mropeSection: [4, 4, 4] } }')).toMatchInlineSnapshot(
      `"run.yaml:8: model.text.mropeSection: the sections do not add up to half a head (found [4,4,4]); allowed: three numbers with the sum 16"`,
    );
  });

  test('what is trained of pretrained weights', async () => {
    const model = (tuning: string) =>
      more(`model:\n  kind: pretrained\n  path: w\n  revision: r\n  tuning: ${tuning}`);
    expect(await model('{ kind: lora, targets: "(q_proj" }')).toMatchInlineSnapshot(
      `"run.yaml:12: model.tuning.targets: not a regular expression: Invalid regular expression: /(q_proj/u: Unterminated group (found "(q_proj"); allowed: a list of layer names, one regular expression, or all-linear"`,
    );
    expect(await model('{ kind: lora, targets: [] }')).toMatchInlineSnapshot(
      `"run.yaml:12: model.tuning.targets: too few entries (found []); allowed: list of text or text, at least 1 of them"`,
    );
    expect(await model('{ kind: lora, rank: 0, dropout: 1 }')).toMatchInlineSnapshot(`
      "run.yaml:12: model.tuning.rank: too small (found 0); allowed: whole number (at least 1)
      run.yaml:12: model.tuning.dropout: too large (found 1); allowed: number (at least 0, below 1)"
    `);
    expect(await model('{ kind: full, rank: 8 }')).toMatchInlineSnapshot(
      `"run.yaml:12: model.tuning.rank: unknown field; allowed: kind"`,
    );
    expect(await model('{ kind: qlora }')).toMatchInlineSnapshot(
      `"run.yaml:12: model.tuning.kind: not one of the choices, did you mean \`lora\`? (found "qlora"); allowed: "full" or "lora""`,
    );
    expect(await model('lora')).toMatchInlineSnapshot(
      `"run.yaml:12: model.tuning: wrong type (found "lora"); allowed: map {kind} or map {kind, rank, alpha, dropout, targets}"`,
    );
  });

  test('frames', async () => {
    expect(await set('frames.size={maxPixels: 100352}')).toMatchInlineSnapshot(`
      "--set frames.size={maxPixels: 100352}: frames.size: a model of kind \`scratch\` learns at one fixed frame size (found {"maxPixels":100352}); allowed: {width, height}, multiples of 28
        fix: set frames.size to {width: 84, height: 56}, or to the aspect of your videos"
    `);
    expect(await set('frames.poolFrames=10', 'grpo.verification.minFramesLeft=4')).toMatchInlineSnapshot(
      `"--set frames.poolFrames=10: frames.poolFrames: the pool is smaller than what the policy sees (found 10); allowed: at least frames.policyFrames, 16"`,
    );
    expect(await set('grpo.verification.minFramesLeft=65')).toMatchInlineSnapshot(
      `"--set grpo.verification.minFramesLeft=65: grpo.verification.minFramesLeft: more frames than the pool has, so verification would always abstain (found 65); allowed: at most frames.poolFrames, 64"`,
    );
    expect(await set('frames.policyFrames=2')).toMatchInlineSnapshot(
      `"--set frames.policyFrames=2: frames.policyFrames: verification cuts a segment out of the video, and fewer than 4 frames leave nothing to judge (found 2); allowed: at least 4, or grpo.weights.verification 0"`,
    );
  });

  test('rewards', async () => {
    expect(await more('grpo: { preset: vad-r1, labels: spans }')).toMatchInlineSnapshot(`
      "run.yaml:8: grpo.labels: no reward of the preset \`vad-r1\` uses spans (found "spans"); allowed: "weak"
        fix: set grpo.labels to weak, or grpo.preset to combined"
    `);
    expect(await more('grpo:\n  preset: srvau-r1')).toMatchInlineSnapshot(`
      "run.yaml:8: grpo.labels: the preset \`srvau-r1\` rewards temporal IoU, which needs annotated spans (found "weak"); allowed: "spans"
        fix: set grpo.labels to spans, or grpo.weights.tiou to 0"
    `);
    expect(await more('grpo: { length: { normal: [9, 3] } }')).toMatchInlineSnapshot(
      `"run.yaml:8: grpo.length.normal: the window ends before it begins (found [9,3]); allowed: [least, most]"`,
    );
  });

  test('evaluation', async () => {
    expect(
      await more('grpo: { preset: vad-r1 }\nevaluation:\n  checkpoints: [sft, reflection-sft]'),
    ).toMatchInlineSnapshot(
      `"run.yaml:10: evaluation.checkpoints.1: the run trains no such checkpoint (found "reflection-sft"); allowed: sft | grpo"`,
    );
    expect(await more('evaluation: { checkpoints: [sft, sft] }')).toMatchInlineSnapshot(
      `"run.yaml:8: evaluation.checkpoints.1: named twice (found "sft")"`,
    );
    expect(await more('evaluation: { split: rl }')).toMatchInlineSnapshot(
      `"run.yaml:8: evaluation.split: this split is trained on (found "rl"); allowed: "test" | "val""`,
    );
  });

  test('a trainer that is not there', async () => {
    expect(await more('trainer: external')).toMatchInlineSnapshot(`
      "run.yaml:8: trainer: a distributed trainer under the same artifact contract is planned, not there yet (found "external"); allowed: "native" (TensorFlow.js, one device per worker)
        fix: leave the field out"
    `);
  });
});

describe('--set', () => {
  test('to an unknown field', async () => {
    expect(await set('sft.optimizer.learnigRate=3')).toMatchInlineSnapshot(
      `"--set sft.optimizer.learnigRate=3: sft.optimizer.learnigRate: unknown field, did you mean \`learningRate\`?; allowed: learningRate, beta1, beta2, weightDecay, warmupSteps, schedule, finalShare, maxGradNorm"`,
    );
    expect(await set('sfft.steps=3')).toMatchInlineSnapshot(
      `"--set sfft.steps=3: sfft: unknown field, did you mean \`sft\`?; allowed: extends, name, seed, dataset, frames, teacher, model, prompts, sft, reflection, grpo, evaluation, reasoning, stages, variants, trainer"`,
    );
    expect(await set('sft.steps.deep=3')).toMatchInlineSnapshot(
      `"--set sft.steps.deep=3: sft.steps: wrong type (found {"deep":3}); allowed: whole number (at least 1)"`,
    );
  });

  test('with a wrong value', async () => {
    expect(await set('sft.steps=0', 'grpo.beta=x')).toMatchInlineSnapshot(`
      "--set sft.steps=0: sft.steps: too small (found 0); allowed: whole number (at least 1)
      --set grpo.beta=x: grpo.beta: wrong type (found "x"); allowed: number (at least 0)"
    `);
    expect(await set('sft.steps=[1')).toMatchInlineSnapshot(
      `"--set sft.steps=[1: sft.steps: the value is not YAML: Flow sequence must end with a ] (found [1)"`,
    );
  });

  test('that is no assignment', async () => {
    expect(await set('sft.steps')).toMatchInlineSnapshot(`
      "--set sft.steps: this is not an assignment to a field
        fix: write it as --set sft.steps=100"
    `);
    expect(await set('sft..steps=3')).toMatchInlineSnapshot(`
      "--set sft..steps=3: this is not an assignment to a field
        fix: write it as --set sft.steps=100"
    `);
    expect(await set('extends=demo')).toMatchInlineSnapshot(`
      "--set extends=demo: what a config extends is said in its file
        fix: put \`extends: ...\` into the file, or run the other config"
    `);
  });
});

describe('a file', () => {
  test('that is not there', async () => {
    expect(await refusal('', { run: 'runn.yaml' })).toMatchInlineSnapshot(
      `"runn.yaml: there is no file runn.yaml"`,
    );
    expect(await refusal('', { run: 'dmeo' })).toMatchInlineSnapshot(
      `"dmeo: no such preset, did you mean \`demo\`? (found dmeo); allowed: clips | demo | micro | qwen2.5-vl-7b-lora | srvau-r1 | vad-r1, or a path that ends in .yaml"`,
    );
  });

  test('that is not YAML, every place of it', async () => {
    expect(await refusal('name: mine\nname: yours\nsft: { steps: 3\n')).toMatchInlineSnapshot(`
      "run.yaml:2: this is not YAML: Map keys must be unique
      run.yaml:4: this is not YAML: Flow map in block collection must be sufficiently indented and end with a }"
    `);
  });

  test('that is no map', async () => {
    expect(await refusal('- name\n')).toMatchInlineSnapshot(`
      "run.yaml:1: a configuration is a map of fields
        fix: begin with \`name: my-run\`"
    `);
  });

  test('that extends what is not there', async () => {
    expect(await refusal('name: mine\nextends: dem\n')).toMatchInlineSnapshot(
      `"run.yaml:2: extends: no such preset, did you mean \`demo\`? (found dem); allowed: clips | demo | micro | qwen2.5-vl-7b-lora | srvau-r1 | vad-r1, or a path that ends in .yaml"`,
    );
    expect(await refusal('extends: base.yml\n')).toMatchInlineSnapshot(
      `"run.yaml:1: extends: there is no file base.yml"`,
    );
    expect(await refusal('extends: [demo, clips]\n')).toMatchInlineSnapshot(
      `"run.yaml:1: extends: wrong type (found ["demo","clips"]); allowed: the name of a preset or a path that ends in .yaml"`,
    );
  });

  test('that extends itself through another', async () => {
    expect(
      await refusal('name: mine\nextends: sub/other.yaml\n', {
        files: { 'sub/other.yaml': 'extends: ../run.yaml\n' },
      }),
    ).toMatchInlineSnapshot(
      `"sub/other.yaml:1: extends: the files extend each other in a circle: run.yaml -> other.yaml -> run.yaml"`,
    );
  });

  test('with a problem in the file that it extends', async () => {
    expect(
      await refusal('extends: base.yaml\nsft: { steps: 0 }\n', {
        files: { 'base.yaml': `${minimal}grpo: { bta: 1 }\n` },
      }),
    ).toMatchInlineSnapshot(`
      "run.yaml:2: sft.steps: too small (found 0); allowed: whole number (at least 1)
      base.yaml:8: grpo.bta: unknown field, did you mean \`beta\`?; allowed: preset, weights, verification, length, reflectionAlpha, labels, epochs, stepsPerEpoch, promptsPerStep, groupSize, updatesPerGeneration, clipLow, clipHigh, beta, aggregation, scaleRewards, resampleFlat, maskTruncated, sampling, optimizer, checkpointEvery"
    `);
  });

  test('with prompt templates that are not there or empty', async () => {
    expect(
      await refusal(`${minimal}prompts:\n  verdict: verdcit.md\n  reflective: empty.md\n`, {
        files: { 'empty.md': ' \n' },
      }),
    ).toMatchInlineSnapshot(`
      "run.yaml:9: prompts.verdict: there is no such prompt template (found verdcit.md); allowed: category-full.md | category.md | reflective-full.md | reflective.md | verdict-full.md | verdict.md, or a path relative to the config file
      run.yaml:10: prompts.reflective: the prompt template is empty (found empty.md)"
    `);
  });
});
