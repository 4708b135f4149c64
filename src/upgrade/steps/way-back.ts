import { read } from '../host/answer.ts';
import * as commands from '../host/commands.ts';
import { type Observation, readObservation } from '../host/observation.ts';
import { missing } from '../host/strangers.ts';
import type { BackQuestion, BackSeen, Service } from '../rollout/types.ts';
import type { Shell } from '../ssh/types.ts';

/**
 * Whether a node could be brought back now, as far as the node itself can tell: its backup is whole, and nothing stands there that a
 * rollback would stop at. Changes nothing there, and never throws for a host's fault.
 */
export async function seeWayBack(
  node: string,
  question: BackQuestion,
  service: Service,
  shell: Shell,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<BackSeen> {
  const run = async (command: Parameters<Shell['run']>[1]) => read(await shell.run(node, command, signal));
  const [looked, backup] = await Promise.all([
    run(commands.glance(service, timeoutMs)),
    run(commands.checkBackup(service, question.before, timeoutMs)),
  ]);
  if (backup.is === 'refused' && (backup.word === 'no-backup' || backup.word === 'damaged')) return 'no backup';
  if (looked.is !== 'ok' || backup.is !== 'ok') return 'unseen';
  return judged(readObservation(looked.output), question, service);
}

/** By what `restore` stops at: see `inTheWayOfRestore`. */
function judged(
  { disk, image, env }: Observation,
  { before, release, kept, put }: BackQuestion,
  service: Service,
): BackSeen {
  const isOurs = (sha256: string | null) => [null, before.sha256, release].includes(sha256);
  if (!isOurs(disk) || !isOurs(image)) return 'other binary';
  const isSame = service.envFile === null || env === before.envSha256 || (env ?? missing) === kept || env === put;
  return isSame ? 'ready' : 'other environment';
}
