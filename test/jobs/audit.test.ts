import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { day } from '../../src/base/duration.ts';
import { type Audited, audit } from '../../src/jobs/audit.ts';
import { type Belief, createLedger, createStore, examine, openAnchors } from '../../src/jobs/index.ts';
import { type Chained, type ChainedEntry, spelledLine } from '../../src/jobs/journal.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { examineLedger, type LedgerLine } from '../../src/jobs/ledger.ts';
import { createNotes, flawsInNotes, type Note, type NoteLine } from '../../src/jobs/notes.ts';
import { recorder } from '../../src/jobs/record.ts';
import { leftBy, timedBy } from '../../src/upgrade/ledger/index.ts';
import { belief } from '../support/belief.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { production, quickRollout, silent } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const redis = (): Redis => rig.redis.handle.caller;
const keys = keysOf(production);
const asWeAre = (): Belief => ({ ...belief(), anchors: openAnchors(null) });
const now = Date.now();

const parts = (who: Belief) => ({
  store: createStore(redis(), production, who),
  ledger: createLedger(redis(), production, who),
  notes: createNotes(redis(), production, who, silent),
  belief: who,
});

async function audited(who: Belief, only: string | null = null): Promise<Audited[]> {
  const found = [];
  for await (const each of audit(production, parts(who), only, now - 400 * day)) found.push(each);
  return found;
}

const denied = (by: string, at = now): Note => ({ type: 'denied', at, by, what: 'start', reason: 'not you' });
const froze = (id: string, at = 1) =>
  ({ type: 'froze', at, by: 'U1', id, regions: null, start: 1, end: 9e12, reason: 'audit' }) as const;

/** A rollout with four lines, a ledger with four and an adoption among them, and three notes. */
async function written(who: Belief): Promise<void> {
  const { store, ledger, notes } = parts(who);
  await store.create(quickRollout('r1', {}, {}, { limit: 1 }));
  const record = recorder(store, async () => undefined);
  for (const [type, at] of [
    ['paused', 1],
    ['resumed', 2],
    ['paused', 3],
  ] as const) {
    await record('r1', { type, at: now + at, by: 'U1' });
  }
  await ledger.record(froze('f1'));
  await ledger.record(froze('f2'));
  await ledger.adopt('U9', 2);
  await ledger.record(froze('f3'));
  for (const by of ['U1', 'U2', 'U3']) notes.note(denied(by));
  await notes.settled();
}

/** The same, with lines of every kind: what workers reported, what a rollout left, and what holds all of it. */
async function writtenWhole(who: Belief): Promise<void> {
  await written(who);
  const { store, ledger } = parts(who);
  const record = recorder(store, async () => undefined);
  await record('r1', { type: 'resumed', at: now + 4, by: 'U1' });
  const kinds = new Set<string>();
  const r1 = await store.load('r1');
  if (r1 === null) throw new Error('no rollout');
  const { rollout: over, events } = drive(r1, worldOf(r1), { from: now + 5 });
  for (const event of events) {
    if (['begun', 'reported', 'watched'].every((kind) => kinds.has(kind))) break;
    if ((await record('r1', event)).changed) kinds.add(event.type);
  }
  await store.adopt('r1', 'U9', now + 60_000, { first: 'U8' });
  await record('r1', { type: 'paused', at: now + 60_001, by: 'U1' });
  for (const event of [leftBy(over), timedBy(over)]) if (event !== null) await ledger.record(event);
}

const journals = [keys.journal('r1'), keys.ledgerJournal, keys.notesJournal];
const linesIn = (key: string) => redis().lrange(key, 0, -1);

/** The same keys; what was verified is remembered, so that each bit costs its own line only. */
function remembering(): Belief {
  const who = belief();
  const known = new Map<string, string | null>();
  const fault: Belief['notary']['fault'] = (text, signed, as) => {
    const key = JSON.stringify([text, signed, as]);
    const found = known.get(key);
    if (found !== undefined) return found;
    const judged = who.notary.fault(text, signed, as);
    known.set(key, judged);
    return judged;
  };
  return { ...who, notary: { ...who.notary, fault } };
}

type Spelled = Chained<{ type: string }> | null;

/** What is wrong in these lines, by whose they are; null: what stands there is no line of ours. */
function flaws(key: string, lines: Spelled[], who: Belief): unknown[] {
  if (key === keys.notesJournal) return flawsInNotes(production, lines as (Chained<NoteLine> | null)[], who);
  if (key === keys.ledgerJournal)
    return examineLedger(production, lines as (Chained<LedgerLine> | null)[], who.notary).flaws;
  const place = { fleet: production, journal: 'r1' };
  return examine(place, lines as (ChainedEntry | null)[], who.notary).flaws;
}

