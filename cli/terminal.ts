import { createInterface } from 'node:readline';

/** What the verbs write to: data to `out`, talk to `err`; both get whole texts, line ends included. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Whether a person watches `err`, so that a line may be rewritten in place. */
  readonly interactive: boolean;
  /** Characters in a row of the screen that shows `out`; undefined when it goes to a file or a pipe. */
  readonly columns: number | undefined;
  /** Whether somebody can answer, so that a verb may ask before it goes on. */
  readonly asks: boolean;
  /** Puts a question to that person and returns the answer, empty when there is none. */
  ask(question: string): Promise<string>;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    interactive: process.stderr.isTTY,
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    asks: process.stdin.isTTY && process.stderr.isTTY,
    ask: askPerson,
  };
}

/** Ctrl-C and Ctrl-D are answers too: empty ones. */
async function askPerson(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((resolve) => {
      lines.once('close', () => resolve(''));
      lines.question(question, resolve);
    });
  } finally {
    lines.close();
  }
}

/** One line at the foot of the talk that is rewritten in place; silent unless a person watches. */
export class LiveLine {
  #shown = '';

  constructor(private readonly terminal: Terminal) {}

  show(text: string): void {
    if (!this.terminal.interactive || text === this.#shown) return;
    this.terminal.err(`\r\u001b[K${text}`);
    this.#shown = text;
  }

  clear(): void {
    if (this.#shown !== '') this.terminal.err('\r\u001b[K');
    this.#shown = '';
  }

  /** Writes a line that stays, above the live one. */
  print(line: string): void {
    const live = this.#shown;
    this.clear();
    this.terminal.err(`${line}\n`);
    this.show(live);
  }
}
