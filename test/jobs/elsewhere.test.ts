import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createControl,
  createElsewhere,
  createStore,
  exportedLine,
  linesOf,
  type Nearby,
  type ProvenOn,
  readStored,
  startWorker,
} from '../../src/jobs/index.ts';
import { createNotary } from '../../src/trust/index.ts';
import { whyWaiting } from '../../src/upgrade/rollout/index.ts';
import type { Elsewhere, Event, Release, Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief, testKey } from '../support/belief.ts';
import { fc } from '../support/fast-check.ts';
import { fleetOf, release } from '../support/rollouts.ts';
import { effects, eventually, quickRollout, silent, systemClock, workerParts } from './fixtures/parts.ts';
import { done, makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const folder = mkdtempSync(join(tmpdir(), 'zeitwork-elsewhere-'));
const journal = join(folder, 'staging.jsonl');
const keys = { bot: [testKey('bot').public], worker: [testKey('worker').public] };
const wanted = { fleet: 'staging', journal, keys, for: 60_000 };
const sign = belief('bot').notary;

/** Lines of the journal of a rollout that ended on the other fleet, and when that was. */
let proof: { lines: string[]; head: string; at: number };

/** Plays a rollout on a fleet of that name, with its own bot and worker, and whatever is decided at its end. */
async function played(fleet: string, ...decisions: Event['type'][]) {
  const { handle } = rig.redis;
  const worker = await startWorker(workerParts(handle, { fleet: { ...fleetOf(), name: fleet } }));
  const { start, store, record, close } = createControl(handle, fleet, belief('bot'), systemClock, silent);
  await start(quickRollout('s1', { fleet }));
  let ended = await eventually(() => store.load('s1'), done);
  for (const type of decisions) {
    const event = { type, at: Date.now(), by: 'U1', scope: { is: 'node', node: 'us-east-op-1' }, epoch: Date.now() };
    await record('s1', event as Event);
    ended = await eventually(
      () => store.load('s1'),
      (rollout) => rollout?.status.is === 'held',
    );
  }
  await worker.close();
  await close();
  const stored = await readStored(handle.caller, fleet, 's1');
  await handle.caller.flushall();
  if (stored === null || ended === null) throw new Error('nothing is stored');
  const at = 'at' in ended.status ? ended.status.at : 0;
  return { lines: linesOf(fleet, stored), head: stored.hash, at };
}

beforeAll(async () => {
  proof = await played('staging');
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (lines: string[]) => {
  // As it is brought there: whole.
  writeFileSync(`${journal}.half`, `${lines.join('\n')}\n`);
  renameSync(`${journal}.half`, journal);
};
const whole = (at = proof.at + 60_000, { lines, head } = proof, fleet = 'staging') => [
  ...lines,
  exportedLine(fleet, at, { s1: head }, sign),
];
const ask = (source = wanted, of: Pick<Release, 'version' | 'archiveSha256'> = release, now = proof.at + 1e9) =>
  createElsewhere(source, { now: () => now })(of);
const reason = (said: Elsewhere) => (said.is === 'unproven' ? said.reason : said.is);

describe('the proof of a release on another fleet', () => {
  it('is asked for only where the settings want it', async () => {
    expect(await createElsewhere(null, systemClock)(release)).toEqual({ is: 'not wanted' });
  });

  it('is what its signed journal says: finished, and for long enough when it was exported', async () => {
    write(whole());
    expect(await ask()).toEqual({
      ...{ is: 'proven', fleet: 'staging', since: proof.at, rollout: 's1', head: proof.head },
    });
  });

  it.each<[string, () => void, RegExp]>([
    ['no file', () => rmSync(journal, { force: true }), /cannot be believed: .*ENOENT/],
    ['a folder', () => void 0, /cannot be believed: there is no export in it/],
    ['an empty file', () => write([]), /does not end as one export does: write it with zeitwork export/],
    ['an export that was cut off', () => write(proof.lines), /does not end as one export does/],
    ['two exports in one', () => write([...whole(), ...whole()]), /not there one after another/],
    ['two ends', () => write([...whole(), ...whole().slice(-1)]), /does not end as one export does/],
    ['the end of its journal left out', () => write(whole().toSpliced(-3, 1)), /does not go as far as it did there/],
    ['the beginning left out', () => write(whole().slice(1)), /not there one after another/],
    ['a line in the place of another', () => write(moved()), /line 1 of its journal/],
    ['a line left out', () => write(whole().toSpliced(4, 1)), /not there one after another/],
    [
      'an export of too early',
      () => write(whole(proof.at + 59_999)),
      /not .* long enough, .*: export it there again after 2/,
    ],
    [
      'a last line that a worker signed',
      () => write([...proof.lines, byWorker()]),
      /its last line: .* may not say that/,
    ],
    ['the journal of another fleet', () => write(whole(proof.at + 60_000, proof, 'qa')), /it is of qa/],
    ['lines of another fleet', () => write(whole(proof.at + 60_000, { ...proof, lines: renamed() })), /s1 of|changed/],
    [
      'nothing of a rollout',
      () => write([exportedLine('staging', proof.at + 1e6, {}, sign)]),
      /was not rolled out there/,
    ],
  ])('is not there with %s', async (what, make, words) => {
    make();
    const source = what === 'a folder' ? { ...wanted, journal: folder } : wanted;
    expect(reason(await ask(source))).toMatch(words);
  });

  const byWorker = () => {
    const own = testKey('worker');
    const liar = createNotary(own, { decisions: [own.public], reports: [] });
    return exportedLine('staging', proof.at + 60_000, { s1: proof.head }, liar);
  };
  const moved = () => {
    const [one = '', two = '', ...more] = whole();
    const line = (of: string) => JSON.parse(of).line;
    return [one, two]
      .map((each, at) => JSON.stringify({ ...JSON.parse(each), line: line(at === 0 ? two : one) }))
      .concat(more);
  };
  const renamed = () => proof.lines.map((line) => line.replaceAll('us-east-op-3', 'us-east-op-4'));

  it('is not there for keys that the settings do not name', async () => {
    write(whole());
    const stranger = testKey('stranger').public;
    expect(reason(await ask({ ...wanted, keys: { bot: [stranger], worker: keys.worker } }))).toMatch(/do not name/);
    expect(reason(await ask({ ...wanted, keys: { bot: keys.bot, worker: [stranger] } }))).toMatch(/do not name/);
  });

  it('is of this very archive, not of its name', async () => {
    write(whole());
    const other = { version: release.version, archiveSha256: 'f'.repeat(64) };
    expect(reason(await ask(wanted, other))).toMatch(/another archive of v2.0.0 was rolled out there/);
    expect(reason(await ask(wanted, { ...other, version: 'v9.9.9' }))).toMatch(/it was not rolled out there/);
  });

  it('is not older than the clock of whoever asks', async () => {
    write(whole(proof.at + 1e8));
    expect(reason(await ask(wanted, release, proof.at + 59_999))).toMatch(/not .* for long enough/);
  });

  it('is gone when something was brought back since', async () => {
    write(whole());
    expect((await ask()).is).toBe('proven');
    const back = await played('staging', 'rollback-asked');
    write(whole(Date.now() + 1e6, back));
    expect(reason(await ask(wanted, release, Date.now() + 1e9))).toMatch(/s1 is not finished there/);
  });

  it('is read anew when the file is another one, and only then', async () => {
    const asked = createElsewhere(wanted, { now: () => proof.at + 1e9 });
    write(whole(proof.at));
    expect((await asked(release)).is).toBe('unproven');
    write(whole());
    expect((await asked(release)).is).toBe('proven');
    rmSync(journal);
    expect((await asked(release)).is).toBe('unproven');
  });

  it('is never there when any character of the file is another one, or any line is gone', async () => {
    const text = whole();
    // What lies beside the journal is a copy, and is not read.
    const read = text.map((line, at) => ({ line, at })).filter(({ line }) => !line.startsWith('{"is":"rollout"'));
    const change = fc.record({ pick: fc.nat(), at: fc.nat(), char: fc.constantFrom('0', 'a', 'Z', ' ', '"', '}') });
    await fc.assert(
      fc.asyncProperty(change, async ({ pick, at, char }) => {
        const { line, at: index } = read[pick % read.length] ?? { line: '', at: 0 };
        const place = at % line.length;
        fc.pre(line[place] !== char);
        write(text.with(index, line.slice(0, place) + char + line.slice(place + 1)));
        expect((await ask()).is).toBe('unproven');
        write(text.toSpliced(index, 1));
        expect((await ask()).is).toBe('unproven');
      }),
      { numRuns: 150 },
    );
  });
});

/** A rollout of the other fleet as its store tells of it. */
const known = (changes: Partial<Rollout>): Rollout => ({
  ...{ ...quickRollout('s1', { fleet: 'staging' }), status: { is: 'done', at: 1_000_000 }, startedAt: 1, createdAt: 1 },
  ...changes,
});
const nearbyOf = (...rollouts: Rollout[]): Nearby => ({
  latest: async () => rollouts,
  headOf: () => ({ revision: 9, hash: 'abc', at: 1 }),
});
const askNearby = (source: Partial<ProvenOn>, near: Nearby | null, now = 1_000_000 + 600_000) =>
  createElsewhere({ ...wanted, journal: null, keys: null, ...source }, { now: () => now }, near)(release);

describe('the proof of a release on a fleet that is at hand', () => {
  const older = { ...release, version: 'v1.9.0', archiveSha256: 'e'.repeat(64) };
  const newer = { ...release, version: 'v2.1.0', archiveSha256: 'd'.repeat(64) };
  const next = (of: Release, startedAt: number | null = 1_030_000) =>
    known({ id: 's2', release: of, createdAt: 1_020_000, startedAt, status: { is: 'running' } });
  const beside = (of: Release) =>
    known({
      ...{ id: 's2', release: of, createdAt: 1_020_000, startedAt: 1_030_000, status: { is: 'running' } },
      service: { ...quickRollout('s1').service, name: 'zeitwork-node-agent' },
    });
  const watchedTo = (end: unknown) =>
    ({ afterwards: { for: 1, every: 1, since: 1, regions: {}, worse: [], end } }) as never;

  it('is what it tells of itself, now', async () => {
    expect(await askNearby({}, nearbyOf(known({})))).toEqual({
      ...{ is: 'proven', fleet: 'staging', since: 1_000_000, rollout: 's1', head: 'abc' },
    });
  });

  it.each<[string, Partial<ProvenOn>, Rollout[], RegExp]>([
    [
      'it did not stand there for long enough yet',
      { for: 600_001 },
      [known({})],
      /long enough: it has at 1970-01-01 00:26 UTC/,
    ],
    [
      'it was finished there too long ago',
      { within: 599_999 },
      [known({})],
      /longer ago than proven.within lets count/,
    ],
    [
      'an older release followed it there',
      { for: 0 },
      [known({}), next(older)],
      /s1 was followed there by the older v1.9.0/,
    ],
    ['a newer one took its place too early', {}, [known({}), next(newer)], /v2.1.0 .s2. took its place there/],
    [
      'a rollout of it went back since',
      {},
      [
        known({}),
        known({ id: 's2', createdAt: 2, status: { is: 'rolled-back', scope: { is: 'all' }, at: 5 } as never }),
      ],
      /s2 was rolled back there/,
    ],
    ['nobody signed it', {}, [known({ unsigned: true })], /s1 is not finished there/],
    ['its day after is not wanted there', { atLeast: 'well' }, [known({})], /not looked after once it was done/],
    ['its day after is not over', { atLeast: 'well' }, [known(watchedTo(null))], /not seen through its day after yet/],
    [
      'its day after was not well',
      { atLeast: 'well' },
      [known(watchedTo({ is: 'unwell', at: 5 }))],
      /not well on its day after/,
    ],
    [
      'it was restarted, and not brought there',
      {},
      [known({ change: { is: 'restart' } as never })],
      /it was not rolled out there/,
    ],
  ])('is not there when %s', async (_, source, rollouts, words) => {
    expect(reason(await askNearby(source, nearbyOf(...rollouts)))).toMatch(words);
  });

  it.each<[string, Partial<ProvenOn>, Rollout[]]>([
    ['at the end of its time', { within: 600_000 }, [known({})]],
    ['when a newer one took its place later', { for: 30_000 }, [known({}), next(newer)]],
    ['when what came next never began', {}, [known({}), next(older, null)]],
    ['when another service was brought to an older one since', {}, [known({}), beside(older)]],
    ['when its day after was well', { atLeast: 'well' }, [known(watchedTo({ is: 'well', at: 5 }))]],
  ])('is there %s', async (_, source, rollouts) => {
    expect((await askNearby(source, nearbyOf(...rollouts))).is).toBe('proven');
  });

  it('holds, refuses or is only told, as the settings say', async () => {
    const said = (otherwise: 'held' | 'refused' | 'warned') => askNearby({ otherwise }, nearbyOf());
    expect(await said('held')).toMatchObject({ is: 'unproven' });
    expect(await said('held')).not.toHaveProperty('refuses');
    expect(await said('refused')).toMatchObject({ is: 'unproven', refuses: true });
    expect(await said('warned')).toMatchObject({
      is: 'doubted',
      reason: expect.stringMatching(/not rolled out there/),
    });
  });

  it('is not there while that fleet cannot be asked', async () => {
    expect(reason(await askNearby({}, null))).toMatch(/the settings of staging are not among those of this process/);
    const broken = { ...nearbyOf(), latest: () => Promise.reject(new Error('it is away')) };
    expect(reason(await askNearby({}, broken))).toMatch(/cannot be believed: it is away/);
  });

  it('is not there when somebody cut its journal in Redis', async () => {
    const { handle } = rig.redis;
    const worker = await startWorker(workerParts(handle, { fleet: { ...fleetOf(), name: 'staging' } }));
    const { start, store, close } = createControl(handle, 'staging', belief('bot'), systemClock, silent);
    await start(quickRollout('s1', { fleet: 'staging' }));
    await eventually(() => store.load('s1'), done);
    await worker.close();
    const near = createStore(handle.caller, 'staging', belief('bot'));
    const ask = () => createElsewhere({ ...wanted, journal: null, keys: null, for: 0 }, systemClock, near)(release);
    expect(await ask()).toMatchObject({ is: 'proven', rollout: 's1' });
    await handle.caller.rpop('{zw}/staging:journal:s1');
    expect(reason(await ask())).toMatch(/cannot be believed/);
    await close();
    await handle.caller.flushall();
  });
});

describe('a folder of exports', () => {
  const exports = join(folder, 'exports');
  const put = (name: string, lines: string[]) => {
    mkdirSync(exports, { recursive: true });
    writeFileSync(join(exports, name), `${lines.join('\n')}\n`);
  };
  const asked = () => ask({ ...wanted, journal: exports });

  it('is read as a whole: what goes furthest counts, and one that cannot be believed is enough to believe none', async () => {
    put('a.jsonl', whole(proof.at));
    expect(reason(await asked())).toMatch(/for long enough/);
    put('b.jsonl', whole());
    put('b.jsonl.half', ['nonsense']);
    expect((await asked()).is).toBe('proven');
    put('c.jsonl', whole().slice(1));
    expect(reason(await asked())).toMatch(/cannot be believed: c.jsonl: /);
    rmSync(exports, { recursive: true });
  });
});

describe('a rollout whose release must be proven elsewhere first', () => {
  it('begins nothing and says why, and begins when the proof was brought', async () => {
    write(whole(proof.at));
    const { start, store, record } = rig.control();
    await rig.worker({ elsewhere: createElsewhere(wanted, { now: () => proof.at + 1e9 }) });
    await start(quickRollout('r1'));
    const held = await eventually(
      () => store.load('r1'),
      (rollout) => rollout !== null && whyWaiting(rollout, Date.now()).some(({ name }) => name === 'elsewhere'),
    );
    expect(held?.nodes['us-east-op-1']?.held).toBeNull();
    expect(await effects(rig.redis.handle.caller)).toEqual([]);
    await record('r1', { type: 'stopped', at: Date.now(), by: 'U1' });
    write(whole());
    await start(quickRollout('r2'));
    await eventually(() => store.load('r2'), done);
    expect(await effects(rig.redis.handle.caller)).toContain('switch us-east-op-1');
  });

  it('stops no node on a proof that was taken away since the last look', async () => {
    write(whole());
    const { start, store } = rig.control();
    const asked: string[] = [];
    const elsewhere = createElsewhere(wanted, { now: () => proof.at + 1e9 });
    await rig.worker({
      elsewhere: async (of) => {
        const said = await elsewhere(of);
        asked.push(said.is);
        rmSync(journal, { force: true });
        return said;
      },
    });
    await start(quickRollout('r1'));
    const held = await eventually(
      () => store.load('r1'),
      (rollout) => rollout?.nodes['us-east-op-1']?.held != null,
    );
    expect(asked.slice(0, 2)).toEqual(['proven', 'unproven']);
    expect(held?.nodes['us-east-op-1']?.held?.gates).toMatchObject([
      { name: 'elsewhere', owner: 'whoever brings the proof' },
    ]);
    expect(await effects(rig.redis.handle.caller)).toEqual([]);
  });
});
