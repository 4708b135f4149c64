import { read } from '../host/answer.ts';
import { type Kept, readBackups } from '../host/backups.ts';
import * as commands from '../host/commands.ts';
import { judgeHeaders } from '../host/header.ts';
import { uploadPath } from '../host/layout.ts';
import { lookWithoutAsking, runScript } from '../host/look.ts';
import type { Observation } from '../host/observation.ts';
import { failed, linkInPlace, reportOf, succeeded } from '../host/reports.ts';
import { lackOfSpace } from '../rollout/index.ts';
import type { Pair, Report, Service } from '../rollout/types.ts';
import { fromPeer } from './peer.ts';
import type { Step, StepContext } from './types.ts';
import { upload } from './upload.ts';

/** Where a node's environment file comes from; `backup`: null when its own stays. */
interface Environment {
  sha256: string | null;
  backup: string | null;
}

/**
 * What staging is in a recovery: makes the pair ready on the node, binary from the shelf or a peer and environment file the node's own, else that of
 * a backup. Nothing that lies there is touched, and what lacks is told before anything is.
 */
export const gather: Step = async (context) => {
  const { rollout } = context;
  const { service, release } = rollout;
  const [looked, listed] = await Promise.all([
    lookWithoutAsking(context),
    runScript(context, commands.listBackups(service, rollout.policy.commandTimeout)),
  ]);
  if (looked.is !== 'seen') return reportOf(looked, 'retry');
  if (listed.is !== 'ok') return reportOf(listed, 'retry');
  const { seen } = looked;
  const unfit = seen.unit.loaded ? linkInPlace(seen, service) : `there is no unit ${service.unit} on the node`;
  if (unfit !== null) return failed(unfit);
  const { backups } = readBackups(listed.output);
  const environment = environmentFor(seen, backups, service, rollout.recovery?.envSha256);
  if (environment === null) return failed(noEnvironment(backups, service));
  const gets: Pair = { version: release.version, sha256: release.binarySha256, envSha256: environment.sha256 };
  if (isWhole(seen, gets)) return succeeded({ already: true, gets });
  return bring(context, seen, gets, environment.backup);
};

/** An old one in the place of what was proven there would be a change that nobody asked for. */
function noEnvironment(backups: Kept[], { envFile }: Service): string {
  const newest = backups.find(({ envSha256 }) => envSha256 !== null);
  const where =
    newest === undefined
      ? 'none in a backup of it'
      : `no backup of it has the one that was proven there last (the newest, ${newest.name}, has another)`;
  return `there is no whole ${envFile} on the node, and ${where}: put one there, with what is the node's own in it, and retry`;
}

/** Somebody's edit stays; what is gone, or torn, is that of the newest backup that has what was proven there, where that was recorded. */
function environmentFor(
  { env, torn }: Observation,
  backups: Kept[],
  { envFile }: Service,
  proven: string | undefined,
): Environment | null {
  if (envFile === null) return { sha256: null, backup: null };
  if (env !== null && !torn) return { sha256: env, backup: null };
  const kept = backups.find(({ envSha256 }) => (proven === undefined ? envSha256 !== null : envSha256 === proven));
  return kept === undefined ? null : { sha256: kept.envSha256, backup: kept.name };
}

const isWhole = ({ image, disk, env }: Observation, { sha256, envSha256 }: Pair): boolean =>
  image === sha256 && disk === sha256 && (envSha256 === null || env === envSha256);

async function bring(context: StepContext, seen: Observation, gets: Pair, envFrom: string | null): Promise<Report> {
  const { rollout, node, shell, attempt, signal } = context;
  const { service, release, policy } = rollout;
  const made = read(await shell.run(node.name, commands.checkGathered(service, gets, policy.commandTimeout), signal));
  signal.throwIfAborted();
  if (made.is !== 'ok') {
    const full = lackOfSpace(seen, release);
    if (full !== null) return failed(full);
    const { from } = rollout.recovery ?? {};
    const cut = await (from === undefined ? upload(context) : fromPeer(context, from));
    if (cut !== null) return cut;
  }
  const sent = made.is === 'ok' ? null : uploadPath(rollout, attempt);
  const answer = await runScript(context, commands.gather(context, gets, sent, envFrom));
  if (answer.is !== 'ok') return reportOf(answer, 'retry');
  const wrong = judgeHeaders(answer.output.get('header') ?? [], seen.machine);
  if (wrong !== null) return failed(wrong);
  return succeeded({ already: false, gets });
}
