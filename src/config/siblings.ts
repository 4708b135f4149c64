import { siblingName } from '../base/sibling.ts';
import type { Profile, Region, Service } from '../upgrade/rollout/types.ts';
import type { Path, Problem } from './problems.ts';
import type { WrittenSibling } from './schema.ts';
import { serviceFrom } from './service.ts';

/** Several services on the same nodes: what may be written, and what becomes of it. */

type Written = Record<string, WrittenSibling>;
/** As far as it can be read: null for what is wrong by itself, and was told already. */
type Sketched = Record<string, WrittenSibling | null>;

/** In order of work: after all that it is written to come after, and after what blinds it; else as written. Null: they wait for each other. */
export function inOrder(services: Sketched): string[] | null {
  const keys = Object.keys(services);
  const before = (key: string): string[] => [
    ...(services[key]?.after ?? []),
    ...keys.filter((other) => services[other]?.blinds.includes(key)),
  ];
  const done: string[] = [];
  while (done.length < keys.length) {
    const next = keys.find((key) => !done.includes(key) && before(key).every((each) => done.includes(each)));
    if (next === undefined) return null;
    done.push(next);
  }
  return done;
}

export function profilesFrom(services: Written): Profile[] {
  return (inOrder(services) ?? []).flatMap((key): Profile[] => {
    const written = services[key];
    if (written === undefined) return [];
    return [
      { key, service: { ...serviceFrom(written), traffic: trafficOf(services, written) }, blinds: written.blinds },
    ];
  });
}

/** Whoever blinds another one takes that out of service first, by its commands where it has none of its own. */
const trafficOf = (services: Written, { traffic, blinds }: WrittenSibling): Service['traffic'] =>
  traffic ?? blinds.flatMap((key) => services[key]?.traffic ?? [])[0] ?? null;

/** Of one service after another. */
export const regionsOf = (profiles: readonly Profile[], places: readonly Region[]): Region[] =>
  profiles.flatMap(({ key }) =>
    places.map((place) => {
      const region = siblingName(place.name, key);
      return {
        ...place,
        name: region,
        nodes: place.nodes.map(({ name }) => ({ name: siblingName(name, key), region })),
      };
    }),
  );

/** The same for what is known by the name of a node. */
export const byNode = <T>(
  profiles: readonly Profile[],
  of: (host: string, key: string, name: string) => T,
  hosts: readonly string[],
) =>
  Object.fromEntries(
    profiles.flatMap(({ key }) =>
      hosts.map((host): [string, T] => {
        const name = siblingName(host, key);
        return [name, of(host, key, name)];
      }),
    ),
  );

/** What is wrong between services that are right one by one. */
export function siblingProblems(services: Sketched, url: unknown): Problem[] {
  const keys = Object.keys(services);
  const all = Object.entries(services).flatMap(([key, written]) => (written === null ? [] : [{ key, written }]));
  const named = all.flatMap(({ key, written }) =>
    (['after', 'blinds'] as const).flatMap((what) => written[what].map((other, at) => ({ key, what, other, at }))),
  );
  const wrong = named.flatMap(({ key, what, other, at }): Problem[] => {
    const path: Path = ['services', key, what, at];
    if (other === key) return [{ path, message: 'is this service itself; take it out' }];
    return keys.includes(other) ? [] : [{ path, message: `"${other}" is no service; write ${keys.join(' or ')}` }];
  });
  const circle: Problem[] =
    wrong.length === 0 && inOrder(services) === null
      ? [
          {
            path: ['services'],
            message: 'wait for each other; a service comes after those under after, and after those that blind it',
          },
        ]
      : [];
  const one: Problem[] = keys.length === 0 ? [{ path: ['services'], message: 'is empty; write service for one' }] : [];
  const shared: Problem[] =
    keys.length > 1 && typeof url === 'string' && !url.includes('{service}')
      ? [
          {
            path: ['releases', 'url'],
            message: 'has no {service} in it, and there are several; write where each of them is found',
          },
        ]
      : [];
  return [...wrong, ...circle, ...one, ...shared, ...twice(all), ...undrained(services, all)];
}

type Known = { key: string; written: WrittenSibling }[];

/** Each has files and a unit of its own. */
function twice(all: Known): Problem[] {
  const full = all.map(({ key, written }) => ({ key, service: serviceFrom(written) }));
  return (['name', 'unit', 'binary', 'envFile'] as const).flatMap((what) =>
    full.flatMap(({ key, service }, at): Problem[] => {
      const other = full.slice(0, at).find((each) => service[what] !== null && each.service[what] === service[what]);
      const message = `"${service[what]}" is that of ${other?.key}, too; each service has its own`;
      return other === undefined ? [] : [{ path: ['services', key, what], message }];
    }),
  );
}

function undrained(services: Sketched, all: Known): Problem[] {
  return all.flatMap(({ key, written }): Problem[] => {
    const { blinds, traffic } = written;
    const able = blinds.filter((other) => services[other]?.traffic != null);
    if (blinds.length === 0 || traffic != null || able.length === 1) return [];
    const message =
      able.length === 0
        ? `nothing takes ${blinds.join(', ')} out of service before this one is stopped; write traffic there, or here`
        : `${able.join(' and ')} have traffic, and one pair of commands is run; write traffic here, for all of them`;
    return [{ path: ['services', key, 'blinds'], message }];
  });
}
