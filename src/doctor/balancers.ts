import type { Settings } from '../config/index.ts';
import {
  type Balancer,
  type BalancerPlace,
  type BalancerSight,
  otherThan,
  serverOf,
} from '../upgrade/balancer/index.ts';
import type { Probe } from '../upgrade/http/types.ts';
import { type Finding, note, right, wrong } from './finding.ts';

const patience = 30_000;

/** Looks at the balancers of all regions: whether they answer, have the servers of both places, and keep over a reload what they are told. */
export async function examineBalancers(
  { balancers, fleet }: Pick<Settings, 'balancers' | 'fleet'>,
  placeOf: (region: string) => BalancerPlace,
  through: Probe,
): Promise<Finding[]> {
  const { slots } = fleet.service;
  const regions = Object.entries(balancers);
  if (regions.length === 0)
    return slots === undefined
      ? []
      : [note('balancers', 'no region has a balancer that can be told anything (balancer in the settings)')];
  const signal = AbortSignal.timeout(patience);
  const found = regions.map(async ([region, balancer]): Promise<Finding[]> => {
    const subject = `${region} lb`;
    const nodes = fleet.regions.find(({ name }) => name === region)?.nodes.map(({ name }) => name) ?? [];
    const place = placeOf(region);
    const [sights, health] = await Promise.all([place.show(signal), through.health(region)]);
    const kept = await Promise.all(
      balancer.hosts.map(async (host) => keeps(balancer, await place.configuration(host, signal))),
    );
    const blue = nodes;
    const green = slots === undefined ? [] : nodes.map((name) => serverOf(slots.server, name));
    const all = [
      ...sights.flatMap((sight) =>
        troubles(sight, blue, green).map((text) => wrong(subject, `${sight.host}: ${text}`)),
      ),
      ...[...new Set(kept.flat())].map((text) => wrong(subject, text)),
      ...(health.is === 'healthy' ? [] : [wrong(subject, `${balancer.probe} (probe) says: ${health.detail}`)]),
    ];
    if (all.length > 0) return all;
    const servers = `${blue.length} servers in, ${green.length} in waiting`;
    return [right(subject, `${balancer.kind} on ${place.called}: ${servers}; ${balancer.probe} answers`)];
  });
  return (await Promise.all(found)).flat();
}

/** Green ones stand there and get nothing; nobody's check asks for what does not run. */
function troubles(sight: BalancerSight, blue: string[], green: string[]): string[] {
  if (sight.is === 'unseen') return [sight.report.reason.replace(`${sight.host}: `, '')];
  const wanted = { in: blue, out: green, rest: 'maintenance', need: 0, fromMaintenance: true, ports: {} } as const;
  const other = otherThan(sight.pool, { ...wanted, in: blue, out: green });
  const loose = sight.pool.filter(
    ({ name, gets, well }) => green.includes(name) && gets === 'nothing' && well !== 'unasked',
  );
  const unasked = sight.pool.filter(({ name, well }) => blue.includes(name) && well === 'unasked');
  return [
    ...(other === null ? [] : [other]),
    ...loose.map(({ name }) => `${name} is drained, and should stand in maintenance: write disabled at it`),
    ...(sight.kind === 'haproxy' && unasked.length > 0
      ? [`${unasked.map(({ name }) => name).join(', ')}: write check, so that HAProxy knows who is healthy`]
      : []),
  ];
}

/** What a reload keeps: HAProxy reads its file only where it is told to. */
function keeps(balancer: Balancer, lines: string[] | null): string[] {
  if (balancer.kind !== 'haproxy') return [];
  if (balancer.stateFile === null)
    return ['a reload of HAProxy forgets who is out (stateFile is null): a switch would be undone by it'];
  if (lines === null)
    return [`${balancer.config} cannot be read there, so nobody knows whether a reload keeps who is out`];
  const reads = lines.some((line) => /^load-server-state-from-file\s+(?:global|local)$/.test(line));
  const base = lines.map((line) => /^server-state-base\s+(\S+)$/.exec(line)?.[1]).find(Boolean);
  const named = lines.map((line) => /^server-state-file\s+(\S+)$/.exec(line)?.[1]).find(Boolean);
  const file =
    named === undefined || named.startsWith('/') || base === undefined ? named : `${base.replace(/\/$/, '')}/${named}`;
  if (reads && file === balancer.stateFile) return [];
  return [
    `a reload would undo a switch: write load-server-state-from-file global (defaults) and server-state-file ${balancer.stateFile} (global) into ${balancer.config}`,
  ];
}
