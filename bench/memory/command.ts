import { InvalidArgumentError, type Command } from 'commander';
import { columns } from '../../cli/render/columns.js';
import type { Terminal } from '../../cli/terminal.js';
import { memoryCases } from './cases.js';
import { measureMemory, tolerance, type MemoryResult } from './measure.js';

interface Options {
  readonly only: readonly string[];
  readonly json?: true;
}

const names = memoryCases.map(({ name }) => name);

/** `bench memory`: exit code 1 when an estimate is further off than is promised. */
export function addMemoryBench(program: Command, terminal: Terminal): void {
  program
    .command('memory')
    .description(
      'Compares the estimate of device memory with the measured peak of training steps, each kind in a process of its own.',
    )
    .option('--only <list>', `some of ${names.join(', ')}, with commas`, nameList, names)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  npm run bench -- memory --only sft,sft-lora')
    .action(async ({ only, json }: Options) => {
      const results: MemoryResult[] = [];
      for (const of of memoryCases.filter(({ name }) => only.includes(name))) {
        terminal.err(`${of.name}: ${of.description}\n`);
        results.push(await measureMemory(of));
      }
      terminal.out(json ? `${JSON.stringify(results, null, 2)}\n` : memoryText(results));
      if (results.some(({ withinTolerance }) => !withinTolerance)) process.exitCode = 1;
    });
}

/** One line a case: what was estimated, for what, and what was measured. */
export function memoryText(results: readonly MemoryResult[]): string {
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  const parts = ({ total: _, ...rest }: MemoryResult['estimate']): string =>
    Object.entries(rest)
      .filter(([, bytes]) => bytes > 0)
      .map(([name, bytes]) => `${name} ${Math.round(bytes / 1e6)}`)
      .join(', ');
  return columns([
    ['case', 'estimate', 'measured', 'ratio', `within ${100 * tolerance}%`, 'estimated for'],
    ...results.map((one) => [
      one.name,
      megabytes(one.estimate.total),
      megabytes(one.measured),
      one.ratio.toFixed(2),
      one.withinTolerance ? 'yes' : 'NO',
      parts(one.estimate),
    ]),
  ]);
}

function nameList(text: string): string[] {
  const wanted = text.split(',');
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`there is no case ${unknown}; there are ${names.join(', ')}`);
  return wanted;
}
