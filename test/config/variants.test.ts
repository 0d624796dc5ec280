import { describe, expect, test } from 'vitest';
import { extendedVariant } from '../../config/extended-variant.js';
import { loadConfig, overrideConfig } from '../../config/load.js';
import { readResolvedRun } from '../../config/recorded-run.js';
import { scratchFolder } from './scratch-folder.js';

const base = `name: mine
dataset:
  sources:
    - kind: jsonl
      annotations: data/a.jsonl
frames:
  size: { width: 84, height: 56 }
sft: { steps: 70 }
variants:
`;

const load = async (variants: string, set: readonly string[] = []) => {
  const cwd = await scratchFolder({ 'run.yaml': base + variants });
  return { cwd, loaded: await loadConfig('run.yaml', { cwd, set }) };
};
const problems = (variants: string) =>
  load(variants).then(
    () => 'no problem',
    (error: Error) => error.message,
  );

describe('a variant', () => {
  test('is the run with its own fields over it', async () => {
    const { loaded } = await load(
      '  half: { sft: { dataShare: 0.5 } }\n  weak: { grpo: { preset: vad-r1 } }\n',
    );
    expect(Object.keys(loaded.variants)).toEqual(['half', 'weak']);
    const { half, weak } = loaded.variants;
    expect(half!.config.sft).toEqual({ ...loaded.config.sft, dataShare: 0.5 });
    expect(half!.config.variants).toEqual({});
    // What follows from other fields follows from the variant's.
    expect(loaded.config.evaluation.checkpoints).toEqual(['sft', 'reflection-sft', 'grpo']);
    expect(weak!.config.evaluation.checkpoints).toEqual(['sft', 'grpo']);
  });

  test('that extends another one differs from that', async () => {
    const { loaded, cwd } = await load(
      '  last: { extends: half-again, reasoning: false }\n' +
        '  half: { stages: [sft], sft: { dataShare: 0.5 } }\n' +
        '  half-again: { extends: half, sft: { steps: 35 } }\n',
    );
    const { 'half-again': again, last } = loaded.variants;
    expect(again!.config.sft).toMatchObject({ steps: 35, dataShare: 0.5 });
    expect(last!.config.sft).toMatchObject({ steps: 35, dataShare: 0.5 });
    expect(last!.config).toMatchObject({ reasoning: false, stages: ['sft'] });
    expect(last!.config.evaluation.checkpoints).toEqual(['sft']);
    const named = (name: string) => extendedVariant(loaded.config, name);
    expect(['half', 'half-again', 'last'].map(named)).toEqual([null, 'half', 'half-again']);

    const { config, prompts, variants } = loaded;
    const recorded = readResolvedRun(JSON.parse(JSON.stringify({ config, prompts, variants })));
    const changed = await overrideConfig(recorded, ['variants.half.sft.steps=9'], { label: 'run x', cwd });
    const steps = ['half', 'half-again', 'last'].map((name) => changed.variants[name]!.config.sft.steps);
    expect(steps).toEqual([9, 35, 35]);
    expect(changed.config.variants).toEqual({
      ...config.variants,
      half: { stages: ['sft'], sft: { dataShare: 0.5, steps: 9 } },
    });
  });

  test('gets what is set on the command line', async () => {
    const { loaded } = await load('  half: { sft: { dataShare: 0.5 } }\n', [
      'seed.train=7',
      'variants.half.sft.steps=3',
    ]);
    expect(loaded.variants.half!.config.seed.train).toBe(7);
    expect(loaded.variants.half!.config.sft).toMatchObject({ steps: 3, dataShare: 0.5 });
    expect(loaded.config.sft.steps).toBe(70);
  });

  test('is resolved again when a recorded run is changed', async () => {
    const { loaded, cwd } = await load('  weak: { grpo: { preset: vad-r1 } }\n');
    const { config, prompts, variants } = loaded;
    const recorded = readResolvedRun(JSON.parse(JSON.stringify({ config, prompts, variants })));
    expect(recorded).toEqual({ config, prompts, variants });
    const changed = await overrideConfig(recorded, ['sft.steps=9'], { label: 'run x', cwd });
    expect(changed.variants.weak!.config.sft.steps).toBe(9);
    expect(changed.variants.weak!.config.evaluation.checkpoints).toEqual(['sft', 'grpo']);
  });

  test('of a run recorded before there were variants is none', async () => {
    const { loaded } = await load('');
    const { variants, ...config } = loaded.config;
    expect(variants).toEqual({});
    expect(readResolvedRun({ config, prompts: loaded.prompts })).toMatchObject({
      config: { variants: {} },
      variants: {},
    });
  });
});

