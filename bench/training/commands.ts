import { join } from 'node:path';
import { packageRoot } from '../../core/package-root.js';
import { ourEnvironment, referenceEnvironment, THREADS } from '../side-by-side/environments.js';
import type { ParticipantCommand } from '../side-by-side/participant.js';

/** This project's training, in the environment of a trainer; garbage can be collected before memory is read. */
export function ours(): ParticipantCommand {
  return {
    name: 'ours',
    command: process.execPath,
    args: ['--expose-gc', join(packageRoot, 'dist', 'bench', 'training', 'ours.js')],
    environment: ourEnvironment(),
  };
}

/** The PyTorch loops that are compared with; they differ in how they verify. */
export const referenceNames = ['batched', 'one by one'] as const;
export type ReferenceName = (typeof referenceNames)[number];

export function references(python: string): ParticipantCommand[] {
  const verifies: Readonly<Record<ReferenceName, string>> = { batched: 'batched', 'one by one': 'single' };
  return referenceNames.map((name) => ({
    name,
    command: python,
    args: [
      join(packageRoot, 'bench', 'reference', 'grpo.py'),
      '--threads',
      String(THREADS),
      '--verify',
      verifies[name],
    ],
    environment: referenceEnvironment(),
  }));
}
