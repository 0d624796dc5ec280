import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, afterAll, describe, expect, test, vi } from 'vitest';
import { runCli } from '../../cli/program.js';
import { RecordingTerminal } from './recording-terminal.js';

const verbs = [
  'demo',
  'run',
  'resume',
  'list',
  'show',
  'logs',
  'cancel',
  'export',
  'up',
  'down',
  'doctor',
  'worker',
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hindsight-cli-'));
  vi.stubEnv('HINDSIGHT_HOME', join(folder, 'home'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const terminal = new RecordingTerminal();
  const code = await runCli(args, terminal);
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}

describe('help', () => {
  test.each(verbs)('%s --help has an example and goes to stdout', async (verb) => {
    const { code, stdout, stderr } = await cli(verb, '--help');
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toContain(`Usage: hindsight ${verb}`);
    expect(stdout).toMatch(new RegExp(`Examples?:\n  hindsight ${verb}`));
  });

  test('names every verb', async () => {
    const { code, stdout } = await cli('--help');
    expect(code).toBe(0);
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^  ${verb} .*\\S`, 'm'));
  });

  test('comes on stderr when no verb was given, which is a mistake', async () => {
    const { code, stdout, stderr } = await cli();
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('Usage: hindsight');
  });

  test('--version is the package’s', async () => {
    expect(await cli('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    });
  });
});

describe('mistakes', () => {
  test.each([
    [['rnu'], "unknown command 'rnu'"],
    [['run'], "missing required argument 'config'"],
    [['run', 'demo', '--stpe'], "unknown option '--stpe'"],
    [['run', 'demo', 'clips'], 'too many arguments'],
    [['worker', 'tpu'], 'Allowed choices are orchestrate, media, llm, gpu'],
    [['export', 'demo-1'], "missing required argument 'checkpoint'"],
    [['export', 'demo-1', 'best', 'model'], 'there is no such checkpoint (found best)'],
    [['export', 'demo-1', 'model', '--dtype', 'int8'], 'Allowed choices are f32, bf16, f16'],
    [['list', '--stack', 'somewhere'], 'Allowed choices are embedded, remote'],
    [['show'], "missing required argument 'run-id'"],
    [['run', 'dmeo'], 'no such preset, did you mean `demo`?'],
    [['run', 'micro', '--set', 'sft.stpes=3'], 'did you mean `steps`?'],
    [['run', 'micro', '--plan', '--device-memory', 'large'], 'this is not a size'],
  ])('%j ends with 2 and says what is wrong', async (args, message) => {
    const { code, stdout, stderr } = await cli(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('all problems of a file are named, and nothing is started', async () => {
    const file = join(folder, 'bad.yaml');
    await writeFile(file, 'extends: micro\nsft: { steps: 0 }\ngrop: 3\n');
    const { code, stderr } = await cli('run', file);
    expect(code).toBe(2);
    expect(stderr.replaceAll(folder, '<folder>')).toMatchInlineSnapshot(`
      "<folder>/bad.yaml:2: sft.steps: too small (found 0); allowed: whole number (at least 1)
      <folder>/bad.yaml:3: grop: unknown field, did you mean \`grpo\`?; allowed: extends, name, seed, dataset, frames, teacher, model, prompts, sft, reflection, grpo, evaluation, reasoning, stages, variants, trainer [config.invalid]
      "
    `);
  });

  test('inputs that are not there are found before anything is started', async () => {
    const file = join(folder, 'lost.yaml');
    await writeFile(file, 'extends: clips\n');
    const { code, stderr } = await cli('run', file);
    expect(code).toBe(2);
    expect(stderr).toContain(
      `dataset.sources.0.annotations: there is no ${join(folder, 'videos/annotations.jsonl')}`,
    );
    expect(stderr).toContain(`dataset.sources.0.videos: there is no ${join(folder, 'videos')}`);
  });

  test('an export writes into no folder that has something in it', async () => {
    const full = join(folder, 'full');
    await mkdir(full);
    await writeFile(join(full, 'notes.txt'), '');
    const { code, stderr } = await cli('export', 'demo-1', full);
    expect(code).toBe(2);
    expect(stderr).toContain(`${full}: this folder is not empty (found notes.txt)`);
    const file = await cli('export', 'demo-1', join(full, 'notes.txt'));
    expect(file).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('this is not a folder') as string,
    });
  });

  test('looking at runs starts no stack where there never was one', async () => {
    for (const args of [
      ['list'],
      ['show', 'x'],
      ['resume', 'x'],
      ['logs', 'x'],
      ['cancel', 'x'],
      ['export', 'x', join(folder, 'new')],
    ]) {
      const { code, stderr } = await cli(...args);
      expect(code, args[0]).toBe(1);
      expect(stderr, args[0]).toContain('No stack has been started');
      expect(stderr, args[0]).toContain('fix: hindsight up');
    }
  });

  test('a stack trace is there for whoever asks', async () => {
    vi.stubEnv('HINDSIGHT_DEBUG', '1');
    const { stderr } = await cli('run', 'dmeo');
    vi.stubEnv('HINDSIGHT_DEBUG', '');
    expect(stderr).toMatch(/^ +at /m);
  });
});

describe('a plan without the inputs at hand', () => {
  test('says what the papers’ model needs, and refuses a device that is too small with both numbers', async () => {
    const { code, stdout, stderr } = await cli('run', 'vad-r1', '--plan', '--device-memory', '80GiB');
    expect(code).toBe(2);
    expect(stdout).toContain('8292 million parameters');
    expect(stderr).toMatch(
      /`grpo` needs about \d+\.\d GiB of device memory, a device of 80GiB has 80\.0 GiB/,
    );
  });

  test('fits a device that is large enough', async () => {
    const { code, stdout } = await cli('run', 'vad-r1', '--plan', '--device-memory', '2TiB', '--json');
    expect(code).toBe(0);
    const plan = JSON.parse(stdout) as { stages: unknown; memory: { parameters: number }; sources: string[] };
    expect(plan.stages).toBeNull();
    expect(plan.memory.parameters).toBe(8_292_166_656);
    expect(plan.sources.at(-1)).toMatch(/vad-r1\.yaml$/);
  });
});
