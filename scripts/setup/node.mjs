import { SetupError } from './error.mjs';

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 11)) {
    throw new SetupError(`this is Node ${process.versions.node}; Hindsight needs 20.11 or newer`, {
      fix: 'install Node 20 or 22 and run this again.',
    });
  }
  return { value: undefined, summary: process.versions.node };
}
