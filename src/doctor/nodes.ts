import { type Answer, last, type Output, read } from '../upgrade/host/answer.ts';
import { aboutHelper, lookAround, observe } from '../upgrade/host/commands.ts';
import { lackOfSpace, readOnlyPlace } from '../upgrade/host/disk-space.ts';
import { type Observation, readObservation } from '../upgrade/host/observation.ts';
import { readVersion } from '../upgrade/host/version.ts';
import type { Health, Probe } from '../upgrade/http/types.ts';
import type { FleetNode, Release, Service } from '../upgrade/rollout/types.ts';
import type { Shell } from '../upgrade/ssh/types.ts';
import { skewIn } from './clock.ts';
import type { NodeLook } from './together.ts';

export interface NodeParts {
  service: Service;
  shell: Shell;
  probe: Probe;
  /** Epoch ms. */
  now(): number;
  /** What the helper of a node should be, as SHA-256 by part; null where sudo runs any command. */
  helper(node: string): Record<string, string> | null;
  /** The release that needs most room; null when none is known. */
  largest: Release | null;
}

const timeoutMs = 20_000;
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** Everything that is wrong with a node, or what it is. Changes nothing there. */
export async function examineNode({ name: node }: FleetNode, parts: NodeParts): Promise<NodeLook> {
  const { service, shell, probe } = parts;
  const helper = await helperProblem(node, parts);
  if (helper !== null) return { node, problems: [helper], portrait: '' };
  const [around, health] = await Promise.all([
    timed(() => shell.run(node, lookAround(service, node, timeoutMs)), parts.now),
    probe.health(node),
  ]);
  const wrong = (...problems: string[]): NodeLook => ({ node, problems: problems.filter(Boolean), portrait: '' });
  const tools = read(around.result);
  if (tools.is !== 'ok') return wrong(refusalIn(tools), healthProblem(health));
  // Some builds start a second service when they are asked for their version: only where nothing else tells it.
  const ask = service.versionArgs !== null && (health.is !== 'healthy' || health.version === null);
  const observed = read(await shell.run(node, observe(service, timeoutMs, undefined, ask)));
  const problems = [...toolProblems(tools.output), ...clockProblems(tools.output, around)];
  if (observed.is !== 'ok') return wrong(...problems, refusalIn(observed), healthProblem(health));
  const facts = readObservation(observed.output);
  const look = wrong(...problems, ...unitProblems(facts, parts), healthProblem(health));
  const becomes = parts.helper(node) === null ? 'sudo without password' : 'helper as it should be';
  return { ...look, portrait: `${portrait(facts, health)}, ${becomes}` };
}

/** Nothing else can be asked of a node whose helper is missing, and little of one whose helper is another version. */
async function helperProblem(node: string, { service, shell, helper }: NodeParts): Promise<string | null> {
  const wanted = helper(node);
  if (wanted === null) return null;
  const answer = read(await shell.run(node, aboutHelper(service, timeoutMs)));
  if (answer.is === 'unreachable' || answer.is === 'lost') return answer.reason;
  if (answer.is !== 'ok') return `its helper does not answer: ${refusalIn(answer)}`;
  const missing = answer.output.get('missing') ?? [];
  if (missing.length > 0) return `install ${missing.join(', ')} on it`;
  const other = Object.keys(wanted).filter((part) => last(answer.output, part) !== wanted[part]);
  return other.length === 0 ? null : `its helper is not what these settings make: ${other.join(', ')}`;
}

async function timed<T>(work: () => Promise<T>, now: () => number) {
  const from = now();
  const result = await work();
  return { result, from, to: now() };
}

function refusalIn(answer: Exclude<Answer, { is: 'ok' }>): string {
  return answer.is === 'refused' ? `${answer.word} ${answer.detail}` : answer.reason;
}

function healthProblem(health: Health): string {
  if (health.is === 'healthy') return '';
  return `health: ${health.is === 'unhealthy' ? `answers ${health.httpStatus}, ${health.detail}` : health.detail}`;
}

const toolProblems = (output: Output): string[] => [
  ...(output.has('missing') ? [`install ${(output.get('missing') ?? []).join(', ')} on it`] : []),
  ...(output.get('lacking') ?? []).map((program) => `there is no program ${program}: see service.traffic`),
];

/** The node read its clock somewhere between the two instants. */
function clockProblems(output: Output, { from, to }: { from: number; to: number }): string[] {
  const theirs = Number(last(output, 'clock')) * 1_000;
  const skew = Number.isFinite(theirs) ? skewIn(theirs - (from + to) / 2, (to - from) / 2) : null;
  return skew === null ? [] : [`its clock is ${skew}: switch time synchronisation on there`];
}

function unitProblems(seen: Observation, { service, largest }: NodeParts): string[] {
  const { unit, disk, env } = seen;
  if (!unit.loaded) return [`there is no unit ${service.unit}: see service.unit`];
  const diskSpace = largest === null ? readOnlyPlace(seen) : lackOfSpace(seen, largest);
  return [
    unit.active === 'active' ? '' : `the unit is ${unit.active}/${unit.sub}`,
    disk === null ? `there is no ${service.binary}: see service.binary` : '',
    service.envFile !== null && env === null ? `there is no ${service.envFile}: see service.envFile` : '',
    diskSpace ?? '',
  ];
}

function portrait(seen: Observation, health: Health): string {
  const told = readVersion(seen.version);
  const version =
    (health.is === 'healthy' ? health.version : null) ?? (told.is === 'version' ? told.version : 'version unknown');
  const free = seen.space.binary === undefined ? '' : `, ${gigabytes(seen.space.binary.freeBytes)} free`;
  return `${version}, healthy, ${seen.unit.active}/${seen.unit.sub}, ${seen.machine}${free}, host key pinned`;
}