describe('a wrong variant', () => {
  test('is told at its line, with its name', async () => {
    expect(await problems('  half: { sft: { dataShare: 2 } }\n  odd:\n    grpo: { presett: x }\n'))
      .toMatchInlineSnapshot(`
        "run.yaml:10: sft.dataShare: in the variant half: too large (found 2); allowed: number (above 0, at most 1)
        run.yaml:12: grpo.presett: in the variant odd: unknown field, did you mean \`preset\`?; allowed: preset, weights, verification, length, reflectionAlpha, labels, epochs, stepsPerEpoch, promptsPerStep, groupSize, updatesPerGeneration, clipLow, clipHigh, beta, aggregation, scaleRewards, resampleFlat, maskTruncated, sampling, optimizer, checkpointEvery"
      `);
  });

  test('may not change what answers are compared on', async () => {
    expect(await problems('  other: { seed: { data: 2 }, evaluation: { split: val } }\n'))
      .toMatchInlineSnapshot(`
      "run.yaml:10: variants.other.seed.data: a variant shares this with its run
        fix: leave it out, or make it a run of its own
      run.yaml:10: variants.other.evaluation.split: a variant shares this with its run
        fix: leave it out, or make it a run of its own"
    `);
    expect(await problems('  other: { dataset: { minFrames: 4 } }\n')).toMatchInlineSnapshot(`
      "run.yaml:10: variants.other.dataset: a variant shares this with its run
        fix: leave it out, or make it a run of its own"
    `);
  });

  test('extends another one, and no circle', async () => {
    expect(
      await problems('  half: { extends: otehr }\n  other: { extends: other }\n  odd: { extends: [half] }\n'),
    ).toMatchInlineSnapshot(`
      "run.yaml:10: variants.half.extends: no such variant, did you mean \`other\`? (found "otehr"); allowed: other | odd
      run.yaml:11: variants.other.extends: the variants extend each other in a circle: other -> other
      run.yaml:12: variants.odd.extends: no such variant (found ["half"]); allowed: half | other"
    `);
    expect(await problems('  a: { extends: b }\n  b: { extends: c }\n  c: { extends: b }\n'))
      .toMatchInlineSnapshot(`
      "run.yaml:11: variants.b.extends: the variants extend each other in a circle: b -> c -> b
      run.yaml:12: variants.c.extends: the variants extend each other in a circle: c -> b -> c"
    `);
    expect(await problems('  a: { extends: half }\n')).toMatchInlineSnapshot(
      `"run.yaml:10: variants.a.extends: no such variant (found "half"); allowed: nothing: there is no other variant"`,
    );
  });

  test('is not what is wrong with one that extends it', async () => {
    expect(
      await problems(
        '  half: { dataset: { minFrames: 4 } }\n' +
          '  other: { extends: half, sft: { steps: 0 } }\n' +
          '  odd: { sft: { dataShare: 2 } }\n',
      ),
    ).toMatchInlineSnapshot(`
      "run.yaml:10: variants.half.dataset: a variant shares this with its run
        fix: leave it out, or make it a run of its own
      run.yaml:12: sft.dataShare: in the variant odd: too large (found 2); allowed: number (above 0, at most 1)"
    `);
  });

  test('contradicts itself like a run', async () => {
    expect(await problems('  odd: { stages: [sft, grpo, grpo] }\n')).toMatchInlineSnapshot(
      `"run.yaml:10: stages: in the variant odd: stages follow one another, each at most once (found ["sft","grpo","grpo"]); allowed: ["sft","grpo"]"`,
    );
    expect(await problems('  odd: { reasoning: false }\n')).toMatchInlineSnapshot(`
      "run.yaml:10: reasoning: in the variant odd: there is nothing to reflect on in an answer without reasoning (found false); allowed: true
        fix: set grpo.preset to vad-r1, or stages to [sft]"
    `);
    expect(await problems('  odd: { stages: [grpo] }\n')).toMatchInlineSnapshot(
      `"run.yaml:10: stages: in the variant odd: every other stage goes on from what \`sft\` has learnt (found ["grpo"]); allowed: a list that begins with "sft""`,
    );
  });

  test('needs a name that can stand in ids', async () => {
    expect(await problems('  "Half data": {}\n')).toMatchInlineSnapshot(
      `"run.yaml:10: variants.Half data: not allowed as a name (found Half data); allowed: lower-case letters, digits and dashes, at most 41"`,
    );
  });
});
