import type { Health, Probe } from '../http/types.ts';
import type { Fitness, Service } from '../rollout/types.ts';
import type { Command, Shell } from '../ssh/types.ts';
import { type Answer, last, type Output, read } from './answer.ts';
import * as commands from './commands.ts';
import { type Observation, readObservation } from './observation.ts';
import { linkInPlace } from './reports.ts';

export interface CloseLookParts {
  service: Service;
  shell: Shell;
  probe: Probe;
  /** Epoch ms. */
  now(): number;
  /** What the helper of a node should be, as SHA-256 by part; null where sudo runs any command. */
  helper(node: string): Record<string, string> | null;
}

export interface CloseLook {
  /** Of `observe`, or why the node could not be asked that. */
  answer: Answer;
  health: Health;
  fitness: Fitness;
}

/** Everything that work on a node rests on. Changes nothing there, and never throws for a host's fault. */
export async function lookForWork(
  node: string,
  { service, shell, probe, now, helper }: CloseLookParts,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<CloseLook> {
  const run = async (command: Command) => read(await shell.run(node, command, signal));
  const wanted = helper(node);
  const asked = probe.health(node);
  const fresh = (command: Command) => run({ ...command, fresh: true });
  const about = wanted === null ? null : await fresh(commands.aboutHelper(service, timeoutMs));
  const observe = commands.observe(service, timeoutMs);
  const first = about === null ? await fresh(observe) : isAway(about) ? about : await run(observe);
  const health = await asked;
  const known = { helper: wanted === null || about === null ? null : helperIn(about, wanted) };
  if (isAway(first)) {
    return { answer: first, health, fitness: { ...nothingFound, ...known } };
  }
  // By now the connection stands, so that the clock is read between two instants that are near.
  const from = now();
  const around = await run(commands.lookAround(service, node, timeoutMs));
  const to = now();
  const answer = asksVersion(first, health, service)
    ? await run(commands.observe(service, timeoutMs, undefined, true))
    : first;
  const installed = answer.is === 'ok' ? answer : first;
  return {
    answer: around.is === 'ok' ? answer : worse(answer, around),
    health,
    fitness: {
      ...known,
      tools: [...toolsMissing(about), ...toolsMissing(around)],
      programs: outputOf(around).get('lacking') ?? [],
      clock: clockIn(outputOf(around), from, to),
      seen: installed.is === 'ok' ? installedIn(readObservation(installed.output), service) : null,
    },
  };
}

const isAway = (answer: Answer): answer is Extract<Answer, { is: 'unreachable' | 'lost' }> =>
  answer.is === 'unreachable' || answer.is === 'lost';

const nothingFound: Fitness = { helper: null, tools: [], programs: [], clock: null, seen: null };

/** Some builds start a second service when they are asked for their version: only where nothing else tells it. */
const asksVersion = (first: Answer, health: Health, { versionArgs }: Service): boolean =>
  first.is === 'ok' && versionArgs !== null && (health.is !== 'healthy' || health.version === null);

const outputOf = (answer: Answer): Output => ('output' in answer ? answer.output : new Map());
const toolsMissing = (answer: Answer | null): string[] =>
  answer === null ? [] : (outputOf(answer).get('missing') ?? []);

/** What could not be asked of the node counts, whichever question it was. */
const worse = (answer: Answer, around: Answer): Answer => (answer.is === 'ok' ? around : answer);

function helperIn(about: Answer, wanted: Record<string, string>): Fitness['helper'] {
  if (isAway(about)) return null;
  if (about.is !== 'ok') return { silent: refusalIn(about), other: [] };
  if (toolsMissing(about).length > 0) return null;
  return { silent: null, other: Object.keys(wanted).filter((part) => last(about.output, part) !== wanted[part]) };
}

/** Why an answer is none, in words. */
export function refusalIn(answer: Exclude<Answer, { is: 'ok' }>): string {
  return answer.is === 'refused' ? `${answer.word} ${answer.detail}` : answer.reason;
}

/** The node read its clock somewhere between the two instants. */
function clockIn(output: Output, from: number, to: number): Fitness['clock'] {
  const theirs = Number(last(output, 'clock') ?? Number.NaN) * 1_000;
  return Number.isFinite(theirs) ? { ahead: theirs - (from + to) / 2, blur: (to - from) / 2 } : null;
}

function installedIn(seen: Observation, service: Service): Fitness['seen'] {
  const { unit, image, disk, env, torn, space, writable } = seen;
  return {
    loaded: unit.loaded,
    state: `${unit.active}/${unit.sub}`,
    runs: unit.mainPid > 0,
    image,
    disk,
    env: env !== null,
    envSha256: env,
    ...(torn ? { tornEnv: true as const } : {}),
    link: linkInPlace(seen, service),
    room: { space, writable },
  };
}
