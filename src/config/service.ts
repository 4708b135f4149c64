import type { z } from 'zod';
import type { Service, Slots } from '../upgrade/rollout/types.ts';
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
    ...(written.slots ? { slots: slotsFrom(written.slots, name) } : {}),
  };
}

function slotsFrom(written: NonNullable<z.output<typeof service>['slots']>, name: string): Slots {
  const { port, set, server, warm } = written;
  const short = name.replace(/^zeitwork-/, '');
  return {
    ...{ port, set, server, warm },
    unit: written.unit ?? `${name}-green`,
    binary: written.binary ?? `/usr/local/bin/${name}-green`,
    envFile: written.envFile ?? `/etc/zeitwork/${short}-green.env`,
  };
}
