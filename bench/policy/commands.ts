import { join } from 'node:path';
import { packageRoot } from '../../core/package-root.js';
import { trainerEnvironment } from '../../workers/trainer-environment.js';
import type { ParticipantCommand } from './participant.js';

/** Threads that every participant may use. */
export const THREADS = 2;

/** This project's policy, in the environment of a trainer. */
export function ours(): ParticipantCommand {
  return {
    name: 'ours',
    command: process.execPath,
    args: [join(packageRoot, 'dist', 'bench', 'policy', 'ours.js')],
    environment: {
      ...trainerEnvironment(),
      OMP_NUM_THREADS: String(THREADS),
      TF_NUM_INTRAOP_THREADS: String(THREADS),
      CUDA_VISIBLE_DEVICES: '',
    },
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
    environment: {
      OMP_NUM_THREADS: String(THREADS),
      CUDA_VISIBLE_DEVICES: '',
      HF_HUB_OFFLINE: '1',
      TOKENIZERS_PARALLELISM: 'false',
    },
  });
  return [
    variant('eager', 'eager'),
    variant('sdpa', 'sdpa'),
    variant('sdpa+windows', 'sdpa', '--batched-windows'),
  ];
}
