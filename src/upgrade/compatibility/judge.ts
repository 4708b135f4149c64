import { compare, valid } from 'semver';
import { agentsOf, type Found, schemaOf } from './found.ts';
import { holds, isBelow, shownFirst, shownLast, shownRange } from './range.ts';
import type { AgentGroup, NodeKnown, NoWayBack, Refusal, Row, Verdict } from './types.ts';

const unknown = 'unknown counts as no';

/** The row that speaks of a version; settings have at most one. */
export const rowFor = (rows: readonly Row[], version: string): Row | null =>
  rows.find(({ operator }) => holds(operator, version)) ?? null;

/**
 * All reasons why a version may not be brought to these nodes, by the matrix, at once; and what was found besides.
 * @param nodes those that it is to be brought to; `version` of those that have it already is the version itself
 */
export function judge(rows: readonly Row[], target: string, nodes: readonly NodeKnown[]): Verdict {
  const row = rowFor(rows, target);
  if (row === null) {
    const text = `${target} stands in no row of compatibility, and ${unknown}: add a row for it`;
    return { refusals: [{ what: 'row', about: target, text }], found: [], noReturn: null };
  }
  const running = runningIn(nodes, target);
  const agents = row.agent === null ? null : agentsOf(nodes);
  const schema = row.schema === null ? null : schemaOf(nodes);
  return {
    refusals: [
      ...hops(row, target, running),
      ...(row.agent === null ? [] : agentRefusals(row.agent, target, agents ?? [])),
      ...(row.schema === null || schema === null ? [] : schemaRefusals(rows, row, target, schema, running)),
    ],
    found: [...agentsFound(agents ?? []), ...(schema?.is === 'told' ? [`schema ${schema.what}`] : [])],
    noReturn: noReturnAfter(rows, row, target, running),
  };
}

/** A version that runs, or that nobody knows, with the nodes that run it. */
interface Running {
  version: string | null;
  nodes: string[];
}

function runningIn(nodes: readonly NodeKnown[], target: string): Running[] {
  const spelled = nodes.map(({ node, version }) => ({ node, version: version === null ? null : spell(version) }));
  const versions = [...new Set(spelled.map(({ version }) => version))].filter((each) => each !== spell(target));
  return versions.map((version) => ({
    version,
    nodes: spelled.flatMap((each) => (each.version === version ? [each.node] : [])),
  }));
}

const spell = (version: string): string | null => (valid(version) === null ? null : `v${valid(version)}`);

/** Some of them by name. */
const named = (names: readonly string[], all = names.length): string => {
  const shown = names.slice(0, 3).join(', ');
  return all > 3 ? `${shown} and ${all - 3} more` : shown;
};

const silentVersion = (nodes: string[]): string =>
  `${named(nodes)} ${nodes.length === 1 ? 'does' : 'do'} not say which version runs there, and ${unknown}: see verify, and bring it to a known version first`;

function hops({ from, operator }: Row, target: string, running: Running[]): Refusal[] {
  if (from === null) return [];
  return running.flatMap(({ version, nodes }): Refusal[] => {
    const about = version ?? 'unknown';
    if (version === null) return [{ what: 'hop', about, text: silentVersion(nodes) }];
    if (holds(from, version) || holds(operator, version)) return [];
    const text = isBelow(version, from)
      ? `${version} -> ${target} skips ${shownRange(from)}: upgrade ${named(nodes)} to ${shownLast(from)} first`
      : `${version} -> ${target} is no way that compatibility knows, only from ${shownRange(from)}: choose another version for ${named(nodes)}, or correct from in its row`;
    return [{ what: 'hop', about, text }];
  });
}

function agentRefusals(range: string, target: string, regions: Found[]): Refusal[] {
  return regions.flatMap((region) => [
    ...region.unasked.map(({ whose, reason }): Refusal => {
      const text = `${whose} could not be asked (${reason}), and ${unknown}: mend that, see inventory.agent`;
      return { what: 'agent', about: whose, text };
    }),
    ...region.groups
      .filter(({ version }) => version === null || !holds(range, version))
      .map(
        (group): Refusal => ({
          what: 'agent',
          about: `${region.region} ${group.version}`,
          text: agentText(range, target, group, region.region),
        }),
      ),
  ]);
}

/**
 * All reasons why agents may not be brought to a version, by what the services run, or will run by then, that they work with.
 * @param nodes of the service that the matrix is about
 */
export function judgeAgents(
  rows: readonly Row[],
  target: string,
  nodes: readonly Pick<NodeKnown, 'node' | 'version'>[],
): Refusal[] {
  const versions = [...new Set(nodes.map(({ version }) => version))];
  return versions.flatMap((version): Refusal[] => {
    const names = nodes.flatMap((each) => (each.version === version ? [each.node] : []));
    const about = version ?? 'unknown';
    if (version === null) return [{ what: 'running', about, text: silentVersion(names) }];
    const row = rowFor(rows, version);
    if (row === null) {
      const text = `${version}, which is on ${named(names)} by then, stands in no row of compatibility, and ${unknown}: add a row for it`;
      return [{ what: 'running', about, text }];
    }
    if (row.agent === null || holds(row.agent, target)) return [];
    const text = `${version}, which is on ${named(names)} by then, works with agents ${shownRange(row.agent)}, not with ${target}: bring both together, or choose another version`;
    return [{ what: 'agent', about: `${target} ${version}`, text }];
  });
}

