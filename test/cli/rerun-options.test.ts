import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { rerunOptions, rerunsOf } from '../../cli/rerun-options.js';
import type { RerunOptions } from '../../cli/rerun-options.js';
import { loadConfig } from '../../config/load.js';
import type { ResolvedRun } from '../../config/schema.js';
import { runCli } from '../../cli/program.js';
import { RecordingTerminal } from './recording-terminal.js';

function parsed(...args: string[]): RerunOptions {
  return rerunOptions(new Command('x')).exitOverride().parse(args, { from: 'user' }).opts<RerunOptions>();
}

async function reruns(args: readonly string[], run?: ResolvedRun): Promise<Record<string, string>> {
  const found = rerunsOf(parsed(...args), run ?? (await loadConfig('micro')));
  expect(new Set(Object.values(found).map(({ id }) => id)).size).toBe(Object.keys(found).length > 0 ? 1 : 0);
  return Object.fromEntries(
    Object.entries(found).map(([stage, { only }]) => [stage, only === null ? 'all' : only.join()]),
  );
}

describe('what is made again', () => {
  test('is nothing unless it is asked for', async () => {
    expect(await reruns([])).toEqual({});
  });

  test('is each stage that is named', async () => {
    expect(await reruns(['--rerun', 'sft', '--rerun', 'frames'])).toEqual({ sft: 'all', frames: 'all' });
  });

  test('is a stage and all after it', async () => {
    expect(Object.keys(await reruns(['--from', 'reflection-sft']))).toEqual([
      'reflection-sft',
      'grpo',
      'predictions',
      'evaluate',
      'report',
    ]);
  });

  test('leaves out what the run has not, and holds what only a variant has', async () => {
    const short = await loadConfig('micro', { set: ['stages=[sft]'] });
    expect(Object.keys(await reruns(['--from', 'sft'], short))).toEqual([
      'sft',
      'predictions',
      'evaluate',
      'report',
    ]);
    const branched = await loadConfig('micro', {
      set: ['stages=[sft]', 'variants={long: {stages: [sft, grpo]}}'],
    });
    expect(Object.keys(await reruns(['--from', 'sft'], branched))).toEqual([
      'sft',
      'grpo',
      'predictions',
      'evaluate',
      'compare',
      'report',
    ]);
    await expect(reruns(['--rerun', 'grpo'], short)).rejects.toThrow(
      '--rerun: this run has no such stage (found grpo); allowed: ingest, frames, captions, reasoning, sft, predictions, evaluate, report',
    );
    await expect(reruns(['--from', 'compare'], short)).rejects.toThrow('--from: this run has no such stage');
  });

  test('is of the stages with samples only those that ended so, unless the whole stage is', async () => {
    expect(
      await reruns(['--retry', 'refused', '--retry', 'failed', '--retry', 'refused', '--rerun', 'captions']),
    ).toEqual({
      ingest: 'refused,failed',
      frames: 'refused,failed',
      captions: 'all',
      reasoning: 'refused,failed',
      reflections: 'refused,failed',
    });
  });

  test('has an id of its own each time', async () => {
    const run = await loadConfig('micro');
    const id = () => rerunsOf({ rerun: ['sft'] }, run).sft!.id;
    expect(id()).toMatch(/^[0-9a-f]{8}$/);
    expect(id()).not.toBe(id());
  });
});

test.each([
  [['run', 'micro', '--rerun', 'sfd'], /'sfd' is invalid\. Allowed choices are ingest, frames, .*, report\./],
  [['resume', 'x', '--from', 'probe'], /'probe' is invalid\. Allowed choices are ingest, /],
  [['resume', 'x', '--retry', 'ok'], /'ok' is invalid\. Allowed choices are refused, failed, rejected\./],
])('%j is refused with the names there are', async (args, message) => {
  const terminal = new RecordingTerminal();
  expect(await runCli(args, terminal)).toBe(2);
  expect(terminal.stderr).toMatch(message);
});
