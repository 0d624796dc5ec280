import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeError } from '../../core/errors.js';
import { packageRoot } from '../../core/package-root.js';
import { buildDigest } from '../build-digest.js';
import { loadTools, type Tools } from '../tools.js';
import { outputOf, type Check } from './check.js';

const setup = 'npm run setup';

/** Node, npm packages, the build, and the programs that set-up recorded. */
export async function checkPrograms(): Promise<Check[]> {
  const base = [checkNode(), checkPackages(), checkBuild()];
  let tools: Tools;
  try {
    tools = loadTools();
  } catch (error) {
    return [
      ...base,
      { name: 'set-up', ok: false, found: describeError(error).split('\n')[0] ?? '', fix: setup },
    ];
  }
  return [
    ...base,
    ...(await Promise.all([
      checkProgram('Temporal server', tools.temporal, ['--version'], /version (.+)/),
      checkProgram('S3 gateway', tools.versitygw, ['--version'], /Version\s*:\s*(\S+)/),
      checkProgram('ffmpeg', tools.ffmpeg, ['-version'], /version (\S+)/),
      checkProgram('ffprobe', tools.ffprobe, ['-version'], /version (\S+)/),
    ])),
    await checkChromium(tools.chromium),
  ];
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > 20 || (major === 20 && minor >= 11);
  return {
    name: 'Node',
    ok: fits,
    found: process.versions.node,
    ...(fits ? {} : { fix: 'install Node 20.11 or newer' }),
  };
}

const Manifest = z.object({ dependencies: z.record(z.string(), z.string()) });
const Version = z.object({ version: z.string() });

function checkPackages(): Check {
  const { dependencies } = Manifest.parse(readJson(join(packageRoot, 'package.json')));
  const wrong = Object.entries(dependencies).filter(([name, wanted]) => {
    const manifest = join(packageRoot, 'node_modules', name, 'package.json');
    return !existsSync(manifest) || Version.parse(readJson(manifest)).version !== wanted;
  });
  const found =
    wrong.length === 0
      ? `${Object.keys(dependencies).length} direct dependencies as pinned`
      : `missing or of another version: ${wrong.map(([name]) => name).join(', ')}`;
  return {
    name: 'npm packages',
    ok: wrong.length === 0,
    found,
    ...(wrong.length === 0 ? {} : { fix: setup }),
  };
}

function checkBuild(): Check {
  try {
    return { name: 'build', ok: true, found: buildDigest().slice(0, 12) };
  } catch (error) {
    return { name: 'build', ok: false, found: describeError(error).split('\n')[0] ?? '', fix: setup };
  }
}

async function checkProgram(
  name: string,
  path: string,
  args: readonly string[],
  version: RegExp,
): Promise<Check> {
  const said = await outputOf(path, args);
  if (said === null) return { name, ok: false, found: `${path} does not run`, fix: setup };
  const old = path.includes('ffmpeg-npm');
  return {
    name,
    ok: old ? 'warning' : true,
    found: `${version.exec(said)?.[1] ?? 'unknown version'}, ${path}`,
    ...(old ? { fix: `install a current ffmpeg (this build is years old), then ${setup}` } : {}),
  };
}

async function checkChromium(path: string | null): Promise<Check> {
  const said = path === null ? null : await outputOf(path, ['--version']);
  if (said !== null) return { name: 'Chromium', ok: true, found: said.trim().split('\n').at(-1) ?? '' };
  return {
    name: 'Chromium',
    ok: 'warning',
    found: path === null ? 'none' : `${path} does not run`,
    fix: 'only browser tests need it: install chromium, then node scripts/setup.mjs --tests',
  };
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
