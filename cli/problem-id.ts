import type { RunProblem } from './run-api.js';

/**
 * What makes two problems the same one. Messages count seconds and attempts, but for warnings, of which a stage may have
 * several.
 */
export function problemId({ kind, subject, message }: RunProblem): string {
  return kind === 'training-warning' ? `${kind} ${message}` : `${kind} ${subject}`;
}
