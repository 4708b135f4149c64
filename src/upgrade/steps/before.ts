import type { Health } from '../node/types.ts';
import type { Recorded, Release, Service } from '../rollout/types.ts';
import type { Observation } from './observation.ts';
import { readVersion } from './version.ts';

/** What a node is, as far as staging is concerned. */
export type Found =
  | { is: 'already'; before: Recorded }
  | { is: 'older'; before: Recorded }
  /** It must not be worked on; `reason` in words. */
  | { is: 'unfit'; reason: string };

function versionOf(seen: Observation, health: Health): string | null {
  if (health.is === 'healthy' && health.version !== null) return health.version;
  if (seen.image !== null && seen.image !== seen.disk) return null;
  const answer = readVersion(seen.version);
  return answer.is === 'version' ? answer.version : null;
}

/** What runs is what counts; the file on disk only when nothing runs. Another file on disk is somebody's unfinished work. */
export function find(seen: Observation, health: Health, release: Release, service: Service): Found {
  const target = release.binarySha256;
  if (!seen.unit.loaded) return { is: 'unfit', reason: `there is no unit ${service.unit} on the node` };
  if (seen.unit.mainPid > 0 && seen.image === null) return { is: 'unfit', reason: 'the running image cannot be read' };
  const sha256 = seen.image ?? seen.disk;
  if (sha256 === null) return { is: 'unfit', reason: `there is no ${service.binary} on the node` };
  if (service.envFile !== null && seen.env === null) {
    return { is: 'unfit', reason: `there is no ${service.envFile} on the node` };
  }
  if (seen.disk !== sha256 && seen.disk !== target) {
    return { is: 'unfit', reason: 'someone replaced the file on disk without a restart: the service runs another one' };
  }
  const before: Recorded = {
    version: versionOf(seen, health),
    sha256,
    envSha256: seen.env,
    invocation: seen.unit.invocation,
  };
  const already = seen.image === target && seen.disk === target;
  return already ? { is: 'already', before } : { is: 'older', before };
}
