import { placeOf, serviceIn, siblingName } from '../../base/sibling.ts';
import type { Brought, Fleet, Profile, Release, Rollout, Service } from './types.ts';

/** A fleet of several services as one of them sees it: as if it were the only one. Without a key, or in a fleet of one: as it is. */
export function fleetOf(fleet: Fleet, key: string | null): Fleet {
  const profile = profileOf(fleet, key);
  if (profile === null) return fleet;
  const { canary } = fleet.policy;
  const regions = fleet.regions.filter(({ name }) => serviceIn(name) === profile.key);
  const policy = { ...fleet.policy, canary: canary === null ? null : siblingName(canary, profile.key) };
  const one = { ...fleet, service: profile.service, regions, policy };
  if (fleet.services?.[0] === profile) return one;
  // What the settings ask of nodes, of versions and of keys is about the first service.
  const { checks: _, compatibility: __, config, ...others } = one;
  return { ...others, ...(config === undefined ? {} : { config: { ...config, changes: [] } }) };
}

export const profileOf = ({ services }: Pick<Fleet, 'services'>, key: string | null): Profile | null =>
  services?.find((each) => each.key === key) ?? null;

/** What of the settings is run on a node, or on those of a region. */
export const serviceOf = (fleet: Pick<Fleet, 'service' | 'services'>, name: string): Service =>
  profileOf(fleet, serviceIn(name))?.service ?? fleet.service;

/** What the settings ask of every node is about the first service. */
export const isAskedChecks = (fleet: Pick<Fleet, 'services'>, node: string): boolean =>
  fleet.services === undefined || fleet.services[0]?.key === serviceIn(node);

/** What a rollout brings to a node, or to those of a region. */
export function broughtTo(
  { services, service, release }: Pick<Rollout, 'services' | 'service' | 'release'>,
  name: string,
): Brought {
  return services?.[serviceIn(name) ?? ''] ?? { service, release };
}

export const releaseOf = (rollout: Pick<Rollout, 'services' | 'service' | 'release'>, name: string): Release =>
  broughtTo(rollout, name).release;

/** A rollout as a node sees it: its own service, and its own release. */
export const asSeenBy = <R extends Pick<Rollout, 'services' | 'service' | 'release'>>(rollout: R, name: string): R =>
  rollout.services === undefined ? rollout : { ...rollout, ...broughtTo(rollout, name) };

/** All that it brings. */
export const allBrought = ({
  services,
  service,
  release,
}: Pick<Rollout, 'services' | 'service' | 'release'>): Brought[] =>
  services === undefined ? [{ service, release }] : Object.values(services);

/** What it brings, in words; of several services each by its key. */
export const versionsOf = ({ services, release }: Pick<Rollout, 'services' | 'release'>): string =>
  services === undefined
    ? release.version
    : Object.entries(services)
        .map(([key, each]) => `${key} ${each.release.version}`)
        .join(', ');

/** Nodes on the same host that serve as long as this one does. */
export const blindedBy = ({ blinds = {} }: Pick<Rollout, 'blinds'>, name: string): string[] =>
  (blinds[serviceIn(name) ?? ''] ?? []).map((key) => siblingName(placeOf(name), key));

/** Nodes on the same host without which this one does not serve. */
export const blindingOf = ({ blinds = {} }: Pick<Rollout, 'blinds'>, name: string): string[] =>
  Object.entries(blinds).flatMap(([key, blinded]) =>
    blinded.includes(serviceIn(name) ?? '') ? [siblingName(placeOf(name), key)] : [],
  );
