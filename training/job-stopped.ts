import { RetryableError } from '../core/errors.js';

/** A job was asked to save and exit; its checkpoint is complete. */
export class JobStopped extends RetryableError {
  constructor(
    readonly step: number,
    /** The checkpoint folder to go on from; null when nothing had been done that could be saved. */
    readonly folder: string | null,
  ) {
    super('training.stopped', `stopped on request after step ${step}`);
  }
}
