/** A participant of the bench: this project's training. Requests and answers are those of `protocol.ts`. */
import { createInterface } from 'node:readline';
import { describeError } from '../../core/errors.js';
import { loadBackend } from '../../policy/backend.js';
import { timeCheckpoint } from './checkpoint-times.js';
import { prepareDemoJob } from './demo-job.js';
import { GrpoSteps, readJob, type MadeStep } from './grpo-steps.js';
import { heldMemory } from './held-memory.js';
import { GENERATIONS, Request } from './protocol.js';
import { writeRecorded } from './recorded.js';

let loaded: { readonly folder: string; readonly steps: GrpoSteps } | null = null;

async function answer(request: Request): Promise<object> {
  const backend = await loadBackend();
  if (request.do === 'prepare') return { job: await prepareDemoJob(backend, request.folder) };
  if (request.do === 'train') {
    return { held: await heldMemory(backend, await readJob(request.folder), request.look) };
  }
  if (request.do === 'load') {
    const { folder } = request;
    loaded = { folder, steps: await GrpoSteps.load(backend, await readJob(folder)) };
    return { threads: backend.threads, versions: { node: process.versions.node, ...backend.versions } };
  }
  if (loaded === null) throw new Error('load comes first');
  switch (request.do) {
    case 'check':
      return { numbers: await record(loaded.folder, loaded.steps) };
    case 'step':
      return (await loaded.steps.step(request.generation)).took;
    case 'checkpoint':
      return timeCheckpoint(loaded.steps);
  }
}

/** Makes every generation once, which also compiles every shape, and leaves them for the others. */
async function record(folder: string, steps: GrpoSteps): Promise<number[]> {
  const made: MadeStep[] = [];
  while (made.length < GENERATIONS) made.push(await steps.step(made.length));
  await writeRecorded(folder, steps.job, steps.tools, steps.samples, made);
  return made.flatMap(({ update }) => [update.kl, update.gradNorm]);
}

for await (const line of createInterface({ input: process.stdin })) {
  let said: object;
  try {
    said = await answer(Request.parse(JSON.parse(line)));
  } catch (error) {
    said = { error: describeError(error) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