/** The same text with one of its bits turned. */
function turned(text: string, bit: number): string {
  const bytes = Buffer.from(text);
  const at = bit >> 3;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
  return bytes.toString();
}

describe('an audit', () => {
  it('finds nothing where nothing is', async () => {
    const who = asWeAre();
    await written(who);
    const found = await audited(who);
    expect(found.map(({ journal, lines }) => `${journal} ${lines}`)).toEqual(['r1 4', 'ledger 4', 'notes 3']);
    expect(found.flatMap(({ refused, flaws: wrong }) => [refused, ...wrong]).filter((each) => each !== null)).toEqual(
      [],
    );
  });

  // Of a line that holds a whole plan every 61st bit, of others every 7th: both come by each place within a byte. `npm run test:long`
  // turns all of them.
  const every = (bits: number): number => {
    if (process.env.BITS === 'all') return 1;
    return bits > 20_000 ? 61 : 7;
  };
  it('finds every bit that was turned, in every line of every journal', { timeout: 1_200_000 }, async () => {
    await writtenWhole(asWeAre());
    const who = remembering();
    const passed: string[] = [];
    const kinds = new Set<string>();
    for (const key of journals) {
      const all = await linesIn(key);
      const spelled = all.map((line): Spelled => spelledLine(line));
      expect(flaws(key, spelled, who)).toEqual([]);
      for (const [index, line] of all.entries()) {
        kinds.add(JSON.parse(line).event.type);
        const bits = Buffer.byteLength(line) * 8;
        for (let bit = 0; bit < bits; bit += every(bits)) {
          const bent = spelled.with(index, spelledLine(turned(line, bit)));
          if (flaws(key, bent, who).length === 0) passed.push(`${key}, line ${index + 1}, bit ${bit}`);
        }
      }
    }
    expect(passed).toEqual([]);
    const decided = ['adopted', 'created', 'denied', 'froze', 'paused', 'resumed'];
    const reported = ['begun', 'left', 'reported', 'timed', 'watched'];
    expect([...kinds]).toEqual(expect.arrayContaining([...decided, ...reported]));
  });

  it.each([
    ['two lines that changed places', (all: string[]) => [all[1] ?? '', all[0] ?? '', ...all.slice(2)]],
    ['a line that is there twice', (all: string[]) => [...all, all.at(-1) ?? '']],
    ['the first line taken away', (all: string[]) => all.slice(1)],
    ['one in the middle taken away', (all: string[]) => [...all.slice(0, 1), ...all.slice(2)]],
    ['the last line taken away', (all: string[]) => all.slice(0, -1)],
    ['all but the first taken away', (all: string[]) => all.slice(0, 1)],
    ['all of them taken away', () => []],
  ])('finds %s', async (_what, change) => {
    for (const [index, key] of journals.entries()) {
      const who = asWeAre();
      await written(who);
      const lines = change(await linesIn(key));
      await redis().del(key);
      if (lines.length > 0) await redis().rpush(key, ...lines);
      const found = (await audited(who))[index];
      expect(
        [found?.refused, ...(found?.flaws ?? [])].filter((each) => each != null),
        key,
      ).not.toEqual([]);
      await redis().flushall();
    }
  });

  it('finds that all of Redis was put back to an earlier day, although each line is signed, and each journal whole', async () => {
    const who = asWeAre();
    await written(who);
    const names = await redis().keys('*');
    const was = await Promise.all(names.map(async (name) => [name, await redis().dumpBuffer(name)] as const));
    const { store, ledger, notes } = parts(who);
    await recorder(store, async () => undefined)('r1', { type: 'resumed', at: now + 4, by: 'U1' });
    await ledger.record(froze('f4', now));
    notes.note(denied('U4'));
    await notes.settled();
    await redis().flushall();
    for (const [name, dump] of was) if (dump !== null) await redis().restore(name, 0, dump);
    expect((await audited(who)).map(({ journal, refused }) => `${journal}: ${refused}`)).toEqual([
      'r1: it was put back to line 4; this process has seen line 5',
      'ledger: it was put back to line 4; this process has seen 5',
      'notes: line 4, which was seen here, is not there any more',
    ]);
  });

  /** By whom each flaw of a journal was adopted, for who has seen nothing before. */
  const answers = async (index: number): Promise<unknown[]> =>
    ((await audited(asWeAre()))[index]?.flaws ?? []).map(({ adopted }) => adopted?.by ?? null);
  /** @returns what puts it right again */
  const bend = async (key: string, at: number): Promise<() => Promise<unknown>> => {
    const line = (await redis().lindex(key, at)) ?? '';
    await redis().lset(key, at, line.replace(/"revision":\d+/, '"revision":77'));
    return () => redis().lset(key, at, line);
  };
  it.each([
    ['r1', keys.journal('r1'), (who: Belief) => parts(who).store.adopt('r1', 'U9', now + 9, { first: 'U8' })],
    ['ledger', keys.ledgerJournal, (who: Belief) => parts(who).ledger.adopt('U9', now + 9, { first: 'U8' })],
  ] as const)('excuses a flaw of %s by who answered for just that, and by nobody else', async (journal, key, adopt) => {
    const [who, index] = [asWeAre(), journal === 'r1' ? 0 : 1];
    await written(who);
    await bend(key, 1);
    await adopt(who);
    expect(await answers(index)).toEqual(['U9']);
    // Something else is bent, since, before the same adoption.
    const unbend = await bend(key, 0);
    expect(await answers(index)).toEqual([null]);
    await unbend();
    expect(await answers(index)).toEqual(['U9']);
    // What is no line was answered for as it stood there.
    await redis().rpush(key, 'no line');
    await adopt(who);
    expect(await answers(index)).toEqual(['U9', 'U9']);
    // The adoption itself is put behind what nobody answered for.
    const adoption = (await redis().lindex(key, -1)) ?? '';
    await redis().rpush(key, 'another that is none', adoption);
    expect((await answers(index)).at(-1)).toBeNull();
  });

  it('takes an adoption of what was put back for an answer to it', async () => {
    const who = asWeAre();
    await written(who);
    await redis().hset(keys.rollout('r1'), 'hash', 'x');
    await parts(who).store.adopt('r1', 'U9', now + 9, { first: 'U8' });
    expect(await answers(0)).toEqual(['U9']);
  });

  it('finds that Redis was emptied, and leaves to their age those that are kept no longer', async () => {
    const who = asWeAre();
    await written(who);
    who.anchors.set('r0', { revision: 9, hash: 'x', at: now - 401 * day, open: false });
    await redis().flushall();
    const found = (await audited(who)).map(({ journal, refused }) => `${journal}: ${refused !== null}`);
    expect(found).toEqual(['r1: true', 'ledger: true', 'notes: true']);
  });
});

