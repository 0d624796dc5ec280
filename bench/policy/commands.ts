import { join } from 'node:path';
import { packageRoot } from '../../core/package-root.js';
import { ourEnvironment, referenceEnvironment, THREADS } from '../side-by-side/environments.js';
import type { ParticipantCommand } from '../side-by-side/participant.js';

/** This project's policy, in the environment of a trainer. */
export function ours(): ParticipantCommand {
  return {
    name: 'ours',
    command: process.execPath,
    args: [join(packageRoot, 'dist', 'bench', 'policy', 'ours.js')],
    environment: ourEnvironment(),
  };
}

/** The variants of the reference that are compared with: stock transformers, and one that sees all windows at once. */
export function references(python: string): ParticipantCommand[] {
  const variant = (name: string, ...options: string[]): ParticipantCommand => ({
    name,
    command: python,
    args: [
      join(packageRoot, 'bench', 'reference', 'policy.py'),
      '--threads',
      String(THREADS),
      '--attention',
      ...options,
    ],
    environment: referenceEnvironment(),
  });
  return [
    variant('eager', 'eager'),
    variant('sdpa', 'sdpa'),
    variant('sdpa+windows', 'sdpa', '--batched-windows'),
  ];
}
