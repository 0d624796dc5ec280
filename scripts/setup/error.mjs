/** A step that could not be done: why, and what the reader can do about it. The step's name is filled in by `step`. */
export class SetupError extends Error {
  constructor(message, { fix, detail = '', cause } = {}) {
    super(message, { cause });
    this.fix = fix;
    /** The last lines a program printed. */
    this.detail = detail;
  }
}
