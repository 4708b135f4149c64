import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minute, second } from '../../src/base/duration.ts';
import type { Building } from '../../src/building/index.ts';
import { createBuildTelling } from '../../src/jobs/build-told.ts';
import { createBuilder } from '../../src/jobs/builder.ts';
import { createLedger, type RedisHandle } from '../../src/jobs/index.ts';
import { type Machine, overThere } from '../../src/running/index.ts';
import type { Build } from '../../src/upgrade/ledger/types.ts';
import { createShell } from '../../src/upgrade/ssh/index.ts';
import type { Shell } from '../../src/upgrade/ssh/types.ts';
import { silent, systemClock } from '../jobs/fixtures/parts.ts';
import { belief } from '../support/belief.ts';
import { type BuildingWorld, buildingWorld, dyingAt } from '../support/building.ts';
import { broughtBuildHost, buildHost, copyOnto, fault, inside, sayWhyNot, scripts } from '../support/real-fleet.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { binary, makefile } from '../support/source.ts';

const reason = sayWhyNot('Builds on the machine of the fleet that builds');
const version = 'v2.0.0';
const archive = `zeitwork-operator-${version}.tar.gz`;
const repository = '/home/ops/source.git';
const counting = makefile(
  '@echo "the one run"',
  'mkdir -p build',
  `printf '#!/bin/sh\\necho ${version}\\n' > ${binary}`,
  `chmod +x ${binary}`,
);

