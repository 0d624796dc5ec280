import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { aptInstall, canApt } from './apt.mjs';
import { cached } from './cache.mjs';
import { capture, run, which } from './process.mjs';
import { warn } from './report.mjs';

// The npm packages hold builds of 2018 to 2021; good enough to read and write H.264, nothing to rely on.
const packages = { ffmpeg: '@ffmpeg-installer/ffmpeg@1.1.0', ffprobe: '@ffprobe-installer/ffprobe@2.1.2' };

/** Paths of ffmpeg and ffprobe: PATH, else Debian's package when root, else old builds from npm. */
export async function ensureFfmpeg(note) {
  let found = onPath();
  if (found === null && canApt) {
    try {
      await aptInstall(['ffmpeg'], note);
      found = onPath();
    } catch (error) {
      warn(`ffmpeg: ${error.message}; falling back to the npm packages. ${error.fix}`);
    }
  }
  found ??= await fromNpm(note);
  const version = /version (\S+)/.exec(capture(found.ffmpeg, ['-version']) ?? '')?.[1] ?? 'unknown version';
  return { value: found, summary: `${version}, ${found.ffmpeg}` };
}

function onPath() {
  const ffmpeg = which('ffmpeg');
  const ffprobe = which('ffprobe');
  return runs(ffmpeg) && runs(ffprobe) ? { ffmpeg, ffprobe } : null;
}

const runs = (path) => path !== null && capture(path, ['-version']) !== null;

async function fromNpm(note) {
  const platform = `${process.platform}-${process.arch}`;
  const folder = await cached(`ffmpeg-npm/1.1.0-${platform}`, note, async (into) => {
    note('neither on PATH nor installable with apt-get: taking old builds from npm');
    const args = ['install', '--prefix', into, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
    await run('npm', [...args, packages.ffmpeg, packages.ffprobe], {
      cwd: into,
      note,
      what: 'npm install',
      fix: 'install ffmpeg (with ffprobe) so that both are on PATH, and run this again.',
    });
  });
  warn('ffmpeg comes from an old npm package; install a current ffmpeg and run `npm run setup` again.');
  const path = (name) => join(folder, 'node_modules', `@${name}-installer`, platform, name);
  const found = { ffmpeg: path('ffmpeg'), ffprobe: path('ffprobe') };
  for (const binary of Object.values(found)) chmodSync(binary, 0o755);
  return found;
}
