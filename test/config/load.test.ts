import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig, overrideConfig, presetNames } from '../../config/load.js';
import { RunConfig } from '../../config/schema.js';
import { packageRoot } from '../../core/package-root.js';
import { scratchFolder } from './scratch-folder.js';

const minimal = `name: mine
dataset:
  sources:
    - kind: jsonl
      annotations: data/a.jsonl
frames:
  size: { width: 84, height: 56 }
`;

describe('a config file', () => {
  test('gets every default, also of maps of which one field is written', async () => {
    const cwd = await scratchFolder({
      'run.yaml': `${minimal}sft:\n  visionWarmup:\n    optimizer: { warmupSteps: 3 }\n`,
    });
    const { config } = await loadConfig('run.yaml', { cwd });
    expect(config.seed).toEqual({ data: 1, train: 1, eval: 1 });
    expect(config.sft.visionWarmup.optimizer).toMatchObject({
      learningRate: 3e-3,
      warmupSteps: 3,
      schedule: 'linear',
    });
    expect(config.evaluation.sampling.temperature).toBe(0);
    // Recorded configs are read back through the same schema.
    expect(RunConfig.parse(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test('keeps the defaults of its stage beside a field that is written', async () => {
    const cwd = await scratchFolder({
      'run.yaml': `${minimal}reflection:\n  sft: { batchSize: 8 }\nevaluation:\n  sampling: { maxTokens: 9 }\n`,
    });
    const { config } = await loadConfig('run.yaml', { cwd });
    expect(config.reflection.sft).toMatchObject({
      steps: 150,
      batchSize: 8,
      optimizer: { learningRate: 5e-4 },
    });
    expect(config.evaluation.sampling).toEqual({ temperature: 0, topP: 1, maxTokens: 9 });
  });

  test('may leave out the kind of a map that has one by default', async () => {
    const cwd = await scratchFolder({ 'run.yaml': `${minimal}teacher: { trimmedViews: 3 }\n` });
    const { config } = await loadConfig('run.yaml', { cwd });
    expect(config.teacher).toEqual({ kind: 'embedded', trimmedViews: 3 });
  });

  test('has its paths made absolute from its own folder, and says where they were written', async () => {
    const cwd = await scratchFolder({ 'sub/run.yaml': minimal.replace('data/a.jsonl', '../data/a.jsonl') });
    const { config, named } = await loadConfig('sub/run.yaml', { cwd });
    expect(config.dataset.sources[0]).toEqual({ kind: 'jsonl', annotations: join(cwd, 'data/a.jsonl') });
    expect(named).toEqual([
      {
        field: 'dataset.sources.0.annotations',
        path: join(cwd, 'data/a.jsonl'),
        at: { file: 'sub/run.yaml', line: 5, folder: join(cwd, 'sub') },
      },
    ]);
  });

  test('brings the texts of its prompt templates, own ones and supplied ones', async () => {
    const cwd = await scratchFolder({
      'run.yaml': `${minimal}prompts: { verdict: ask.md }\n`,
      'ask.md': 'is something wrong here ?\n',
    });
    const { prompts } = await loadConfig('run.yaml', { cwd });
    expect(prompts).toEqual({
      verdict: 'is something wrong here ?',
      category: 'which category of event does this video show ?',
      reflective: 'is this video normal or abnormal ? answer , reflect , then answer again .',
    });
  });

  test('takes a field that is set to nothing as not written', async () => {
    const cwd = await scratchFolder({ 'run.yaml': `${minimal}sft:\n  steps:\ngrpo:\n` });
    const { config } = await loadConfig('run.yaml', { cwd });
    expect(config.sft.steps).toBe(300);
    expect(config.grpo.preset).toBe('combined');
  });

  test('evaluates, unless it says otherwise, the checkpoints that its preset trains', async () => {
    const cwd = await scratchFolder({ 'run.yaml': `${minimal}grpo: { preset: vad-r1 }\n` });
    expect((await loadConfig('run.yaml', { cwd })).config.evaluation.checkpoints).toEqual(['sft', 'grpo']);
    await writeFile(join(cwd, 'run.yaml'), minimal);
    expect((await loadConfig('run.yaml', { cwd })).config.evaluation.checkpoints).toEqual([
      'sft',
      'reflection-sft',
      'grpo',
    ]);
  });
});

describe('extends', () => {
  test('merges maps deeply, replaces lists, and goes through a chain', async () => {
    const cwd = await scratchFolder({
      'base.yaml': `${minimal}sft: { steps: 10, batchSize: 4 }\nmodel: { kind: scratch, vision: { depth: 3, fullAttentionBlocks: [0, 2] } }\n`,
      'middle/run.yaml':
        'extends: ../base.yaml\nsft: { steps: 20 }\nmodel: { vision: { fullAttentionBlocks: [1] } }\n',
      'top.yaml': 'name: top\nextends: middle/run.yaml\nsft: { optimizer: { learningRate: 0.5 } }\n',
    });
    const { config, sources } = await loadConfig('top.yaml', { cwd, set: ['sft.batchSize=5'] });
    expect(config.name).toBe('top');
    expect(config.sft).toMatchObject({ steps: 20, batchSize: 5, optimizer: { learningRate: 0.5 } });
    expect(config.model).toMatchObject({ vision: { depth: 3, fullAttentionBlocks: [1] } });
    expect(sources).toEqual(['base.yaml', 'middle/run.yaml', 'top.yaml', '--set sft.batchSize=5']);
  });

  test('keeps a path where the file that wrote it lies', async () => {
    const cwd = await scratchFolder({
      'there/base.yaml': minimal,
      'here/run.yaml': 'extends: ../there/base.yaml\n',
    });
    const { config } = await loadConfig('here/run.yaml', { cwd });
    expect(config.dataset.sources[0]?.annotations).toBe(join(cwd, 'there/data/a.jsonl'));
  });

  test('starts the paths of a preset at the file that extends it', async () => {
    const cwd = await scratchFolder({ 'here/run.yaml': 'extends: clips\n' });
    const { config } = await loadConfig('here/run.yaml', { cwd });
    expect(config.dataset.sources[0]?.annotations).toBe(join(cwd, 'here/videos/annotations.jsonl'));
    const byName = await loadConfig('clips', { cwd });
    expect(byName.config.dataset.sources[0]?.annotations).toBe(join(cwd, 'videos/annotations.jsonl'));
  });

  test('drops the fields of another kind or form', async () => {
    const cwd = await scratchFolder({
      'base.yaml': `${minimal}model: { kind: scratch, vision: { depth: 3 } }\n`,
      'run.yaml':
        'extends: base.yaml\nmodel: { kind: pretrained, path: w, revision: r, size: 3B }\nframes: { size: { maxPixels: 100352 } }\n',
    });
    const { config } = await loadConfig('run.yaml', { cwd });
    expect(config.model).toEqual({
      kind: 'pretrained',
      path: join(cwd, 'w'),
      revision: 'r',
      size: '3B',
      tuning: { kind: 'full' },
      freezeVision: false,
      recompute: true,
    });
    expect(config.frames.size).toEqual({ maxPixels: 100352 });
  });
});

describe('--set', () => {
  test('takes YAML values, reaches into lists, and starts paths at the working directory', async () => {
    const cwd = await scratchFolder({ 'sub/run.yaml': minimal });
    const { config } = await loadConfig('sub/run.yaml', {
      cwd,
      set: [
        'dataset.sources.0.annotations=other.jsonl',
        'frames.size={width: 112, height: 84}',
        'grpo.length.normal=[1, 2]',
        'sft.optimizer.learningRate=1e-3',
        'grpo.maskTruncated=true',
      ],
    });
    expect(config.dataset.sources[0]?.annotations).toBe(join(cwd, 'other.jsonl'));
    expect(config.frames.size).toEqual({ width: 112, height: 84 });
    expect(config.grpo.length.normal).toEqual([1, 2]);
    expect(config.sft.optimizer.learningRate).toBe(1e-3);
    expect(config.grpo.maskTruncated).toBe(true);
  });

  test('changes the kind of a map, adds to a list, and takes a value back', async () => {
    const cwd = await scratchFolder({ 'run.yaml': `${minimal}sft: { steps: 10 }\n` });
    const { config } = await loadConfig('run.yaml', {
      cwd,
      set: [
        'model.kind=pretrained',
        'model.path=w',
        'model.revision=r',
        'model.size=7B',
        'dataset.sources.1={kind: vad-reasoning, annotations: v.jsonl}',
        'sft.steps=',
      ],
    });
    expect(config.model).toEqual({
      kind: 'pretrained',
      path: join(cwd, 'w'),
      revision: 'r',
      size: '7B',
      tuning: { kind: 'full' },
      freezeVision: false,
      recompute: true,
    });
    expect(config.dataset.sources[1]).toEqual({
      kind: 'vad-reasoning',
      annotations: join(cwd, 'v.jsonl'),
      prefixMap: {},
    });
    expect(config.sft.steps).toBe(300);
  });
});

describe('a recorded config', () => {
  test('is changed by --set and keeps its prompt texts', async () => {
    const cwd = await scratchFolder({
      'run.yaml': `${minimal}prompts: { verdict: ask.md }\n`,
      'ask.md': 'before',
    });
    const recorded = await loadConfig('run.yaml', { cwd });
    await writeFile(join(cwd, 'ask.md'), 'after');
    const changed = await overrideConfig(recorded, ['dataset.maxRejectShare=1'], {
      label: 'run mine-1',
      cwd: '/',
    });
    expect(changed.prompts).toEqual(recorded.prompts);
    expect(changed.config).toEqual({
      ...recorded.config,
      dataset: { ...recorded.config.dataset, maxRejectShare: 1 },
    });
    expect(changed.sources).toEqual(['run mine-1', '--set dataset.maxRejectShare=1']);
  });

  test('reports a bad --set like a file would', async () => {
    const cwd = await scratchFolder({ 'run.yaml': minimal });
    const recorded = await loadConfig('run.yaml', { cwd });
    await expect(overrideConfig(recorded, ['sft.stpes=1'], { label: 'run mine-1' })).rejects.toThrow(
      '--set sft.stpes=1: sft.stpes: unknown field, did you mean `steps`?',
    );
  });
});

describe('the presets', () => {
  const presets = ['clips', 'demo', 'micro', 'qwen2.5-vl-7b-lora', 'srvau-r1', 'vad-r1'];

  test.each(presets)('%s is valid', async (name) => {
    const { config } = await loadConfig(name, { cwd: packageRoot });
    // A run id has no dots.
    expect(config.name).toBe(name.replaceAll('.', '-'));
  });

  test('are all named above', async () => {
    expect(await presetNames()).toEqual(presets);
  });

  test('vad-r1 has the figures of the paper', async () => {
    const { config, prompts } = await loadConfig('vad-r1');
    expect(config.frames).toMatchObject({
      policyFrames: 16,
      size: { maxPixels: 128 * 28 * 28 },
      teacherEvery: 16,
    });
    expect(config.sft.optimizer.learningRate).toBe(1e-6);
    expect(config.sft.steps).toBe(Math.floor((4 * 1755) / config.sft.batchSize));
    expect(config.grpo).toMatchObject({
      preset: 'vad-r1',
      groupSize: 4,
      beta: 0.04,
      epochs: 1,
      aggregation: 'grpo',
    });
    expect(config.grpo.length).toMatchObject({ normal: [140, 261], abnormal: [233, 456] });
    expect(config.grpo.stepsPerEpoch * config.grpo.promptsPerStep).toBe(6448);
    for (const tag of ['think', 'step1', 'step4', 'answer', 'which', 'what', 'when', 'where', 'why', 'how']) {
      expect(prompts.verdict).toContain(`<${tag}>`);
    }
  });

  test('qwen2.5-vl-7b-lora is vad-r1 with adapters instead of weights', async () => {
    const { config } = await loadConfig('qwen2.5-vl-7b-lora');
    const paper = (await loadConfig('vad-r1')).config;
    expect(paper.model).toMatchObject({ tuning: { kind: 'full' }, freezeVision: false });
    expect(config.model).toMatchObject({ tuning: { kind: 'lora', rank: 16 }, freezeVision: true });
    const rest = ({ name: _, model: __, sft, grpo, ...other }: typeof config) => ({
      ...other,
      sft: { ...sft, optimizer: null },
      grpo: { ...grpo, optimizer: null },
    });
    expect(rest(config)).toEqual(rest(paper));
  });

  test('srvau-r1 rewards spans and reflections', async () => {
    const { config, prompts } = await loadConfig('srvau-r1');
    expect(config.grpo).toMatchObject({ preset: 'srvau-r1', labels: 'spans', reflectionAlpha: 0.1 });
    expect(config.reflection).toMatchObject({ draftRightShare: 0.3, draftLoss: 'right-only' });
    expect(prompts.reflective).toContain('<reflection>');
  });
});
