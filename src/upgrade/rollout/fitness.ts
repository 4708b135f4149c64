import { skewIn } from '../../base/skew.ts';
import { lackOfSpace, type Room, readOnlyPlace } from './disk-space.ts';
import type { Release, Service } from './fleet.ts';

/** What work on a node rests on, as it was found there over a fresh connection. */
export interface Fitness {
  /** null: none is used. `silent`: why it does not answer; `other`: its parts that are not what the settings make. */
  helper: { silent: string | null; other: string[] } | null;
  /** Tools that the steps call, and programs that the settings name, which are not there. */
  tools: string[];
  programs: string[];
  /** Milliseconds that its clock is ahead of the worker's, known to within `blur`; null when it did not say. */
  clock: { ahead: number; blur: number } | null;
  /** null when the node did not tell what runs there. */
  seen: Installed | null;
}

/** What runs, and what lies on disk. */
export interface Installed {
  loaded: boolean;
  /** systemd's ActiveState/SubState. */
  state: string;
  /** A process of the service runs. */
  runs: boolean;
  /** SHA-256; null when it could not be read, or is no file. */
  image: string | null;
  disk: string | null;
  env: boolean;
  /** Absent where a worker of an older version looked. */
  envSha256?: string | null;
  /** It lies there, and holds nothing or what no environment file does; absent where that is not so. */
  tornEnv?: true;
  /** Why a file cannot be replaced: a link stands in its place, in words. */
  link: string | null;
  room: Room;
}

type How = 'upgrade' | 'recovery' | 'restart' | 'config';

/** One thing that is not as it should be, in words that say where to mend it. */
export interface Trouble {
  text: string;
  /** The steps would fail, or ask somebody, at night. */
  stops: boolean;
}

const stops = (text: string): Trouble => ({ text, stops: true });
const worthKnowing = (text: string): Trouble => ({ text, stops: false });

/**
 * Everything that is wrong with a node, for the doctor and for a plan alike.
 * @param release what has to find room there; null when nothing has
 * @param how a recovery brings what lacks of the pair, and a restart brings up what lies there
 */
export function troublesIn(found: Fitness, service: Service, release: Release | null, how: How = 'upgrade'): Trouble[] {
  const helper = helperTrouble(found);
  // Nothing else can be asked of a node whose helper is missing, and little of one whose helper is another version.
  if (helper !== null) return [helper];
  return [
    ...(found.tools.length > 0 ? [stops(`install ${found.tools.join(', ')} on it`)] : []),
    ...found.programs.map((program) => stops(`there is no program ${program}: see service.traffic`)),
    ...clockTroubles(found),
    ...(found.seen === null ? [] : installedTroubles(found.seen, service, release, how)),
  ];
}

function helperTrouble({ helper }: Fitness): Trouble | null {
  if (helper === null) return null;
  if (helper.silent !== null) return stops(`its helper does not answer: ${helper.silent}`);
  if (helper.other.length === 0) return null;
  return stops(`its helper is not what these settings make: ${helper.other.join(', ')}`);
}

/** Windows are counted by other clocks than a node's. */
function clockTroubles({ clock }: Fitness): Trouble[] {
  const skew = clock === null ? null : skewIn(clock.ahead, clock.blur);
  return skew === null ? [] : [worthKnowing(`its clock is ${skew}: switch time synchronisation on there`)];
}

function installedTroubles(seen: Installed, service: Service, release: Release | null, how: How): Trouble[] {
  if (!seen.loaded) return [stops(`there is no unit ${service.unit}: see service.unit`)];
  const room = whenNot(release === null ? readOnlyPlace(seen.room) : lackOfSpace(seen.room, release));
  if (how === 'recovery') return [whenNot(seen.link), room].filter((each) => each !== null);
  const found: (Trouble | null)[] = [
    seen.state.startsWith('active/') ? null : worthKnowing(`the unit is ${seen.state}`),
    ...pairTroubles(seen, service, how),
    room,
  ];
  return found.filter((each) => each !== null);
}

/** Binary and environment file, each a file that can be read, and what runs. */
function pairTroubles({ runs, image, disk, env, link }: Installed, service: Service, how: How): (Trouble | null)[] {
  if (link !== null) return [stops(link)];
  const noEnvironment = service.envFile !== null && !env;
  return [
    disk === null ? stops(`there is no ${service.binary}: see service.binary`) : null,
    noEnvironment ? stops(`there is no ${service.envFile}: see service.envFile`) : null,
    runs && image === null ? stops('the running image cannot be read') : null,
    disk !== null && image !== null && disk !== image ? otherDisk(service, how) : null,
  ];
}

const otherDisk = (service: Service, how: How): Trouble =>
  how === 'restart' || how === 'config'
    ? stops(`a restart would bring up another binary than the one that runs: put back what runs, or start an upgrade`)
    : worthKnowing(replaced(service));

const replaced = ({ binary, unit }: Service): string =>
  `${binary} was replaced without a restart of ${unit}, and staging asks what becomes of it: put it back, or restart`;

const whenNot = (reason: string | null): Trouble | null => (reason === null ? null : stops(reason));
