import { capture, run, which } from './process.mjs';
import { SetupError } from './error.mjs';

let queue = Promise.resolve();
let updated = false;

/** Whether this user may install Debian packages here. */
export const canApt = process.platform === 'linux' && process.getuid() === 0 && which('apt-get') !== null;

/** Installs Debian packages, one call at a time, and says that it changes the system. */
export function aptInstall(packages, note) {
  const turn = queue.then(() => install(packages, note));
  queue = turn.catch(() => undefined);
  return turn;
}

async function install(packages, note) {
  const names = packages.join(' ');
  note(`installing the Debian package${packages.length > 1 ? 's' : ''} ${names} (this changes the system)`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const fix = `run \`apt-get install ${names}\` yourself, see what it says, and run this again.`;
  if (!updated) await run('apt-get', ['update', '-q'], { env, note, what: 'apt-get update', fix });
  updated = true;
  const args = ['install', '-y', '-q', '--no-install-recommends', ...packages];
  await run('apt-get', args, { env, note, what: `apt-get install ${names}`, fix });
  if (capture('dpkg', ['-s', ...packages]) === null) throw new SetupError(`${names}: not installed`, { fix });
}
