import { TerminalError } from '../core/errors.js';

export function runExists(runId: string): TerminalError {
  return new TerminalError('run.exists', `there is a run ${runId} already`, {
    fix: `hindsight resume ${runId}`,
  });
}

export function runIsRunning(runId: string): TerminalError {
  return new TerminalError('run.running', `run ${runId} is running; there is nothing to resume`, {
    fix: `hindsight show ${runId}, or stop it first: hindsight cancel ${runId}`,
  });
}
