import { describe, expect, it } from 'vitest';
import {
  isGoodAfterwards,
  isOpen,
  isWatchedAfterwards,
  next,
  nextWake,
  plan,
  silentAfterwards,
  todo,
  unwellIn,
  wellFor,
} from '../../../src/upgrade/rollout/index.ts';
import type { Event, Rollout, Seen, Unwell, Worse } from '../../../src/upgrade/rollout/types.ts';
import { fc } from '../../support/fast-check.ts';
import { fleetOf, hours, inputOf, minutes, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const every = minutes(5);
const aftercare = { watch: hours(24), every, stable: null, keep: 2 };
const [first, second] = ['us-east-op-1', 'us-east-op-2'];

function done(regions = ['us-east'], change?: { is: 'restart' }): Rollout {
  const input = inputOf({ ...fleetOf({ bake: 0, pause: 0 }), aftercare }, { regions });
  const start = plan({ ...input, ...(change === undefined ? {} : { change }) });
  expect(start.afterwards?.since ?? null).toBeNull();
  return drive(start, worldOf(start), { from: tuesday }).rollout;
}

const over = done();
const since = over.afterwards?.since ?? 0;

/** One look at a region, as its worker reports it. */
function look(rollout: Rollout, at: number, unwell: Unwell[] = [], region = 'us-east', rates = {}): Rollout {
  const attempt = (rollout.afterwards?.regions[region]?.count ?? 0) + 1;
  const event: Event = { type: 'looked-after', at, run: rollout.run, region, attempt, unwell, rates };
  const after = next(rollout, event);
  expect(after).not.toBe(rollout);
  return after;
}

/** Looks as often as it says, at one region, until `until`; what is not well at an instant is asked for. */
function through(
  rollout: Rollout,
  until: number,
  unwell: (at: number) => Unwell[] = () => [],
): { rollout: Rollout; at: number } {
  let now = rollout;
  let at = rollout.afterwards?.regions['us-east']?.at ?? since;
  while (isWatchedAfterwards(now) && at < until) {
    at = nextWake(now, at) ?? until;
    for (const { region } of todo(now, at)) now = look(now, at, unwell(at), region);
    now = next(now, { type: 'ticked', at });
  }
  return { rollout: now, at };
}

const bad = (node = first, sure?: true): Unwell => ({
  node,
  what: 'service',
  is: 'bad',
  says: 'connection refused',
  ...(sure === undefined ? {} : { sure }),
});
const unclear = (node = first): Unwell => ({ node, what: 'service', is: 'unknown', says: 'no answer' });
const errors: Unwell = { node: first, what: { check: 'errors' }, is: 'bad', says: '7 % over 300 s' };
const worseIn = ({ afterwards }: Rollout): Worse[] => afterwards?.worse ?? [];
const isOver = (rollout: Rollout) => rollout.afterwards?.end ?? null;

describe('the time after an upgrade', () => {
  it('begins with its end, and holds nothing: the rollout is over all the same', () => {
    expect([over.status.is, isOpen(over)]).toEqual(['done', false]);
    expect(over.afterwards).toMatchObject({ since: 'at' in over.status ? over.status.at : 0, end: null, worse: [] });
    expect(todo(over, since + every - 1)).toEqual([]);
    expect(todo(over, since + every)).toMatchObject([{ id: 'r1.1.us-east.after.1', step: 'after', region: 'us-east' }]);
  });

  it('is not there where the settings want none, nor after a restart, which changes no version', () => {
    const start = plan(inputOf(fleetOf()));
    expect(start.afterwards).toBeUndefined();
    expect(done(['us-east'], { is: 'restart' }).afterwards).toBeUndefined();
  });

  it('ends well once all regions were well for as long as was wanted', () => {
    const two = done(['us-east', 'eu-west']);
    const before = through(two, since + hours(23));
    expect(isOver(before.rollout)).toBeNull();
    const { rollout, at } = through(before.rollout, since + hours(30));
    expect(isOver(rollout)).toMatchObject({ is: 'well' });
    expect(at - since).toBeLessThan(hours(24) + 2 * every);
    expect([isGoodAfterwards(rollout), todo(rollout, at + hours(1)), nextWake(rollout, at)]).toEqual([true, [], null]);
  });

  it('does not end while one region was not looked at for as long as another', () => {
    let rollout = done(['us-east', 'eu-west']);
    for (let at = since + every; at < since + hours(30); at += every) rollout = look(rollout, at);
    expect([isOver(rollout), rollout.afterwards && wellFor(rollout.afterwards)]).toEqual([null, 0]);
  });

  it('counts nothing of a time in which nobody looked, and tells of it', () => {
    const morning = through(over, since + hours(6));
    const gone = morning.at + hours(20);
    expect(silentAfterwards(morning.rollout, morning.at + 2 * every)).toEqual([]);
    expect(silentAfterwards(morning.rollout, gone)).toMatchObject([{ region: 'us-east', since: morning.at }]);
    const back = look(morning.rollout, gone);
    expect(isOver(back)).toBeNull();
    const { well, unseen } = back.afterwards?.regions['us-east'] ?? { well: { ms: 0 }, unseen: 0 };
    expect([well.ms, unseen]).toEqual([hours(6) + 2 * every, hours(20) - 2 * every]);
  });

  it('gains nothing by a clock that jumps, and looks on when it was set back', () => {
    const ahead = look(over, since + hours(24 * 300));
    expect(isOver(ahead)).toMatchObject({ is: 'unwell' });
    const set = look(over, since + hours(20));
    expect(set.afterwards?.regions['us-east']?.well.ms).toBe(2 * every);
    expect(todo(set, since + hours(1))).toHaveLength(1);
  });

  it('begins to count anew after anything bad, and does not count what nobody knows', () => {
    const morning = through(over, since + hours(6));
    const counted = (rollout: Rollout) => rollout.afterwards?.regions['us-east']?.well.ms;
    expect(counted(look(morning.rollout, morning.at + every, [bad()]))).toBe(0);
    const unknown = look(morning.rollout, morning.at + every, [unclear()]);
    expect(counted(unknown)).toBe(hours(6));
    expect(counted(look(unknown, morning.at + 2 * every))).toBe(hours(6));
  });

  it('ends in any case, and not well, after three times its length: by a look, or by the clock where nobody looks', () => {
    const sick = through(over, since + hours(80), () => [bad()]);
    expect(isOver(sick.rollout)).toMatchObject({ is: 'unwell' });
    expect(isGoodAfterwards(sick.rollout)).toBe(false);
    expect(worseIn(sick.rollout)).toHaveLength(1);
    const ticked = (at: number) => isOver(next(over, { type: 'ticked', at }));
    expect([ticked(since + hours(72) - 1), ticked(since + hours(72))]).toMatchObject([null, { is: 'unwell' }]);
  });

  it('is superseded by another rollout, once', () => {
    const event: Event = { type: 'superseded', at: since + hours(1), rollout: 'r2' };
    const after = next(over, event);
    expect(isOver(after)).toEqual({ is: 'superseded', rollout: 'r2', at: since + hours(1) });
    expect([isGoodAfterwards(after), todo(after, since + hours(2))]).toEqual([false, []]);
    expect(next(after, { ...event, rollout: 'r3' })).toBe(after);
    const attempt = 1;
    const late: Event = { type: 'looked-after', at: since + hours(1), run: 1, region: 'us-east', attempt, unwell: [] };
    expect(next(after, late)).toBe(after);
  });

  it('ends where the upgrade is brought back', () => {
    const scope = { is: 'node', node: first } as const;
    const back: Event = { type: 'rollback-asked', at: since + hours(1), by: 'U1', scope, epoch: over.epoch + 2 };
    const after = next(over, back);
    expect([after.status.is, isOver(after)]).toMatchObject(['rolling-back', { is: 'brought back' }]);
    expect(todo(after, since + hours(1)).every(({ step }) => step !== 'after')).toBe(true);
  });

  it('folds each look once: what is late, repeated, of another run or another region changes nothing', () => {
    const event: Event & { type: 'looked-after' } = {
      type: 'looked-after',
      at: since + every,
      run: 1,
      region: 'us-east',
      attempt: 1,
      unwell: [],
    };
    const after = next(over, event);
    for (const other of [event, { ...event, attempt: 3 }, { ...event, attempt: 2, run: 2 }])
      expect(next(after, other)).toBe(after);
    expect(next(over, { ...event, region: 'eu-west' })).toBe(over);
    expect(next(over, { ...event, region: 'constructor' })).toBe(over);
  });
});

describe('what gets worse then', () => {
  it('is told once three looks in a row found it, which come sooner; one lost answer is nobody’s news', () => {
    const doubt = look(over, since + every, [bad()]);
    expect(worseIn(doubt)).toEqual([]);
    expect(todo(doubt, since + every + minutes(1))).toHaveLength(1);
    const again = look(doubt, since + every + minutes(1), [bad()]);
    expect(worseIn(look(again, since + every + minutes(2)))).toEqual([]);
    const told = look(again, since + every + minutes(2), [bad()]);
    expect(worseIn(told)).toEqual([
      {
        ...{ region: 'us-east', node: first, what: 'service', is: 'bad', says: 'connection refused' },
        ...{ since: since + every, times: 1, well: null },
      },
    ]);
    expect(todo(told, since + every + minutes(3))).toEqual([]);
    expect(worseIn(look(told, since + 3 * every, [bad()]))).toHaveLength(1);
  });

  it('is told at once where one look shows it, and a restart is compared with itself from then on', () => {
    const runs = { invocation: 'i9', restarts: 1 };
    const told = look(over, since + every, [{ ...bad(first, true), says: 'systemd restarted it', runs }]);
    expect(worseIn(told)).toMatchObject([{ node: first, says: 'systemd restarted it', well: null }]);
    const well = look(told, since + 2 * every);
    expect(worseIn(well)).toMatchObject([{ well: since + 2 * every }]);
    expect(well.afterwards?.regions['us-east']?.runs).toEqual({ [first]: runs });
  });

  it('is told of each node and each check by itself', () => {
    const told = look(over, since + every, [bad(first, true), bad(second, true)]);
    const more = [2, 3, 4].reduce((all, times) => look(all, since + times * every, [errors]), told);
    expect(worseIn(more).map(({ node, what, well }) => [node, what, well === null])).toEqual([
      [first, 'service', false],
      [second, 'service', false],
      [first, { check: 'errors' }, true],
    ]);
  });

  it('is the same once more when it comes back soon, and news when it was well for an hour', () => {
    const told = look(over, since + every, [bad(first, true)]);
    const well = look(told, since + 2 * every);
    const soon = look(well, since + 3 * every, [bad(first, true)]);
    expect(worseIn(soon)).toMatchObject([{ times: 2, well: null }]);
    const later = through(look(soon, since + 4 * every), since + hours(2));
    expect(worseIn(look(later.rollout, later.at + every, [bad(first, true)]))).toMatchObject([
      { times: 2, well: since + 4 * every },
      { times: 1, well: null },
    ]);
  });

  it('keeps the end from being good as long as it lasts', () => {
    const told = look(over, since + every, [bad(first, true)]);
    const { rollout, at } = through(told, since + hours(20), () => [bad(first, true)]);
    const end = through(look(rollout, at + every), since + hours(60));
    expect(isOver(end.rollout)).toMatchObject({ is: 'well' });
    expect(end.at).toBeGreaterThan(at + hours(24));
  });

  it('is not what was bad before the upgrade touched the node', () => {
    const ill = [{ check: 'errors', is: 'bad', counts: 'bad', says: '7 %' }] as const;
    const node = over.nodes[first];
    if (node === undefined) throw new Error('no node');
    const before: Rollout = { ...over, nodes: { ...over.nodes, [first]: { ...node, illBefore: [...ill] } } };
    const { rollout } = through(before, since + hours(25), () => [errors]);
    expect([isOver(rollout)?.is, worseIn(rollout)]).toEqual(['well', []]);
  });

  it('keeps the highest rate of all looks beside that of the last', () => {
    const rate = (value: number) => ({ errors: { value, says: `${value} %` } });
    const high = look(over, since + every, [], 'us-east', rate(3));
    const low = look(high, since + 2 * every, [], 'us-east', rate(1)).afterwards?.regions['us-east'];
    expect([low?.rates, low?.highest]).toEqual([rate(1), rate(3)]);
  });
});

describe('a look', () => {
  const seen: Seen = { standing: 'healthy', detail: 'healthy', proof: 'holds' };
  const checks = { good: 1, others: [{ check: 'errors', is: 'bad', counts: 'bad', says: '7 %' } as const] };
  it.each<[string, Partial<Seen>, Unwell['runs'], Partial<Unwell>[]]>([
    ['nothing, of what is as it was left', {}, undefined, []],
    ['another image, for certain', { proof: 'broken', detail: 'another' }, undefined, [{ is: 'bad', sure: true }]],
    [
      'a restart, with what runs since',
      { proof: 'broken' },
      { invocation: 'i9', restarts: 0 },
      [{ is: 'bad', sure: true, runs: { invocation: 'i9', restarts: 0 } }],
    ],
    ['a node that answers wrongly', { standing: 'down' }, undefined, [{ what: 'service', is: 'bad' }]],
    ['silence as unknown', { standing: 'unclear' }, undefined, [{ what: 'service', is: 'unknown' }]],
    ['what cannot be looked at as unknown', { proof: 'unseen' }, undefined, [{ what: 'service', is: 'unknown' }]],
    ['a bad check', { checks }, undefined, [{ what: { check: 'errors' }, is: 'bad', says: '7 %' }]],
    ['the service alone, where it explains its checks', { standing: 'down', checks }, undefined, [{ what: 'service' }]],
  ])('finds %s', (_, changes, runs, found) => {
    const unwell = unwellIn({ [first]: { ...seen, ...changes } }, runs === undefined ? {} : { [first]: runs });
    expect(unwell).toHaveLength(found.length);
    expect(unwell).toMatchObject(found);
  });
});

it('any story of looks: it is never well sooner than wanted, tells nothing twice at a time, and ends', () => {
  const what = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Unwell[]>([]) },
    { weight: 1, arbitrary: fc.constantFrom<Unwell[]>([bad()], [bad(second, true)], [errors], [unclear()]) },
  );
  const gap = fc.constantFrom(1, 1, 1, 1, 2, 12, -3);
  const stretch = fc.record({ what, gap, times: fc.constantFrom(1, 2, 3, 100, 400) });
  const ends = new Set<string>();
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 6 }), (story) => {
      let rollout = over;
      let at = since;
      let last = since;
      let truly = 0;
      for (const { what: unwell, gap: steps, times } of story) {
        for (let time = 0; time < times && isWatchedAfterwards(rollout); time += 1) {
          at += steps * every;
          const passed = unwell.length === 0 ? Math.min(Math.max(0, at - last), 2 * every) : 0;
          truly = unwell.some(({ is }) => is === 'bad') ? 0 : truly + passed;
          last = at;
          rollout = look(rollout, at, unwell);
          const open = worseIn(rollout).filter(({ well }) => well === null);
          if (new Set(open.map((each) => JSON.stringify([each.node, each.what]))).size < open.length)
            throw new Error('told twice at a time');
          const end = isOver(rollout);
          if (end?.is === 'well') expect([truly >= hours(24), open]).toEqual([true, []]);
        }
      }
      const end = isOver(next(rollout, { type: 'ticked', at: since + hours(72) }));
      expect(end).not.toBeNull();
      ends.add(end?.is ?? '');
    }),
  );
  expect([...ends].sort()).toEqual(['unwell', 'well']);
});
