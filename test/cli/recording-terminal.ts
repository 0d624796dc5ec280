import type { Terminal } from '../../cli/terminal.js';

/** A terminal that keeps what was written. */
export class RecordingTerminal implements Terminal {
  stdout = '';
  stderr = '';

  constructor(
    readonly interactive = false,
    readonly columns: number | undefined = undefined,
  ) {}

  out(text: string): void {
    this.stdout += text;
  }

  err(text: string): void {
    this.stderr += text;
  }
}
