import { type Answer, read } from '../upgrade/host/answer.ts';
import * as commands from '../upgrade/host/commands.ts';
import { type CloseLookParts, lookForWork, refusalIn } from '../upgrade/host/fitness.ts';
import { type Observation, readObservation } from '../upgrade/host/observation.ts';
import { readVersion } from '../upgrade/host/version.ts';
import type { Health } from '../upgrade/http/types.ts';
import { troublesIn } from '../upgrade/rollout/index.ts';
import type { FleetNode, Release } from '../upgrade/rollout/types.ts';
import type { NodeLook } from './together.ts';

export interface NodeParts extends CloseLookParts {
  /** The release that needs most room; null when none is known. */
  largest: Release | null;
}

const timeoutMs = 20_000;
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** Everything that is wrong with a node, or what it is. Changes nothing there. */
export async function examineNode({ name: node }: FleetNode, parts: NodeParts): Promise<NodeLook> {
  const { answer, health, fitness } = await lookForWork(node, parts, timeoutMs);
  const troubles = troublesIn(fitness, parts.service, parts.largest).map(({ text }) => text);
  const { helper } = fitness;
  const helperIsRight = helper === null || (helper.silent === null && helper.other.length === 0);
  const login =
    helper === null || !helperIsRight
      ? null
      : read(await parts.shell.run(node, commands.askLogin(parts.service, timeoutMs)));
  const problems = [
    ...troubles,
    ...(login === null ? [] : rootProblems(login)),
    ...(helperIsRight && answer.is !== 'ok' ? [refusalIn(answer)] : []),
    ...(helperIsRight ? healthProblems(health) : []),
  ];
  if (answer.is !== 'ok') return { node, problems, portrait: '' };
  const becomes = helper === null ? 'sudo without password' : `helper as it should be${reachOf(login)}`;
  return { node, problems, portrait: `${portrait(readObservation(answer.output), health)}, ${becomes}` };
}

function rootProblems(login: Answer): string[] {
  const more = login.is === 'ok' ? (login.output.get('root') ?? []) : [];
  return more.length === 0 ? [] : [`its login becomes root by more than the helper: ${more.join('; ')}`];
}

/** Whether the key is bound to the helper by \`authorized_keys\`, which then answers whatever is asked. */
function reachOf(login: Answer | null): string {
  if (login?.is === 'ok') return ', but its key opens a shell as well';
  return login?.is === 'refused' && login.word === 'request' ? ', its key opens nothing else' : '';
}

function healthProblems(health: Health): string[] {
  if (health.is === 'healthy') return [];
  return [`health: ${health.is === 'unhealthy' ? `answers ${health.httpStatus}, ${health.detail}` : health.detail}`];
}

function portrait(seen: Observation, health: Health): string {
  const told = readVersion(seen.version);
  const version =
    (health.is === 'healthy' ? health.version : null) ?? (told.is === 'version' ? told.version : 'version unknown');
  const free = seen.space.binary === undefined ? '' : `, ${gigabytes(seen.space.binary.freeBytes)} free`;
  return `${version}, healthy, ${seen.unit.active}/${seen.unit.sub}, ${seen.machine}${free}, host key pinned`;
}
