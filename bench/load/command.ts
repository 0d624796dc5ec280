import { Option, type Command } from 'commander';
import { gigabytes, measureLoad, type LoadResult } from './measure.js';
import { SHAPES, type ShapeName } from './shapes.js';

/** Adds `load`: what loading a model needs. Exit code 1 when it needs more than is allowed or the numbers are broken. */
export function addLoad(program: Command): void {
  program
    .command('load')
    .description('memory and time of loading a model and of one forward pass')
    .addOption(
      new Option(
        '--shape <name>',
        'shape of the random bfloat16 model that is made for it (3b: 7.5 GB on disk)',
      )
        .choices(Object.keys(SHAPES))
        .default('3b'),
    )
    .addOption(
      new Option('--model <folder>', 'a model that is there instead').conflicts(['shape', 'folder', 'keep']),
    )
    .option(
      '--folder <folder>',
      'where to write the random model (default: in the folder for temporary files)',
    )
    .option('--keep', 'leave the random model there', false)
    .option('--json', 'print the result as JSON', false)
    .addHelpText('after', '\nExample:\n  npm run bench -- load --shape small')
    .action(
      async (options: {
        shape: ShapeName;
        model?: string;
        folder?: string;
        keep: boolean;
        json: boolean;
      }) => {
        const say = (line: string) => void process.stderr.write(`${line}\n`);
        const result = await measureLoad({ ...options, say });
        process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : report(result));
        if (!result.withinLimit || !result.finite) process.exitCode = 1;
      },
    );
}

function report(result: LoadResult): string {
  const seconds = (value: number) => `${value.toFixed(1)} s`;
  const { residentBefore, peakLoading, versions } = result;
  const over = result.used - result.float32Bytes;
  const rows: [string, string][] = [
    ['model', result.model],
    [
      'backend',
      `${result.backend}, ${result.threads} threads, TensorFlow ${versions['tensorflow'] ?? 'none'}`,
    ],
    ['parameters', result.parameters.toLocaleString('en')],
    ['on disk', gigabytes(result.bytesOnDisk)],
    ['as float32', gigabytes(result.float32Bytes)],
    ['held before loading', gigabytes(residentBefore)],
    ['peak of loading', gigabytes(peakLoading - residentBefore)],
    ['peak with a forward pass', `${gigabytes(result.used)}: ${gigabytes(over)} above float32`],
    ['allowed', `${gigabytes(result.limit)}: ${result.withinLimit ? 'kept' : 'BROKEN'}`],
    ['written in', result.writeSeconds === null ? 'was there' : seconds(result.writeSeconds)],
    ['loaded in', seconds(result.loadSeconds)],
    ['forward pass', `${seconds(result.forwardSeconds)} for ${result.tokens} tokens`],
    ['logits', result.finite ? `finite, at most ${result.largestLogit.toFixed(2)}` : 'NOT FINITE'],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}
