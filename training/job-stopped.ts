import { RetryableError } from '../core/errors.js';

/** A job was asked to save and exit; its checkpoint is complete. */
export class JobStopped extends RetryableError {
  constructor(
    readonly step: number,
    /** The checkpoint folder written for it; null when no step had been made since the job began. */
    readonly folder: string | null,
  ) {
    super('training.stopped', `stopped on request after step ${step}`);
  }
}
