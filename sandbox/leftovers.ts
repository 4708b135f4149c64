import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface Leftovers {
  /** What must be closed at the end, last one first. */
  close(part: () => Promise<void>): void;
  remove(): Promise<void>;
}

export function leavingNothing(directory: string, isOurs: boolean): Leftovers {
  const parts: (() => Promise<void>)[] = [];
  const remove = () => {
    endBuilds(join(directory, 'state'));
    if (isOurs) rmSync(directory, { recursive: true, force: true });
  };
  // The last resort, when the process ends before it was asked to close.
  const atExit = () => {
    endRedis(join(directory, 'state'));
    remove();
  };
  process.once('exit', atExit);
  return {
    close: (part) => void parts.unshift(part),
    async remove() {
      for (const part of parts.splice(0)) await part().catch(() => undefined);
      remove();
      process.off('exit', atExit);
    },
  };
}

/** They outlive their worker, so that another one goes on with them: here there is none. */
function endBuilds(stateDir: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`ZEITWORK_BUILD=${stateDir}/`))
        process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended, or is somebody else's.
    }
  }
}

/** It has a session of its own, so nobody else ends it. Only what was really started for `stateDir` is ended. */
function endRedis(stateDir: string): void {
  try {
    const pid = Number(readFileSync(join(stateDir, 'redis', 'redis.pid'), 'utf8'));
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(stateDir)) process.kill(pid, 'SIGKILL');
  } catch {
    // It was not started, or has ended in order.
  }
}
