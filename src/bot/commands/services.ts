import { Refused } from '../../base/errors.ts';
import { serviceIn } from '../../base/sibling.ts';
import type { Fleet, Release, Rollout } from '../../upgrade/rollout/types.ts';
import { unknownName } from './common.ts';

type Several = Pick<Fleet, 'services'>;

/** What somebody named: by its key, null where none was. */
export interface Wanted {
  service: string | null;
  version: string;
}

/** Each with its key, in order of work; null as a key where the fleet has one service. @throws Refused naming what exists */
export function wantedIn({ services }: Several, wanted: readonly Wanted[]): Wanted[] {
  if (services === undefined) {
    const named = wanted.find(({ service }) => service !== null);
    if (named === undefined) return [...wanted];
    throw new Refused(`This fleet has one service: write ${named.version} alone.`);
  }
  const keys = services.map(({ key }) => key);
  const known = wanted.map(({ service, version }) => ({ service: service ?? keys[0] ?? '', version }));
  for (const { service } of known) {
    if (!keys.includes(service)) throw unknownName('service', service, keys);
    if (known.filter((each) => each.service === service).length > 1)
      throw new Refused(`${service} is named twice: it goes to one version.`);
  }
  return known.toSorted((a, b) => keys.indexOf(a.service) - keys.indexOf(b.service));
}

/** The one that a restart or a change of configuration is about; null where the fleet has one. @throws Refused where it is not named */
export function serviceNamed({ services }: Several, named: string | undefined): string | null {
  if (services === undefined) {
    if (named === undefined) return null;
    throw new Refused('This fleet has one service: leave --service out.');
  }
  const keys = services.map(({ key }) => key);
  if (named === undefined)
    throw new Refused(`Which service? Add ${keys.map((key) => `--service ${key}`).join(' or ')}.`);
  if (!keys.includes(named)) throw unknownName('service', named, keys);
  return named;
}

/** Which ones a rollout is about, as they were asked for; undefined where the fleet has one. */
export function servicesOf(
  { services }: Several,
  draft: Rollout,
): { key: string; release: Release | null }[] | undefined {
  if (services === undefined) return undefined;
  const isUpgrade = draft.change === undefined;
  const { services: brought } = draft;
  if (brought !== undefined)
    return services.flatMap(({ key }) => {
      const each = brought[key];
      return each === undefined ? [] : [{ key, release: isUpgrade ? each.release : null }];
    });
  const [node = ''] = Object.keys(draft.nodes);
  return [{ key: serviceIn(node) ?? '', release: isUpgrade ? draft.release : null }];
}
