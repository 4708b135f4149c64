import type { Clock } from '../../base/clock.ts';
import { redact } from '../../base/redact.ts';
import type { Health, Probe } from '../http/types.ts';
import type { NodeSurvey, Service } from '../rollout/types.ts';
import type { Command, Shell } from '../ssh/types.ts';
import { type Answer, last, read } from './answer.ts';
import { readBackups } from './backups.ts';
import * as commands from './commands.ts';
import { type CloseLookParts, lookForWork } from './fitness.ts';
import { readObservation, versionOf } from './observation.ts';
import { reportOf } from './reports.ts';

/**
 * What is true on a node right now, over SSH and HTTP at once. Never fails: what could not be seen is in `detail`.
 * `timeoutMs` is for the command on the node.
 */
export async function surveyNode(
  node: string,
  region: string,
  service: Service,
  shell: Shell,
  probe: Probe,
  clock: Clock,
  timeoutMs = 20_000,
  signal?: AbortSignal,
): Promise<NodeSurvey> {
  const command = (ask: boolean) =>
    ask ? commands.observe(service, timeoutMs, undefined, true) : commands.glance(service, timeoutMs);
  const run = async (ask: boolean) => read(await shell.run(node, command(ask), signal));
  const [first, health] = await Promise.all([run(false), probe.health(node)]);
  const silent = health.is !== 'healthy' || health.version === null;
  const answer = silent && first.is === 'ok' && service.versionArgs !== null ? await run(true) : first;
  return { node, region, ...summarise(answer, health, service), at: clock.now() };
}

/** The same, and what lies there: what the ledger can be made anew from. */
export async function surveyWhole(...parts: Parameters<typeof surveyNode>): Promise<NodeSurvey> {
  const [node, , service, shell, , , timeoutMs = 20_000, signal] = parts;
  const run = async (command: Command) => read(await shell.run(node, command, signal));
  const seen = await surveyNode(...parts);
  const listed = await run(commands.listBackups(service, timeoutMs));
  const looked = await run(commands.glance(service, timeoutMs));
  if (listed.is !== 'ok' || looked.is !== 'ok') return seen;
  const { image, disk, env, unit, links } = readObservation(looked.output);
  // Somebody is at it: what lies there belongs to something else than what was seen to run.
  if (image !== seen.sha256) return seen;
  const backups = readBackups(listed.output).backups.map(({ back: _, ...kept }) => kept);
  const starts = pathIn(last(listed.output, 'starts'));
  const odd = {
    ...(unit.loaded ? {} : { noUnit: true as const }),
    ...(links.env === null ? {} : { envLink: true as const }),
    ...(starts === null ? {} : { starts }),
  };
  return { ...seen, lies: { disk, envSha256: env, ...odd, backups } };
}

/** What a host calls a path is none when nobody would write one so. */
const pathIn = (told: string | null): string | null => (told !== null && /^\/\S{1,200}$/.test(told) ? told : null);

/** The same, and all that work on the node rests on. Never fails either. */
export async function surveyForWork(
  node: string,
  region: string,
  parts: CloseLookParts,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<NodeSurvey> {
  const { answer, health, fitness } = await lookForWork(node, parts, timeoutMs, signal);
  return { node, region, ...summarise(answer, health, parts.service), at: parts.now(), fitness };
}

type Summary = Omit<NodeSurvey, 'node' | 'region' | 'at'>;

/** Puts both answers together. A node that SSH cannot reach has no hash, whatever health says. */
export function summarise(answer: Answer, health: Health, service: Service): Summary {
  const healthy = health.is === 'healthy';
  const heard = healthy ? 'healthy' : health.detail;
  if (answer.is !== 'ok') {
    const report = reportOf(answer, 'unknown');
    const why = report.is === 'succeeded' ? '' : report.reason;
    return {
      version: healthy ? health.version : null,
      sha256: null,
      healthy,
      detail: `ssh: ${why}; health: ${redact(heard)}`,
      unit: null,
    };
  }
  const seen = readObservation(answer.output);
  return {
    version: versionOf(seen, health),
    sha256: seen.image,
    healthy,
    detail: redact(seen.unit.loaded ? heard : `there is no unit ${service.unit}`),
    unit: `${seen.unit.active}/${seen.unit.sub}`,
    ...(seen.held === null ? {} : { held: seen.held }),
  };
}
