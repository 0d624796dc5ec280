// What set-up says, on stderr: one line when a step is done, one when it starts something long, and a sign of life
// at least every 10 seconds.
const started = process.hrtime.bigint();
const seconds = (since) => (Number(process.hrtime.bigint() - since) / 1e9).toFixed(1);
let worked = false;
const warnings = [];

export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Repeated at the end, where it is seen. */
export function warn(line) {
  warnings.push(line);
  say(`! ${line}`);
}

/**
 * Runs one step. `body` gets `note(text)`, to be called before anything that takes longer than a moment; what it
 * returns is passed on, and `body` may return `{ value, summary }` to say what was found.
 */
export async function step(name, body) {
  const since = process.hrtime.bigint();
  const note = (text) => {
    worked = true;
    say(`… ${name}: ${text}`);
  };
  try {
    const result = await body(note);
    say(`✓ ${name}${result?.summary ? `: ${result.summary}` : ''} (${seconds(since)} s)`);
    return result?.summary ? result.value : result;
  } catch (error) {
    error.step ??= name;
    throw error;
  }
}

export function finish() {
  for (const line of warnings) say(`! ${line}`);
  say(worked ? `Set-up done in ${seconds(started)} s.` : `Set-up: nothing to do (${seconds(started)} s).`);
}
