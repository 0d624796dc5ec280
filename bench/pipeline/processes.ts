import { readdirSync, readFileSync } from 'node:fs';

/** Direct children of a process, from /proc. */
export function childrenOf(parent: number): number[] {
  return processIds().filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    } catch {
      // Ended meanwhile.
      return false;
    }
  });
}

/** Living processes that belong to a home, by their environment or command line, with that command line. */
export function processesOf(home: string): { readonly pid: number; readonly command: string }[] {
  return processIds()
    .filter((pid) => pid !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        const isOurs = command !== '' && (command.includes(home) || environment.includes(home));
        return isOurs ? [{ pid, command }] : [];
      } catch {
        // Ended meanwhile, or another user's.
        return [];
      }
    });
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
