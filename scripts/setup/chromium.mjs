import { aptInstall, canApt } from './apt.mjs';
import { which } from './process.mjs';
import { warn } from './report.mjs';

const find = () => which('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable');

/** Path of a Chromium for the browser tests, or null when there is none; then those tests are skipped. */
export async function ensureChromium(note) {
  let path = find();
  if (path === null && canApt) {
    try {
      await aptInstall(['chromium'], note);
      path = find();
    } catch (error) {
      warn(`Chromium: ${error.message}. ${error.fix}`);
    }
  }
  if (path === null) warn('no Chromium or Chrome on PATH: the browser tests will be skipped.');
  return path === null ? null : { value: path, summary: path };
}
