import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { minute } from '../../src/base/duration.ts';
import {
  type Building,
  type BuildPlace,
  type BuildShelf,
  createBuildPlace,
  createBuildShelf,
} from '../../src/building/index.ts';
import type { LedgerStore } from '../../src/jobs/types.ts';
import { here, type Machine } from '../../src/running/index.ts';
import { openKey, type Signer } from '../../src/trust/index.ts';
import { binary, type SourceRepository, sourceRepository } from './source.ts';

export const service = { name: 'zeitwork-operator', archiveMember: binary };

/** A repository, a shelf, and this machine that builds, in a folder of their own. */
export interface BuildingWorld {
  fleet: string;
  source: SourceRepository;
  folder: string;
  /** Where the machine keeps what it needs. */
  own: string;
  shelf: string;
  building: Building;
  signers: Signer[];
  /** `root`: where another machine keeps what root needs. */
  place(machine?: Machine, folders?: { login: string; root: string }): BuildPlace;
  finished(): Promise<BuildShelf>;
  /** Processes that builds of this fleet started, and that are there still. */
  left(): string[];
}

let worlds = 0;

export async function buildingWorld(
  dir: string,
  how: Partial<Building> = {},
  logMost?: number,
): Promise<BuildingWorld> {
  worlds += 1;
  const folder = join(dir, String(worlds));
  const source = sourceRepository(folder);
  const [own, shelf] = [join(folder, 'own'), join(folder, 'shelf')];
  mkdirSync(shelf);
  const fleet = `trial-${process.pid}-${worlds}`;
  const building: Building = {
    ...{ host: null, repository: source.url, command: ['make', 'build'], network: true, signedBy: null },
    ...{ limit: minute, memory: 2 * 1024 ** 3, ...how },
  };
  const key = await openKey(join(folder, 'release.key'));
  const signers = [{ name: 'build', keys: [key.public] }];
  return {
    ...{ fleet, source, folder, own, shelf, building, signers },
    place: (machine = here, folders = { login: own, root: own }) =>
      createBuildPlace({
        ...{ fleet, build: building, machine, folders },
        ...{ member: binary, versionArgs: ['--version'], ...(logMost === undefined ? {} : { logMost }) },
      }),
    finished: async () =>
      createBuildShelf({
        ...{ fleet, directory: shelf, signers, unsigned: 'refused', key, service, build: building },
        now: () => Date.now(),
      }),
    left: () => processesOf(own),
  };
}

function processesOf(own: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`ZEITWORK_BUILD=${own}/`);
      } catch {
        return false;
      }
    });
}

class Crash extends Error {}

/** A worker that dies at the `at`-th thing that it does, before or after its effect: it sends nothing more, and records nothing. */
export function dyingAt(at: number, after: boolean, abort: AbortController, on: Machine) {
  let count = 0;
  const die = () => {
    abort.abort(new Crash());
    throw new Crash();
  };
  const step = async <T>(what: () => Promise<T>): Promise<T> => {
    count += 1;
    if (count > at || (count === at && !after)) die();
    const result = await what();
    if (count === at) die();
    return result;
  };
  const machine: Machine = {
    ...on,
    run: (command) => step(() => on.run(command, new AbortController().signal)),
  };
  const record =
    (store: Pick<LedgerStore, 'record'>): LedgerStore['record'] =>
    (event) =>
      step(() => store.record(event));
  return { machine, record };
}
