/** A participant of the bench: this project's policy. Requests and answers are those of `protocol.ts`. */
import { createInterface } from 'node:readline';
import { describeError } from '../../core/errors.js';
import { loadBackend } from '../../policy/backend.js';
import { loadWork, ourTask, type LoadedWork, type Task } from './our-tasks.js';
import { profile } from './profile.js';
import { Request, type Profiled } from './protocol.js';

let loaded: { readonly work: LoadedWork; readonly task: Task } | null = null;

async function answer(request: Request): Promise<object> {
  if (request.do === 'load') {
    const backend = await loadBackend();
    const work = await loadWork(backend, request.folder);
    loaded = { work, task: ourTask(work) };
    return { threads: backend.threads, versions: { node: process.versions.node, ...backend.versions } };
  }
  if (loaded === null) throw new Error('load comes first');
  switch (request.do) {
    case 'check':
      return { numbers: await loaded.task.check() };
    case 'run': {
      const milliseconds: number[] = [];
      for (let i = 0; i < request.count; i++) {
        const since = performance.now();
        await loaded.task.step();
        milliseconds.push(performance.now() - since);
      }
      return { milliseconds };
    }
    case 'profile':
      return { sections: await sections(loaded) };
  }
}

/** Profiles of a step that has been made before, and of the operations inside its compiled graphs. */
async function sections({ work, task }: NonNullable<typeof loaded>): Promise<Profiled['sections']> {
  const { backend } = work.policy;
  await task.step();
  const found = [{ title: 'one step', parts: await profile(backend, () => task.step()) }];
  if (task.compile !== undefined) {
    // The first time pays for fresh memory.
    await task.compile();
    const title = 'the same with its operations one by one, as they run while it is compiled';
    found.push({ title, parts: await profile(backend, () => task.compile!()) });
  }
  return found;
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
