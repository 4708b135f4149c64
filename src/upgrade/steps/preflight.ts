import { type Observation, versionOf } from '../host/observation.ts';
import { linkInPlace } from '../host/reports.ts';
import type { Health } from '../http/types.ts';
import type { Baseline, Release, Service } from '../rollout/types.ts';

/** What a node is, as far as staging is concerned. */
export type Assessment =
  | { is: 'already'; before: Baseline }
  | { is: 'older'; before: Baseline }
  /** It must not be worked on; `reason` in words. */
  | { is: 'unfit'; reason: string };

/** Why nothing can be done to this node as it stands; null when something can. */
function unfit(seen: Observation, service: Service): string | null {
  const { unit, binary, envFile } = service;
  if (!seen.unit.loaded) return `there is no unit ${unit} on the node`;
  const link = linkInPlace(seen, service);
  if (link !== null) return link;
  if (seen.unit.mainPid > 0 && seen.image === null) return 'the running image cannot be read';
  if (seen.image === null && seen.disk === null) return `there is no ${binary} on the node`;
  if (envFile !== null && seen.env === null) return `there is no ${envFile} on the node`;
  return null;
}

/** What runs is what counts; the file on disk only when nothing runs. */
export function assess(seen: Observation, health: Health, release: Release, service: Service): Assessment {
  const reason = unfit(seen, service);
  const sha256 = seen.image ?? seen.disk;
  if (reason !== null || sha256 === null) return { is: 'unfit', reason: reason ?? `there is no ${service.binary}` };
  const { env, unit, image, disk } = seen;
  const before: Baseline = { version: versionOf(seen, health), sha256, envSha256: env, invocation: unit.invocation };
  const already = image === release.binarySha256 && disk === release.binarySha256;
  return already ? { is: 'already', before } : { is: 'older', before };
}
