import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Building } from '../../src/building/index.ts';
import { createBuildTelling } from '../../src/jobs/build-told.ts';
import { type BuilderParts, createBuilder } from '../../src/jobs/builder.ts';
import { createLedger } from '../../src/jobs/index.ts';
import { here } from '../../src/running/index.ts';
import type { Build } from '../../src/upgrade/ledger/types.ts';
import { belief } from '../support/belief.ts';
import { type BuildingWorld, buildingWorld, dyingAt } from '../support/building.ts';
import { binary, makefile } from '../support/source.ts';
import { eventually, production, silent, systemClock } from './fixtures/parts.ts';
import { makeRig, never } from './fixtures/rig.ts';

const rig = makeRig();
const dir = mkdtempSync(join(tmpdir(), 'zw-builder-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const version = 'v2.0.0';
const archive = `zeitwork-operator-${version}.tar.gz`;
const counting = makefile(
  'echo run >> $(CURDIR)/../../runs',
  'mkdir -p build',
  `printf '#!/bin/sh\\necho ${version}\\n' > ${binary}`,
  `chmod +x ${binary}`,
);

const ledgerOf = () => createLedger(rig.redis.handle.caller, production, belief());
const ask = (number = 1) => ledgerOf().record({ type: 'build-asked', at: Date.now(), by: 'U0ROSA', version, number });
const stateOf = async (): Promise<Build | undefined> => (await ledgerOf().load()).builds[version];

async function partsOf(world: BuildingWorld, more: Partial<BuilderParts> = {}): Promise<BuilderParts> {
  return {
    place: world.place(),
    shelf: await world.finished(),
    ledger: ledgerOf(),
    telling: createBuildTelling(rig.redis.handle.caller, production, belief().notary),
    show: async () => undefined,
    halted: async () => null,
    worker: 'this-one',
    clock: systemClock,
    log: silent,
    every: 30,
    ...more,
  };
}

const work = async (world: BuildingWorld, more: Partial<BuilderParts> = {}) =>
  createBuilder(await partsOf(world, more))(version, new AbortController().signal);

/** A world with one release, of which each run of `make` is counted. */
async function counted(how: Partial<Building> = {}, recipe = counting): Promise<BuildingWorld & { runs(): string }> {
  const world = await buildingWorld(dir, how);
  world.source.release(version, { Makefile: recipe });
  return { ...world, runs: () => readFileSync(join(world.own, 'runs'), 'utf8') };
}

describe('a build that was asked for', () => {
  it('is done by a worker, through its queue', async () => {
    const world = await counted();
    await ask();
    await rig.worker({ sweep: never, build: { place: world.place(), shelf: await world.finished(), every: 50 } });
    await rig.control().wakeBuild(version, 1);
    const build = await eventually(stateOf, (found) => found?.state.is === 'built');
    expect(build).toMatchObject({ number: 1, by: 'U0ROSA', source: { signedBy: null } });
    expect(readdirSync(world.shelf)).toEqual([
      archive,
      `${archive}.provenance.json`,
      `${archive}.provenance.json.sig`,
      `${archive}.sha256`,
      `${archive}.sig`,
    ]);
  });

  it('is found by a sweep when its wake was lost', async () => {
    const world = await counted();
    await ask();
    const worker = await rig.worker({
      sweep: never,
      build: { place: world.place(), shelf: await world.finished(), every: 50 },
    });
    await worker.sweep();
    await eventually(stateOf, (found) => found?.state.is === 'built');
    expect(world.runs()).toBe('run\n');
  });

  it('gives the same bytes when it is built anew', async () => {
    const made: (string | undefined)[] = [];
    const world = await counted();
    for (const number of [1, 2]) {
      await ask(number);
      await work(world);
      const { state } = (await stateOf()) ?? {};
      made.push(state?.is === 'built' ? state.archiveSha256 : undefined);
      for (const name of readdirSync(world.shelf)) rmSync(join(world.shelf, name));
    }
    expect(made[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(made[1]).toBe(made[0]);
  });

  it('fails with what make said, and may be asked for again', async () => {
    const world = await counted({}, makefile('@echo "foo.c:3: no such header"; exit 1'));
    await ask();
    await work(world);
    expect((await stateOf())?.state).toMatchObject({
      is: 'failed',
      reason: 'make build ended with 2',
      last: expect.arrayContaining(['foo.c:3: no such header']),
    });
    expect((await ask(2)).changed).toBe(true);
  });

  it('is refused once its tag leads to another commit', async () => {
    const world = await counted();
    await ask();
    await work(world);
    for (const name of readdirSync(world.shelf)) rmSync(join(world.shelf, name));
    world.source.release(version, { more: 'of it' });
    await ask(2);
    await work(world);
    expect((await stateOf())?.state).toMatchObject({ is: 'failed', reason: expect.stringContaining('was moved') });
    expect(readdirSync(world.shelf)).toEqual([]);
    expect(world.runs()).toBe('run\n');
  });

  it('is refused when the tag moves between its beginning and its start', async () => {
    const world = await counted();
    await ask();
    const place = world.place();
    let moved = false;
    const resolve: typeof place.resolve = async (...words) => {
      const found = await place.resolve(...words);
      if (!moved) world.source.release(version, { more: 'of it' });
      moved = true;
      return found;
    };
    await work(world, { place: { ...place, resolve } });
    expect((await stateOf())?.state).toMatchObject({ is: 'failed', reason: expect.stringContaining('was moved') });
    expect(readdirSync(world.shelf)).toEqual([]);
  });

  it('ends when somebody stops it, with nothing left', async () => {
    const world = await counted({}, makefile('@echo begun; setsid sleep 1000 & sleep 1000'));
    await ask();
    const working = work(world);
    await eventually(
      async () => world.left().length,
      (count) => count > 2,
    );
    await ledgerOf().record({ type: 'build-stopped', at: Date.now(), by: 'U0INES', version, number: 1 });
    await working;
    expect((await stateOf())?.state).toMatchObject({ is: 'failed', reason: 'stopped by U0INES' });
    expect(world.left()).toEqual([]);
    expect(readdirSync(world.shelf)).toEqual([]);
  });

  it('ends when somebody stops it while its tag is still fetched', async () => {
    const world = await counted();
    await ask();
    const place = world.place();
    const working = work(world, { place: { ...place, resolve: () => new Promise(() => undefined) } });
    await new Promise((done) => setTimeout(done, 200));
    await ledgerOf().record({ type: 'build-stopped', at: Date.now(), by: 'U0INES', version, number: 1 });
    await working;
    expect((await stateOf())?.state).toMatchObject({ is: 'failed', reason: 'stopped by U0INES' });
  });

  it('gets no name when it is stopped right before', async () => {
    const world = await counted();
    await ask();
    const place = world.place();
    const take: typeof place.take = async (...words) => {
      const taken = await place.take(...words);
      await ledgerOf().record({ type: 'build-stopped', at: Date.now(), by: 'U0INES', version, number: 1 });
      return taken;
    };
    await work(world, { place: { ...place, take } });
    expect((await stateOf())?.state).toMatchObject({ is: 'failed', reason: 'stopped by U0INES' });
    expect(readdirSync(world.shelf)).toEqual([]);
  });

  it('is not begun while everything is stopped by a file', async () => {
    const world = await counted();
    await ask();
    let halted: string | null = '/state/STOP lies here';
    const telling = createBuildTelling(rig.redis.handle.caller, production, belief().notary);
    const working = work(world, { halted: async () => halted });
    await eventually(
      () => telling.of(version, 1),
      (told) => told?.trouble === '/state/STOP lies here',
    );
    expect((await stateOf())?.state.is).toBe('asked');
    halted = null;
    await working;
    expect((await stateOf())?.state.is).toBe('built');
  });

  it('is left to the machine on which it runs', async () => {
    const world = await counted();
    await ask();
    const source = await world.place().resolve(version, new AbortController().signal);
    await ledgerOf().record({ type: 'build-begun', at: Date.now(), version, number: 1, source, worker: 'another' });
    await work(world);
    expect((await stateOf())?.state.is).toBe('building');
  });

  it('shows nobody a secret of its log, and no more of it than fits', async () => {
    const world = await counted(
      {},
      makefile('@echo token=xoxb-1234567890-abcdefghijklmnop', '@seq 1 30000', '@echo over; exit 1'),
    );
    await ask();
    await work(world);
    const stored = (await rig.redis.handle.caller.get(`{zw}/${production}:build:told`)) ?? '';
    expect(stored).not.toContain('abcdefghijklmnop');
    expect(stored.length).toBeLessThan(60_000);
    const { state } = (await stateOf()) ?? {};
    expect(state).toMatchObject({ is: 'failed', last: expect.arrayContaining(['over', '30000']) });
  });
});

describe.each([false, true])('a worker that is killed, after its effect: %s', (after) => {
  // Fetch, begun, look, fetch, start, looks, take, reported, end.
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    'at instant %i, leaves one effect and one log, and no second start',
    async (at) => {
      const world = await counted();
      await ask();
      const abort = new AbortController();
      const dying = dyingAt(at, after, abort, here);
      const ledger = ledgerOf();
      const parts = await partsOf(world, {
        place: world.place(dying.machine),
        ledger: { load: ledger.load, record: dying.record(ledger) },
      });
      await createBuilder(parts)(version, abort.signal).catch((error: unknown) => {
        if (!abort.signal.aborted) throw error;
      });
      await work(world);
      expect((await stateOf())?.state.is).toBe('built');
      expect(world.runs()).toBe('run\n');
      expect(readdirSync(join(world.own, 'logs'))).toHaveLength(1);
      expect(readdirSync(world.shelf).filter((name) => name.endsWith('.tar.gz'))).toEqual([archive]);
      expect(world.left()).toEqual([]);
      const lines = (await ledgerOf().lines()).map((line) => JSON.parse(line).event.type);
      expect(lines).toEqual(['build-asked', 'build-begun', 'build-reported']);
    },
  );
});
