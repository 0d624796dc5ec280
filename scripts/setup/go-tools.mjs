import { join } from 'node:path';
import { cached } from './cache.mjs';
import { SetupError } from './error.mjs';
import { capture, run, which } from './process.mjs';
import { step } from './report.mjs';

// v1.6 and later of the Temporal CLI cannot be installed with `go install` (a replace directive).
const temporal = {
  name: 'temporal',
  title: 'Temporal server',
  command: 'github.com/temporalio/cli/cmd/temporal',
  version: '1.5.1',
  // A plain `go install` leaves 0.0.0-DEV as the version.
  ldflags: '-s -w -X github.com/temporalio/cli/temporalcli.Version=1.5.1',
  minutes: 'about 3 minutes on two cores',
};
const versitygw = {
  name: 'versitygw',
  title: 'S3 gateway',
  command: 'github.com/versity/versitygw/cmd/versitygw',
  version: '1.7.0',
  ldflags: '-s -w -X main.Version=v1.7.0',
  minutes: 'about a minute on two cores',
};

/** Paths of the Temporal server and the S3 gateway: from PATH where they fit, else compiled into the cache. */
export async function ensureGoTools() {
  const [temporalPath, versitygwPath] = await Promise.all([
    step(temporal.title, (note) => ensureTool(temporal, temporalOnPath(), note)),
    step(versitygw.title, (note) => ensureTool(versitygw, versitygwOnPath(), note)),
  ]);
  return { temporal: temporalPath, versitygw: versitygwPath };
}

async function ensureTool(tool, onPath, note) {
  if (onPath !== null) return { value: onPath.path, summary: `${onPath.version}, ${onPath.path}` };
  const folder = await cached(
    `${tool.name}/${tool.version}-${process.platform}-${process.arch}`,
    note,
    (into) => compile(tool, into, note),
  );
  return { value: join(folder, tool.name), summary: tool.version };
}

async function compile(tool, into, note) {
  const go = requireGo(tool);
  note(
    `compiling ${tool.command} ${tool.version} with Go; ${tool.minutes} (sources stay in Go's own caches)`,
  );
  // GOTOOLCHAIN=auto lets an older Go fetch the 1.25 that both want.
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'auto', GOBIN: into, GOOS: '', GOARCH: '' };
  await run(
    go,
    ['install', '-v', '-trimpath', '-ldflags', tool.ldflags, `${tool.command}@v${tool.version}`],
    {
      env,
      cwd: into,
      note,
      what: 'go install',
      progress: (lines) => `${lines} modules and packages so far`,
      fix: `check that Go reaches its module proxy (\`go env GOPROXY\`), or put ${tool.name} ${tool.version} on PATH, and run this again.`,
    },
  );
}

function requireGo(tool) {
  const go = which('go');
  const fix = `install Go 1.21 or newer (go.dev/doc/install; Debian: the golang package of backports), or put ${tool.name} ${tool.version} on PATH, and run this again.`;
  if (go === null) throw new SetupError('Go is not on PATH', { fix });
  const found = /go(\d+)\.(\d+)/.exec(capture(go, ['version']) ?? '');
  if (found === null) throw new SetupError(`${go} does not run`, { fix });
  if (Number(found[1]) === 1 && Number(found[2]) < 21) {
    throw new SetupError(`${go} is version ${found[1]}.${found[2]}`, { fix });
  }
  return go;
}

function temporalOnPath() {
  const path = which('temporal');
  if (path === null) return null;
  // `go install` gives "0.0.0-DEV (Server 1.29.1, ...)": then the server's version decides.
  const said = /version (\S+) \(Server (\S+?)[,)]/.exec(capture(path, ['--version']) ?? '');
  if (said === null) return null;
  const fits = said[1].startsWith('0.0.0') ? atLeast(said[2], '1.29.1') : atLeast(said[1], '1.5.1');
  if (!fits || capture(path, ['server', 'start-dev', '--help']) === null) return null;
  return { path, version: `${said[1]} (server ${said[2]})` };
}

function versitygwOnPath() {
  const path = which('versitygw');
  if (path === null) return null;
  const said = /v?(\d+\.\d+\.\d+)/.exec(capture(path, ['--version']) ?? '');
  return said !== null && atLeast(said[1], '1.7.0') ? { path, version: said[1] } : null;
}

function atLeast(found, wanted) {
  const [a, b] = [found, wanted].map((text) => text.split(/[.-]/).map(Number));
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] > b[i];
  return true;
}
