import { Refused } from '../../base/errors.ts';
import { placeOf, serviceIn, siblingName } from '../../base/sibling.ts';
import { type Inventory, judge, judgeAgents, type Verdict } from '../compatibility/index.ts';
import type { Fleet, FleetNode, NodeRun, NodeSurvey, PlanInput, Rollout } from './types.ts';

/** The matrix says that a version does not go with what is there; each mismatch as data besides. */
export class Incompatible extends Refused {
  readonly verdict: Verdict;

  constructor(message: string, verdict: Verdict) {
    super(message);
    this.verdict = verdict;
  }
}

/** What the matrix says of bringing the release to these nodes, as they were looked at; null where there is no matrix. */
export function compatibilityOf(
  { fleet, release, survey }: Pick<PlanInput, 'fleet' | 'release' | 'survey'>,
  nodes: readonly { name: string; region: string }[],
): Verdict | null {
  if (fleet.compatibility === undefined) return null;
  const known = nodes.map(({ name, region }) => {
    const seen = survey.find(({ node }) => node === name);
    // It says of itself what it likes; which image runs is known.
    const version = seen?.sha256 === release.binarySha256 ? release.version : (seen?.version ?? null);
    return { node: name, region, version, ...(seen?.inventory === undefined ? {} : { inventory: seen.inventory }) };
  });
  return judge(fleet.compatibility, release.version, known);
}

/** The service that `agent` in the matrix speaks of, where the fleet runs one; all else of a row is about the first. */
const agents = 'agent';

/** What this very plan brings to a service before the one of `key` is begun; null where it brings it nothing by then. */
function broughtBefore({ services = [] }: Pick<PlanInput, 'services'>, key: string, other: string): string | null {
  const at = services.findIndex((each) => each.key === key);
  return services.slice(0, at).find((each) => each.key === other)?.release.version ?? null;
}

type Told = Pick<PlanInput, 'fleet' | 'services'> & { survey: NodeSurvey[] };

/** What nodes of the first service would tell of agents, from the agents that the fleet runs beside them. */
export function withAgents(input: Told, key: string, own: NodeSurvey[]): NodeSurvey[] {
  const { services = [] } = input.fleet;
  if (services[0]?.key !== key || services.every((each) => each.key !== agents)) return own;
  const planned = broughtBefore(input, key, agents);
  return own.map((seen) => {
    const name = siblingName(placeOf(seen.node), agents);
    const version = planned ?? input.survey.find(({ node }) => node === name)?.version ?? null;
    return { ...seen, inventory: { ...seen.inventory, ...agentOf(name, version) } };
  });
}

/** As a node tells of its own one. */
export const agentOf = (name: string, version: string | null): Inventory => ({
  agents: { is: 'told', what: { listed: false, groups: [{ version, count: 1, names: [name] }] } },
});

/** Why agents may not be brought to their release beside what runs there by then; empty where nothing is against it. */
export function agentsRefused(
  { fleet, survey, ...asked }: Told,
  key: string,
  release: Pick<PlanInput['release'], 'version'>,
  nodes: readonly FleetNode[],
): string[] {
  const first = firstBeside(fleet, key);
  if (first === null) return [];
  const planned = broughtBefore(asked, key, first);
  const beside = nodes.map(({ name }) => siblingName(placeOf(name), first));
  const known = beside.map((node) => ({
    node,
    version: planned ?? survey.find((each) => each.node === node)?.version ?? null,
  }));
  return judgeAgents(fleet.compatibility ?? [], release.version, known).map(({ text }) => text);
}

/** The service that the matrix is about, where `key` is that of its agents; null: nothing is asked of it. */
export function firstBeside(
  { services = [], compatibility }: Pick<Fleet, 'services' | 'compatibility'>,
  key: string,
): string | null {
  const [first] = services;
  return compatibility === undefined || first === undefined || first.key === key || key !== agents ? null : first.key;
}

/** The agent beside a node of the first service, where the fleet runs agents of its own. */
export function agentBeside({ services = [] }: Pick<Fleet, 'services'>, node: string): string | null {
  const isFirst = serviceIn(node) === services[0]?.key;
  return isFirst && services.some(({ key }) => key === agents) && serviceIn(node) !== agents
    ? siblingName(placeOf(node), agents)
    : null;
}

/** Why some of these nodes cannot be brought back, as looks saw the schema last; null where nothing says so. */
export function seenNoWayBack({ looks }: Rollout, nodes: readonly NodeRun[]): string | null {
  for (const { region, touched, before } of nodes) {
    const said = looks[region]?.compatibility;
    if (!touched || said === undefined || said.is === 'not wanted') continue;
    if (said.noWayBack?.versions.includes(before?.version ?? '')) return said.noWayBack.reason;
  }
  return null;
}
