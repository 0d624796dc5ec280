// Sets up everything Hindsight needs, from a fresh clone or after a pull: `npm run setup`. Plain Node, because it runs
// before `npm ci`. Idempotent, pinned, and quick when nothing is to be done.
import { cacheRoot, removeScratch, withLock } from './setup/cache.mjs';
import { build } from './setup/build.mjs';
import { ensureChromium } from './setup/chromium.mjs';
import { SetupError } from './setup/error.mjs';
import { ensureFfmpeg } from './setup/ffmpeg.mjs';
import { ensureGoTools } from './setup/go-tools.mjs';
import { checkNode } from './setup/node.mjs';
import { ensurePackages } from './setup/packages.mjs';
import { checkoutId } from './setup/paths.mjs';
import { killRunning } from './setup/process.mjs';
import { finish, say, step } from './setup/report.mjs';
import { ensureLibrary, ensureTensorflow } from './setup/tensorflow.mjs';
import { writeTools } from './setup/tools-file.mjs';

const usage = `Usage: node scripts/setup.mjs [--tests]

Installs the npm packages, the Temporal server, the S3 gateway, ffmpeg and the TensorFlow library, and compiles the
project. A second run does nothing and says so.

  --tests   also what only the tests need (Chromium)
  --help    this text

Tools shared by all checkouts of a user lie in $HINDSIGHT_CACHE, by default ${cacheRoot}.

Example: node scripts/setup.mjs --tests
`;

async function setUp(options) {
  await step('node', async (note) => checkNode(note));
  await withLock(`checkout-${checkoutId}`, say, async () => {
    // The Go builds take longest and need the processor; the rest mostly waits for the network.
    const packages = step('npm packages', ensurePackages);
    const library = step('TensorFlow library', ensureLibrary);
    const tools = Promise.all([
      ensureGoTools(),
      step('ffmpeg', ensureFfmpeg),
      options.tests ? step('Chromium', ensureChromium) : null,
      Promise.all([packages, library]).then(([, found]) =>
        step('TensorFlow binding', (note) => ensureTensorflow(found, note)),
      ),
    ]).then(([go, media, chromium, backend]) => writeTools({ ...go, ...media, chromium, backend }));
    await Promise.all([tools, packages.then(() => step('build', build))]);
  });
}

const known = new Set(['--tests', '--help']);
const wrong = process.argv.slice(2).find((argument) => !known.has(argument));
if (process.argv.includes('--help')) {
  process.stdout.write(usage);
} else if (wrong !== undefined) {
  process.stderr.write(`Unknown option ${wrong}.\n\n${usage}`);
  process.exitCode = 2;
} else {
  try {
    await setUp({ tests: process.argv.includes('--tests') });
    finish();
  } catch (error) {
    killRunning();
    removeScratch();
    const known = error instanceof SetupError;
    say(`\nSet-up failed at "${error.step ?? 'set-up'}": ${known ? error.message : String(error)}`);
    if (known && error.detail) say(error.detail.replace(/^/gm, '  | '));
    say(`Fix: ${known ? error.fix : 'this is a defect of the set-up script; please report the line above.'}`);
    process.exit(1);
  }
}