describe('notes', () => {
  it('are shown to whoever asks for them', async () => {
    await written(asWeAre());
    const [found] = await audited(asWeAre(), 'notes');
    expect(found?.notes?.map(({ event }) => event)).toMatchObject([
      { by: 'U1', what: 'start', reason: 'not you' },
      { by: 'U2' },
      { by: 'U3' },
    ]);
  });

  it('of the same person about the same are one in a minute, and 20 at once lose none', async () => {
    const { notes } = parts(asWeAre());
    const others = Array.from({ length: 20 }, () => createNotes(redis(), production, asWeAre(), silent));
    for (const at of [now, now + 1, now + 59_999, now + 60_000]) notes.note(denied('U1', at));
    for (const [index, each] of others.entries()) each.note(denied(`V${index}`));
    await Promise.all([notes, ...others].map((each) => each.settled()));
    expect(await notes.lines()).toHaveLength(22);
    expect((await audited(asWeAre(), 'notes'))[0]?.flaws).toEqual([]);
  });

  it('that were taken away stay known for it when others are written since', async () => {
    const who = asWeAre();
    await written(who);
    await redis().del(keys.notes, keys.notesJournal);
    const { notes } = parts(who);
    notes.note(denied('U5'));
    await notes.settled();
    const [found] = await audited(who, 'notes');
    expect(found?.flaws).toMatchObject([{ what: 'line 1 of the notes: those before it, up to 3, were taken away' }]);
    expect(found?.lines).toBe(2);
  });

  it('are kept in the newest ten thousand', async () => {
    const { notes } = parts(asWeAre());
    notes.note(denied('U1'));
    await notes.settled();
    const [first = ''] = await notes.lines();
    await redis().rpush(keys.notesJournal, ...Array.from({ length: 10_000 }, () => first));
    notes.note(denied('U2'));
    await notes.settled();
    expect(await notes.lines()).toHaveLength(10_000);
  });
});
