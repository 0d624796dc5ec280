/**
 * `node dist/stack/supervisor-main.js HOME WORKERS`: the detached process behind `hindsight up`. WORKERS is a JSON list
 * of commands. Writes to logs/supervisor.log; ends with SIGTERM. Exit code 3: another one holds the home.
 */
import { z } from 'zod';
import { describeError } from '../core/errors.js';
import { buildDigest } from './build-digest.js';
import { createHome, homePaths } from './home.js';
import { supervisorLock, tryLock } from './lock.js';
import { Supervisor } from './supervisor.js';
import { loadTools } from './tools.js';

const WorkerCommands = z.array(
  z.strictObject({
    name: z.string(),
    command: z.string(),
    args: z.array(z.string()),
    env: z.record(z.string(), z.string()).optional(),
  }),
);

const [, , root, workers] = process.argv;
const home = homePaths(root);
const log = (line: string): void => {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
};

createHome(home);
const lock = tryLock(supervisorLock(home));
if (lock === null) {
  log('another supervisor runs in this home');
  process.exit(3);
}
let supervisor: Supervisor | null = null;
try {
  supervisor = await Supervisor.prepare({
    home,
    tools: loadTools(),
    build: buildDigest(),
    workers: WorkerCommands.parse(JSON.parse(workers ?? '[]')),
    log,
  });
  const end = (name: NodeJS.Signals): void => {
    log(`${name}: stopping`);
    void supervisor?.stop().then(() => {
      lock.release();
      log('stopped');
      process.exit(0);
    });
  };
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, end);
  await supervisor.start();
  log('ready');
} catch (error) {
  const text = describeError(error);
  log(text);
  await supervisor?.stop(text);
  lock.release();
  process.exit(1);
}