describe.skipIf(reason !== null)('a build on a machine of its own, over SSH', { timeout: 1_200_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'zw-long-build-'));
  let redis: TestRedis;
  let shell: Shell;
  let machine: Machine;
  beforeAll(async () => {
    redis = await startTestRedis();
    const host = await broughtBuildHost();
    shell = createShell({ 'build-1': host });
    machine = overThere(shell, 'build-1');
  });
  afterAll(async () => {
    await shell?.close();
    await redis?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** A source with one release, a shelf and a ledger of their own; `recipe` null: the fleet's own source, compiled. */
  async function worldOf(recipe: string | null, how: Partial<Building> = {}): Promise<BuildingWorld> {
    const host = buildHost();
    const world = await buildingWorld(dir, { host, repository, network: false, limit: 5 * minute, ...how });
    if (recipe === null) {
      execFileSync(join(scripts, 'build-source'), [world.folder], { stdio: 'pipe' });
      await copyOnto('build-1', join(world.folder, 'zeitwork.git'), repository);
    } else {
      world.source.release(version, { Makefile: recipe });
      await copyOnto('build-1', join(world.source.url, '.git'), repository);
    }
    return world;
  }
  const foldersOf = ({ fleet }: BuildingWorld) => ({
    login: `.zeitwork-builds/${fleet}`,
    root: `/var/lib/zeitwork-builds/${fleet}`,
  });
  const handle = (): RedisHandle['caller'] => redis.handle.caller;
  const ledgerOf = ({ fleet }: BuildingWorld) => createLedger(handle(), fleet, belief());
  const stateOf = async (world: BuildingWorld): Promise<Build | undefined> =>
    (await ledgerOf(world).load()).builds[version];
  const ask = (world: BuildingWorld, number = 1) =>
    ledgerOf(world).record({ type: 'build-asked', at: Date.now(), by: 'U0ROSA', version, number });
  async function partsOf(world: BuildingWorld, on = machine) {
    return {
      place: world.place(on, foldersOf(world)),
      shelf: await world.finished(),
      ledger: ledgerOf(world),
      telling: createBuildTelling(handle(), world.fleet, belief().notary),
      ...{ show: async () => undefined, halted: async () => null, worker: 'this-one' },
      ...{ clock: systemClock, log: silent, every: 200 },
    };
  }
  const work = async (world: BuildingWorld) =>
    createBuilder(await partsOf(world))(version, new AbortController().signal);
  /** Units of ours, and processes of users that exist for a unit only. */
  async function left(): Promise<string[]> {
    const units = await inside('build-1', 'systemctl list-units --all --plain --no-legend "zw-build-*"');
    const all = await inside('build-1', 'ps -e -o uid=,args=');
    const own = all.split('\n').filter((line) => /^\s*6[0-4]\d{3}\s/.test(line));
    return [...units.split('\n').filter(Boolean), ...own];
  }

  it('is the same bytes twice, and says its version', async () => {
    const world = await worldOf(null, { network: false });
    const made: (string | undefined)[] = [];
    for (const number of [1, 2]) {
      await ask(world, number);
      await work(world);
      const build = await stateOf(world);
      expect(build?.state).toMatchObject({ is: 'built' });
      made.push(build?.state.is === 'built' ? build.state.archiveSha256 : undefined);
      const path = join(world.shelf, archive);
      execFileSync('tar', ['-xzf', path, '-C', world.folder]);
      expect(execFileSync(join(world.folder, binary), ['--version'], { encoding: 'utf8' })).toContain(version);
      const told = JSON.parse(readFileSync(`${path}.provenance.json`, 'utf8'));
      expect(told.predicate.buildDefinition.internalParameters.tools.join('\n')).toMatch(/gcc|cc /);
      for (const name of readdirSync(world.shelf)) rmSync(join(world.shelf, name));
    }
    expect(made[1]).toBe(made[0]);
    expect(await left()).toEqual([]);
  });

  it.each([
    ['hangs', makefile('(trap "" TERM; setsid sleep 1000) & sleep 1000'), /not over after 5 s/],
    ['writes without end', makefile('yes compiling | head -c 52428800'), /its log grew beyond 16 MB/],
    ['fails', makefile('@echo no such header; exit 3'), /make build ended with 2/],
    ['has no network', makefile('@test $$(grep -c : /proc/net/dev) = 1', 'exit 4'), /make build ended with 2/],
  ])('that %s ends with its reason, and nothing is left', async (_what, recipe, why) => {
    const world = await worldOf(recipe, { limit: 5 * second });
    await ask(world);
    await work(world);
    expect((await stateOf(world))?.state).toMatchObject({ is: 'failed', reason: expect.stringMatching(why) });
    expect(readdirSync(world.shelf)).toEqual([]);
    expect(await left()).toEqual([]);
  });

  it('that leaves a process behind is over without it', async () => {
    const world = await worldOf(`${counting.replace('.PHONY', '\t(trap "" TERM HUP; setsid sleep 1000) &\n.PHONY')}`);
    await ask(world);
    await work(world);
    expect((await stateOf(world))?.state.is).toBe('built');
    expect(await left()).toEqual([]);
  });

  it('is refused once its tag was moved', async () => {
    const world = await worldOf(counting);
    await ask(world);
    await work(world);
    for (const name of readdirSync(world.shelf)) rmSync(join(world.shelf, name));
    world.source.release(version, { more: 'of it', Makefile: counting });
    await copyOnto('build-1', join(world.source.url, '.git'), repository);
    await ask(world, 2);
    await work(world);
    expect((await stateOf(world))?.state).toMatchObject({ is: 'failed', reason: expect.stringContaining('was moved') });
  });

  it('goes on when the network was away', async () => {
    const world = await worldOf(counting.replace('mkdir', 'sleep 8\n\tmkdir'));
    await ask(world);
    const working = work(world);
    await new Promise((done) => setTimeout(done, 4_000));
    await fault('build-1', 'cut-network', '10');
    await working;
    expect((await stateOf(world))?.state.is).toBe('built');
    expect(await left()).toEqual([]);
  });

  it('that was cut off by a restart of its machine is told as that', async () => {
    const world = await worldOf(makefile('sleep 1000'));
    await ask(world);
    const working = work(world);
    await new Promise((done) => setTimeout(done, 6_000));
    await fault('build-1', 'reboot');
    await working;
    expect((await stateOf(world))?.state).toMatchObject({ is: 'failed', reason: expect.stringContaining('cut off') });
  });

  describe.each([false, true])('whose worker is killed, after its effect: %s', (after) => {
    it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
      'at instant %i, has one effect, one log and no second start',
      async (at) => {
        const world = await worldOf(counting);
        await ask(world);
        const abort = new AbortController();
        const dying = dyingAt(at, after, abort, machine);
        const parts = await partsOf(world, dying.machine);
        const ledger = { load: parts.ledger.load, record: dying.record(parts.ledger) };
        await createBuilder({ ...parts, ledger })(version, abort.signal).catch((error: unknown) => {
          if (!abort.signal.aborted) throw error;
        });
        await work(world);
        expect((await stateOf(world))?.state.is).toBe('built');
        const { root } = foldersOf(world);
        const logs = await inside('build-1', `cat ${root}/logs/*.log; ls ${root}/logs | wc -l`);
        expect(logs.match(/the one run/g)).toHaveLength(1);
        expect(logs.trim().split('\n').at(-1)).toBe('1');
        expect(readdirSync(world.shelf).filter((name) => name.endsWith('.tar.gz'))).toEqual([archive]);
        expect(await left()).toEqual([]);
      },
    );
  });
});
