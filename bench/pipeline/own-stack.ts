import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunApi } from '../../cli/run-api.js';
import { connectRunApi } from '../../cli/run-client.js';
import { bringDown } from '../../stack/down.js';
import type { Endpoints } from '../../stack/endpoints.js';
import { homePaths, type Home } from '../../stack/home.js';
import { ensureUp } from '../../stack/up.js';

/** A stack of a measurement's own: an empty store, and nobody else's runs. */
export interface OwnStack {
  readonly home: Home;
  readonly endpoints: Endpoints;
  readonly api: RunApi;
}

/** Runs `work` on a fresh stack, in a home that is removed afterwards. This process then follows that home. */
export async function onOwnStack<T>(work: (stack: OwnStack) => Promise<T>): Promise<T> {
  const home = homePaths(await mkdtemp(join(tmpdir(), 'bench-pipeline-')));
  const before = process.env['HINDSIGHT_HOME'];
  process.env['HINDSIGHT_HOME'] = home.root;
  try {
    const endpoints = await ensureUp({ home });
    const api = await connectRunApi();
    try {
      return await work({ home, endpoints, api });
    } finally {
      await api.close();
    }
  } finally {
    await bringDown({ home });
    await rm(home.root, { recursive: true, force: true });
    if (before === undefined) delete process.env['HINDSIGHT_HOME'];
    else process.env['HINDSIGHT_HOME'] = before;
  }
}
