import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { bringDown } from '../../stack/down.js';
import { createHome, homePaths, type Home } from '../../stack/home.js';

/** A home of its own for one test; afterwards its stack is stopped and it is gone. */
export function temporaryHome(): Home {
  const environment = { ...process.env };
  const home = homePaths(mkdtempSync(join(tmpdir(), 'hindsight-stack-')));
  createHome(home);
  onTestFinished(async () => {
    await bringDown({ home });
    rmSync(home.root, { recursive: true, force: true });
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
  }, 120_000);
  return home;
}
