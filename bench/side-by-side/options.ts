import { InvalidArgumentError } from 'commander';

/** Reads a whole number from 1 on, as commander wants options read. */
export function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('A whole number from 1 on.');
  return number;
}

/** Reads a number of seconds, 0 included. */
export function seconds(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0)) throw new InvalidArgumentError('A number of seconds.');
  return number;
}

/** Reads names with commas between, of which only some are allowed. */
export const listOf =
  <Name extends string>(allowed: readonly Name[]) =>
  (text: string): Name[] =>
    text.split(',').map((name) => {
      const found = allowed.find((one) => one === name.trim());
      if (found === undefined) throw new InvalidArgumentError(`Allowed: ${allowed.join(', ')}.`);
      return found;
    });
