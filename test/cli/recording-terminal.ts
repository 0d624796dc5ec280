import type { Terminal } from '../../cli/terminal.js';

/** A terminal that keeps what was written. */
export class RecordingTerminal implements Terminal {
  stdout = '';
  stderr = '';

  constructor(
    readonly interactive = false,
    readonly columns: number | undefined = undefined,
    /** What is answered to a question; null when nobody is there to ask. */
    private readonly answer: string | null = null,
  ) {}

  get asks(): boolean {
    return this.answer !== null;
  }

  ask(question: string): Promise<string> {
    if (this.answer === null) throw new Error(`nobody is there to answer: ${question}`);
    this.stderr += question;
    return Promise.resolve(this.answer);
  }

  out(text: string): void {
    this.stdout += text;
  }

  err(text: string): void {
    this.stderr += text;
  }
}
