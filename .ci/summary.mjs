// Prints the last line of .ci/run from vitest's JSON report: node summary.mjs REPORT EXIT_CODE_OF_NPM_TEST
import { readFileSync } from 'node:fs';

const [, , path, code] = process.argv;

let passed = 0;
let failed = 0;
let skipped = 0;
try {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  for (const file of report.testResults) {
    const count = (...wanted) => file.assertionResults.filter(({ status }) => wanted.includes(status)).length;
    const failures = count('failed');
    passed += count('passed');
    failed += failures;
    skipped += count('skipped', 'pending', 'todo', 'disabled');
    // A file that cannot be loaded, or whose hooks fail, has no failed test of its own.
    if (file.status === 'failed' && failures === 0) failed += 1;
  }
} catch {
  process.stderr.write('The tests were not reached: an earlier check failed (see above).\n');
}
// A failed check before the tests, or an error outside of them, counts as one failure.
if (code !== '0' && failed === 0) failed = 1;
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = failed > 0 ? 1 : 0;
