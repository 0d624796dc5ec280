import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { partialName } from '../core/partial-name.js';
import type { Home } from './home.js';
import { isAlive, type ProcessIdentity } from './process-identity.js';

const Identity = z.object({ pid: z.number(), startedAt: z.string() });

const ProcessState = z.object({
  name: z.string(),
  kind: z.enum(['service', 'worker']),
  /** `backoff`: it ended by itself and is about to be started again. */
  status: z.enum(['running', 'backoff', 'stopped']),
  identity: Identity.nullable(),
  /** How often it was started again since the stack came up. */
  restarts: z.number(),
  /** How it ended last, e.g. `exit code 1` or `SIGKILL`. */
  lastExit: z.string().nullable(),
  /** When it was started last, ISO 8601. */
  since: z.string().nullable(),
});

const Ports = z.object({
  temporal: z.number(),
  temporalHttp: z.number(),
  temporalUi: z.number(),
  temporalMetrics: z.number(),
  s3: z.number(),
});

const StackState = z.object({
  schema: z.literal(1),
  status: z.enum(['starting', 'ready', 'stopping', 'stopped', 'failed']),
  /** Why it is `failed`. */
  failure: z.string().nullable(),
  supervisor: Identity.nullable(),
  /** What the workers run: the build's digest and their commands. */
  build: z.string(),
  workers: z.array(z.string()),
  /** Fingerprints of the payload keys that they hold, in order; see `payloadKeyFingerprints`. */
  payloadKeys: z.array(z.string()).default([]),
  /** Chosen at the first start and kept, unless somebody else listens there at a later one. */
  ports: Ports,
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  /** Where the gateway keeps an object's metadata; `sidecar` on file systems without extended attributes. */
  metadata: z.enum(['xattr', 'sidecar']),
  processes: z.array(ProcessState),
});

/** One process that the supervisor keeps running. */
export type ProcessState = z.infer<typeof ProcessState>;
export type Ports = z.infer<typeof Ports>;
/** stack.json. Written by the supervisor only. */
export type StackState = z.infer<typeof StackState>;

/** The recorded state; null where there is none or it cannot be read, as after a crash of the machine. */
export function readState(home: Home): StackState | null {
  try {
    return StackState.parse(JSON.parse(readFileSync(home.stackFile, 'utf8')));
  } catch {
    return null;
  }
}

/** Replaces stack.json at once, readable by its owner only. */
export function writeState(home: Home, state: StackState): void {
  const draft = partialName(home.stackFile);
  writeFileSync(draft, JSON.stringify(state, null, 2) + '\n', { mode: 0o600 });
  renameSync(draft, home.stackFile);
}

/** Processes of the recorded stack that still live, services last: the order in which to end them. */
export function survivors(state: StackState): ProcessIdentity[] {
  return [...state.processes]
    .sort((a, b) => Number(a.kind === 'service') - Number(b.kind === 'service'))
    .flatMap((entry) => (entry.identity !== null && isAlive(entry.identity) ? [entry.identity] : []));
}