function agentText(range: string, target: string, group: AgentGroup, region: string): string {
  const { version, count, names } = group;
  const one = count === 1;
  const who = names.length > 0 ? named(names, count) : one ? `an agent of ${region}` : `${count} agents of ${region}`;
  if (version === null)
    return `${who} ${one ? 'does' : 'do'} not say a version, and ${unknown}: look at ${one ? 'it' : 'them'}`;
  const runs = one ? 'runs' : 'run';
  if (isBelow(version, range))
    return `${target} needs agents from ${shownFirst(range)}; ${who} ${runs} ${version}: upgrade ${one ? 'its agent' : 'their agents'} first`;
  return `${target} works with agents up to ${shownLast(range)}; ${who} ${runs} ${version}: choose a newer release, or correct agent in its row`;
}

const isIn = ({ min, max }: { min: number; max: number }, schema: number): boolean => min <= schema && schema <= max;
const shownSchemas = ({ min, max }: { min: number; max: number }): string =>
  min === max ? `${min}` : `${min} to ${max}`;

function schemaRefusals(
  rows: readonly Row[],
  { schema: accepted, before }: Row,
  target: string,
  schema: ReturnType<typeof schemaOf>,
  running: Running[],
): Refusal[] {
  if (accepted === null) return [];
  if (schema.is === 'unknown') {
    const text = `the version of the schema could not be asked (${schema.reason}), and ${unknown}: mend that, see inventory.schema`;
    return [{ what: 'schema', about: 'unknown', text }];
  }
  const now = schema.what;
  const wanted = Math.max(now, before ?? accepted.min, accepted.min);
  const words = `${target} works with schema ${shownSchemas(accepted)}; it is ${now}`;
  const own: Refusal[] =
    now > accepted.max
      ? [
          {
            what: 'schema',
            about: target,
            text: `${words}: choose a release that works with ${now}, or correct its row`,
          },
        ]
      : wanted > now
        ? [
            {
              what: 'schema',
              about: target,
              text: `${isIn(accepted, now) ? `${target} wants schema ${wanted} before its first node; it is ${now}` : words}: migrate to ${wanted} first`,
            },
          ]
        : [];
  return [...own, ...running.flatMap((each) => mixed(rows, each, target, now, wanted))];
}

/** Until the last node is done, and after a way back, both versions run on one schema. */
function mixed(
  rows: readonly Row[],
  { version, nodes }: Running,
  target: string,
  now: number,
  wanted: number,
): Refusal[] {
  const about = version ?? 'unknown';
  if (version === null) return [{ what: 'running', about, text: silentVersion(nodes) }];
  const row = rowFor(rows, version);
  if (row === null) {
    const text = `${version}, which ${named(nodes)} ${nodes.length === 1 ? 'runs' : 'run'}, stands in no row of compatibility, and ${unknown}: add a row for it`;
    return [{ what: 'running', about, text }];
  }
  const { schema } = row;
  if (schema === null || (isIn(schema, now) && isIn(schema, wanted))) return [];
  const works = `${version}, which runs on ${named(nodes)}, works with schema ${shownSchemas(schema)}`;
  const text = isIn(schema, now)
    ? `${works}, and ${target} wants ${wanted}: they cannot run side by side, nor can anything be brought back; upgrade to a version that works with both first`
    : `${works}, and it is ${now}: nothing could be brought back to it; bring the schema back first, or correct the row of ${version}`;
  return [{ what: 'running', about, text }];
}

function agentsFound(regions: Found[]): string[] {
  const versions = regions.flatMap(({ groups }) => groups.flatMap(({ version }) => version ?? []));
  const sorted = [...new Set(versions)].sort(compare);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return [];
  const sum = (of: (each: Found) => number) => regions.reduce((all, each) => all + of(each), 0);
  const asked = `on ${sum(({ answered }) => answered)} of ${sum(({ asked: all }) => all)}`;
  return [`agents ${first === last ? first : `${first} to ${last}`} ${asked}`];
}

function noReturnAfter(rows: readonly Row[], { after }: Row, target: string, running: Running[]): string | null {
  if (after === null) return null;
  const lost = running.filter(({ version }) => version !== null && excludes(rows, version, after));
  if (lost.length === 0) return null;
  const versions = lost.map(({ version }) => version).join(', ');
  return `the migration after ${target} makes schema ${after}, which ${versions} ${lost.length === 1 ? 'does' : 'do'} not work with: from then on nothing can be brought back to ${lost.length === 1 ? 'it' : 'them'}`;
}

const excludes = (rows: readonly Row[], version: string, schema: number): boolean => {
  const accepted = rowFor(rows, version)?.schema ?? null;
  return accepted !== null && !isIn(accepted, schema);
};

/**
 * Why nothing can be brought back to one of these versions, on the schema as it is; null when the matrix does not say so. Who goes
 * back is in trouble already: only what is known keeps them from it, never what is not.
 */
export function noWayBack(
  rows: readonly Row[],
  versions: readonly string[],
  nodes: readonly Pick<NodeKnown, 'node' | 'inventory'>[],
): NoWayBack | null {
  const schema = schemaOf(nodes);
  if (schema.is === 'unknown') return null;
  const lost = [...new Set(versions)].filter((version) => excludes(rows, version, schema.what));
  if (lost.length === 0) return null;
  const works = lost.map((version) => {
    const accepted = rowFor(rows, version)?.schema;
    return `${version} works with schema ${accepted == null ? '' : shownSchemas(accepted)}`;
  });
  const reason = `${works.join(', ')}, and it is ${schema.what}: that was the point of no return; go forward with a release that works with ${schema.what}, bring the schema back first, or correct ${lost.length === 1 ? 'its row' : 'their rows'}`;
  return { versions: lost, reason };
}
