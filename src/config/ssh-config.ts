import { readFileSync } from 'node:fs';
import SshConfig from 'ssh-config';
import { type Absolute, pathsFrom } from './paths.ts';

/** What an OpenSSH client configuration says about one host; undefined where it is silent. */
export interface SshEntry {
  hostName: string | undefined;
  user: string | undefined;
  port: number | undefined;
  key: string | undefined;
  knownHosts: string | undefined;
  /** As written: `user@host:port`, several with commas, or `none`. */
  proxyJump: string | undefined;
}

export type SshLookup = (host: string) => SshEntry;

/** @throws Error in words when the file cannot be read or uses `Include`, which would be ignored in silence. */
export function readSshConfig(file: string, env: NodeJS.ProcessEnv): SshLookup {
  const config = SshConfig.parse(readFileSync(file, 'utf8'));
  const included = config.some((line) => 'param' in line && line.param.toLowerCase() === 'include');
  if (included) throw new Error(`${file} uses Include, which is not followed; name the included file itself`);
  const absolute = pathsFrom(file, env);
  // Match exec would run a program of the file's choice.
  return (host) => entryFrom(config.compute(host, { ignoreCase: true, matchExec: false }), absolute);
}

function entryFrom(found: Record<string, string | string[]>, absolute: Absolute): SshEntry {
  const first = (key: string) => [found[key]].flat()[0];
  const file = (key: string) => {
    const written = first(key);
    return written === undefined ? undefined : absolute(written);
  };
  const port = Number(first('port'));
  return {
    hostName: first('hostname'),
    user: first('user'),
    port: Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined,
    key: file('identityfile'),
    knownHosts: file('userknownhostsfile'),
    proxyJump: first('proxyjump'),
  };
}
