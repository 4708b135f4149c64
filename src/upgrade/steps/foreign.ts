import { createHash } from 'node:crypto';
import { short } from '../../base/hash.ts';
import type { Observation } from '../host/observation.ts';
import { failed } from '../host/reports.ts';
import { missing, type Stranger } from '../host/strangers.ts';
import type { Health } from '../http/types.ts';
import type { Baseline, Decided, Foreign, NodeRun, Pair, Report, Rollout } from '../rollout/types.ts';
import type { StepContext } from './types.ts';

const strangers = (rows: [Stranger['part'], string | null, boolean][]): Stranger[] =>
  rows.flatMap(([part, sha256, known]) => (known ? [] : [{ part, sha256: sha256 ?? missing }]));

const sameEnv = (seen: Observation, before: Pair, { service }: Rollout): boolean =>
  service.envFile === null || seen.env === before.envSha256;

/** What a rollback would destroy. A binary that is gone hides nobody's work. `put`: the environment file that this rollout put there. */
export function inTheWayOfRestore(
  seen: Observation,
  before: Pair,
  rollout: Rollout,
  put: string | null = null,
): Stranger[] {
  const known = (sha256: string | null) => [null, before.sha256, rollout.release.binarySha256].includes(sha256);
  return strangers([
    ['disk', seen.disk, known(seen.disk)],
    ['image', seen.image, known(seen.image)],
    ['env', seen.env, sameEnv(seen, before, rollout) || (put !== null && seen.env === put)],
  ]);
}

/** What a switch would replace or begin to use, although it was not there when the node was staged. */
export function inTheWayOfSwitch(
  seen: Observation,
  before: Baseline,
  rollout: Rollout,
  put: string | null,
): Stranger[] {
  const known = (sha256: string | null) => [before.sha256, rollout.release.binarySha256].includes(sha256 ?? missing);
  return strangers([
    ['disk', seen.disk, known(seen.disk)],
    ['image', seen.image, seen.image === null || known(seen.image)],
    ['env', seen.env, seen.env === null || seen.env === put || sameEnv(seen, before, rollout)],
  ]);
}

/**
 * What is not as this run recorded it, and a file on disk that is not the one that runs. The first time whatever runs is
 * recorded; the environment of a node that was switched is a matter of its rollback.
 */
export function inTheWayOfStage(seen: Observation, node: NodeRun, rollout: Rollout): Stranger[] {
  const { before } = node;
  const target = rollout.release.binarySha256;
  const running = seen.image ?? seen.disk;
  const switched = node.touched && seen.disk === target;
  return strangers([
    [
      seen.image === null ? 'disk' : 'image',
      running,
      before === null || [before.sha256, target].includes(running ?? missing),
    ],
    ['disk', seen.disk, seen.disk === running || seen.disk === target],
    ['env', seen.env, before === null || switched || seen.env === null || sameEnv(seen, before, rollout)],
  ]);
}

/** One name for all that a person decides about: the file's own hash or, of several, a hash over theirs. */
export function fingerprint(list: Stranger[]): string {
  const [only, ...others] = new Set(list.map(({ sha256 }) => sha256));
  if (only !== undefined && others.length === 0) return only;
  const lines = list.map(({ part, sha256 }) => `${part} ${sha256}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}

const isBinary = ({ part }: Stranger) => part !== 'env';

function foreignOf(list: Stranger[], version: string | null): Foreign {
  return { what: list.some(isBinary) ? 'binary' : 'environment', sha256: fingerprint(list), version };
}

/** Since when it may have happened, as the end of a sentence about each. */
export interface Since {
  binary: string;
  env: string;
}

/** What is in the way, in words. `version`: of the build that runs, when it says so. */
function inWords(list: Stranger[], version: string | null, since: Since): string {
  const of = (part: Stranger['part']) => list.find((stranger) => stranger.part === part)?.sha256;
  const [image, disk, env] = [of('image'), of('disk'), of('env')];
  const parts: string[] = [];
  if (image !== undefined) {
    parts.push(`${version ?? `another build (${short(image)})`} was installed by hand${since.binary}`);
  }
  if (disk === missing) parts.push(`somebody removed the file on disk${since.binary}`);
  else if (disk !== undefined && disk !== image) {
    parts.push(`somebody replaced the file on disk (now ${short(disk)})${since.binary}`);
  }
  if (env !== undefined) {
    parts.push(`somebody ${env === missing ? 'removed' : 'changed'} the environment file${since.env}`);
  }
  return parts.join(', and ');
}

export type Leave =
  /** To go on: `as` says how a person decided about what is in the way, null when nothing is. */
  { is: 'given'; as: Decided['as'] | null } | { is: 'reported'; report: Report };

/**
 * Whether a step may go on past what is in its way. Else the report names it: a person decides, about exactly this.
 * @param asked health as it was asked already; when absent the node is asked for the version that runs
 */
export async function leave(context: StepContext, list: Stranger[], since: Since, asked?: Health): Promise<Leave> {
  if (list.length === 0) return { is: 'given', as: null };
  const { decided } = context.node;
  if (decided !== null && decided.foreign.sha256 === fingerprint(list)) {
    if (decided.as === 'replace' || !list.some(isBinary)) return { is: 'given', as: decided.as };
    const what = inWords(list, decided.foreign.version, { binary: '', env: '' });
    return reported(`${what}; it stays, as ${decided.by} decided, and nothing was done to this node`);
  }
  const version = await versionOf(context, list, asked);
  return reported(inWords(list, version, since), foreignOf(list, version));
}

const reported = (reason: string, foreign?: Foreign): Leave => ({
  is: 'reported',
  report: failed(reason, foreign === undefined ? {} : { foreign }),
});

async function versionOf(
  { probe, node, signal }: StepContext,
  list: Stranger[],
  asked?: Health,
): Promise<string | null> {
  if (!list.some(({ part }) => part === 'image')) return null;
  const health = asked ?? (await probe.health(node.name));
  signal.throwIfAborted();
  return health.is === 'healthy' ? health.version : null;
}

/** The environment that a person decided to keep on this node; null when nobody did. */
export function keptEnvironment({ decided }: NodeRun): string | null {
  return decided?.as === 'keep' && decided.foreign.what === 'environment' ? decided.foreign.sha256 : null;
}
