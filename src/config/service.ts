import type { z } from 'zod';
import type { Service } from '../upgrade/rollout/types.ts';
import type { service } from './schema.ts';

/** Fills in what follows from the name, as the guide lays out `zeitwork-operator` and its siblings. */
export function serviceFrom(written: z.output<typeof service>): Service {
  const { name } = written;
  const short = name.replace(/^zeitwork-/, '');
  return {
    name,
    unit: written.unit ?? name,
    binary: written.binary ?? `/usr/local/bin/${name}`,
    owner: written.owner,
    mode: written.mode,
    envFile: written.envFile === undefined ? `/etc/zeitwork/${short}.env` : written.envFile,
    versionArgs: written.versionArgs === undefined ? ['--version'] : written.versionArgs,
    traffic: written.traffic ?? null,
    archiveMember: written.archiveMember ?? `build/${name}`,
  };
}
