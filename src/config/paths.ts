import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';

/** Makes written paths absolute: `~` is the home directory, relative ones count from a file's folder. */
export type Absolute = (written: string) => string;

export function pathsFrom(file: string, env: NodeJS.ProcessEnv): Absolute {
  const home = env.HOME || homedir();
  const folder = dirname(resolve(file));
  return (written) => (/^~(\/|$)/.test(written) ? resolve(home, `.${written.slice(1)}`) : resolve(folder, written));
}
