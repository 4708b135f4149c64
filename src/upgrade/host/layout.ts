import type { Pair, Release, Rollout, Service } from '../rollout/types.ts';
import { checked } from './arguments.ts';

/** Where things lie on a node. The guide's own paths stay as they are; ours carry version and hash in their names. */
const root = '/var/lib/zeitwork-upgrades';

/** Everything that is kept of a unit: sibling services on the same node have folders, locks and numbers of their own. */
export function stateFolder({ unit }: Service): string {
  return `${root}/${checked('unit', unit).replace(/\.service$/, '')}`;
}

const short = (sha256: string, length: number) => checked('sha256', sha256).slice(0, length);

/** A version as part of a file name. */
export function fileName(version: string | null): string {
  const clean = (version ?? 'unknown').replace(/[^A-Za-z0-9._+-]/g, '_').slice(0, 60);
  return /^[A-Za-z0-9]/.test(clean) ? clean : `x${clean}`;
}

/** Beside the installed binary, so that the switch is one rename within a directory. */
export function stagedPath(service: Service, release: Release): string {
  const name = `${fileName(release.version)}-${short(release.binarySha256, 12)}`;
  return `${checked('path', service.binary)}.${name}.staged`;
}

/** One directory per binary and environment file, so that a backup never has to be overwritten. */
export const backupPath = (service: Service, before: Pair): string =>
  `${stateFolder(service)}/backups/${pairName(before)}`;

/** What a recovery gathers until it is put in place: never among the backups, of which the newest is what a node goes back to. */
export const recoveredPath = (service: Service, gets: Pair): string =>
  `${stateFolder(service)}/recovered/${pairName(gets)}`;

function pairName({ version, sha256, envSha256 }: Pair): string {
  const env = envSha256 === null ? 'noenv' : short(envSha256, 8);
  return `${fileName(version)}-${short(sha256, 12)}-${env}`;
}

/** Relative to the login directory; private to one rollout, and there to one service. */
export function uploadFolder({ id, services, service }: Rollout): string {
  const name = services === undefined ? id : `${id}-${service.name}`;
  return `.zeitwork-upgrades/${checked('word', name)}`;
}

/** A name of its own for each try, so that a late writer of an earlier one cannot spoil it. */
export function uploadPath(rollout: Rollout, attempt: number): string {
  return `${uploadFolder(rollout)}/${rollout.run}.${attempt}-${checked('word', rollout.release.archive)}`;
}

/** The same for a file of a change of configuration. */
export function environmentUpload(rollout: Rollout, attempt: number, what: 'after' | 'compare'): string {
  return `${uploadFolder(rollout)}/${rollout.run}.${attempt}-environment-${what}`;
}
