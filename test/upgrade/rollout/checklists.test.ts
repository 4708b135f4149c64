import { describe, expect, it } from 'vitest';
import {
  asked,
  askedForLists,
  entriesOf,
  forecast,
  gates,
  next,
  plan,
  tickOf,
  waitingForPeople,
  whyWaiting,
} from '../../../src/upgrade/rollout/index.ts';
import type { Checklists, Event, Fleet, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { approve } from '../../support/parts.ts';
import { fleetOf, inputOf, minutes, tuesday } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

const notes = { text: 'Notes read' };
const ready = { text: 'All ready', check: 'healthy' };
const none: Checklists = { before: [], during: [], after: [] };
const fleetWith = (checklists: Partial<Checklists>): Fleet => ({
  ...fleetOf({ bake: 0, pause: 0 }),
  checklists: { ...none, ...checklists },
});
const begin = (checklists: Partial<Checklists>): { start: Rollout; world: World } => {
  const start = plan(inputOf(fleetWith(checklists), { strategy: 'regions' }));
  return { start, world: worldOf(start) };
};
const tick = (item: string, at = tuesday + minutes(10), by = 'U0INES'): Event => ({
  type: 'item-ticked',
  at,
  by,
  item,
});
const untick = (item: string, at = tuesday + minutes(11)): Event => ({ type: 'item-unticked', at, by: 'U0OTTO', item });
const shutNow = (rollout: Rollout, now: number) =>
  whyWaiting(rollout, now).map(({ name, reason, owner }) => `${name}: ${reason} (${owner})`);
const isBegun = ({ startedAt }: Rollout) => startedAt !== null;

describe('before the first node', () => {
  it('nothing begins until a person ticked what is theirs', () => {
    const { start, world } = begin({ before: [notes] });
    const waits = drive(start, world, { from: tuesday });
    expect(waits.rollout.startedAt).toBeNull();
    expect(shutNow(waits.rollout, waits.now)).toEqual([
      'checklist: not ticked on the checklist: Notes read (whoever ticks it)',
    ]);
    const ticked = next(waits.rollout, tick('before.1'));
    expect(tickOf(ticked, entriesOf(ticked)[0] ?? never())).toEqual({
      is: 'ticked',
      by: 'U0INES',
      at: tuesday + minutes(10),
      says: null,
    });
    expect(drive(ticked, world, { from: tuesday + minutes(10), until: isBegun }).rollout.startedAt).not.toBeNull();
  });

  it('a tick that is taken back shuts it again, and changes nothing once a node was begun', () => {
    const { start, world } = begin({ before: [notes] });
    const staged = drive(start, world, { from: tuesday }).rollout;
    const back = next(next(staged, tick('before.1')), untick('before.1'));
    expect(back.ticks).toEqual({});
    expect(gates(back, 'us-east-op-1', tuesday + minutes(12)).map(({ name }) => name)).toEqual(['checklist']);
    const begun = drive(next(staged, tick('before.1')), world, { from: tuesday + minutes(10), until: isBegun }).rollout;
    expect(next(begun, untick('before.1', tuesday + minutes(20)))).toBe(begun);
  });

  it('a machine ticks from what was just seen of all regions, and as long as it does not nothing begins', () => {
    const { start, world } = begin({ before: [ready] });
    world.down.add('ap-south-op-3');
    const waits = drive(start, world, { from: tuesday, limit: 60 });
    expect(waits.rollout.startedAt).toBeNull();
    expect(shutNow(waits.rollout, waits.now)).toEqual([
      'checklist: not ticked on the checklist: All ready (8 of 9; not ap-south-op-3) (the nodes)',
    ]);
    // Nobody else ends that: people are called.
    const later = drive(waits.rollout, world, { from: waits.now + minutes(3), limit: 20 });
    expect(waitingForPeople(later.rollout).map(({ what }) => what)).toEqual(['node us-east-op-1']);
    world.down.clear();
    const went = drive(waits.rollout, world, { from: waits.now, until: isBegun });
    expect(went.rollout.startedAt).not.toBeNull();
    const [entry = never()] = entriesOf(went.rollout);
    const seen = tickOf(went.rollout, entry);
    expect(seen).toMatchObject({ is: 'ticked', by: 'healthy', says: '9 of 9' });
    expect((went.rollout.startedAt ?? 0) - (seen.at ?? 0)).toBeLessThan(20_000);
  });

  it('nobody ticks by hand what a machine ticks, nor what there is not', () => {
    const { start } = begin({ before: [ready, notes] });
    for (const item of ['before.1', 'before.3', 'after.1', '', '__proto__'])
      expect(next(start, tick(item)), item).toBe(start);
    expect(next(start, untick('before.2'))).toBe(start);
  });

  it('what no look was told of is never ticked', () => {
    const { start, world } = begin({ before: [{ text: 'Agents', check: 'agents' }] });
    const seen = drive(start, world, { from: tuesday, limit: 40 }).rollout;
    const [entry = never()] = entriesOf(seen);
    expect(tickOf(seen, entry)).toMatchObject({
      is: 'open',
      says: 'nobody can tell of us-east, eu-west, ap-south',
    });
    expect(seen.startedAt).toBeNull();
  });

  it('a node of which nobody can tell is not healthy', () => {
    const { start } = begin({ before: [{ text: 'All healthy', check: 'healthy' }] });
    const told = (standing: 'healthy' | 'unclear') =>
      Object.keys(start.looks).reduce<Rollout>((rollout, region) => {
        const seen = (rollout.peers[region] ?? []).map((name) => [name, { standing, proof: 'not asked', detail: '' }]);
        const all = { type: 'watched', at: tuesday + 5, run: 1, region, attempt: 1, seen: Object.fromEntries(seen) };
        return next(rollout, all as Event);
      }, start);
    const [entry = never()] = entriesOf(start);
    expect(tickOf(told('unclear'), entry)).toMatchObject({ is: 'open', says: expect.stringMatching(/^0 of 9; not/) });
    expect(tickOf(told('healthy'), entry)).toMatchObject({ is: 'ticked', says: '9 of 9' });
  });

  it('of what looks were told it is ticked when it is good everywhere', () => {
    const { start } = begin({ before: [{ text: 'Agents', check: 'agents' }] });
    const told = (not: string[], of = 3) =>
      Object.keys(start.looks).reduce<Rollout>(
        (rollout, region) =>
          next(rollout, {
            ...{ type: 'watched', at: tuesday + 5, run: 1, region, attempt: 1, seen: {} },
            tallies: { agents: { of, not: region === 'eu-west' ? not : [] } },
          }),
        start,
      );
    const [entry = never()] = entriesOf(start);
    // Of no node at all nothing is good.
    expect(tickOf(told([], 0), entry)).toMatchObject({ is: 'open' });
    expect(tickOf(told([]), entry)).toEqual({ is: 'ticked', by: 'agents', at: tuesday + 5, says: '9 of 9' });
    expect(tickOf(told(['eu-west-op-1: v0.9']), entry)).toMatchObject({
      is: 'open',
      says: '8 of 9; not eu-west-op-1: v0.9',
    });
  });

  it('is foreseen as if all were ticked', () => {
    const { start } = begin({ before: [notes, ready], during: [notes] });
    expect(forecast(start, 'p50').end).not.toBeNull();
  });
});

describe('between the parts, and after', () => {
  it('each approval has its own list, which is asked for besides the approval', () => {
    const { start, world } = begin({ during: [notes], after: [notes] });
    expect(entriesOf(start).map(({ number, key }) => `${number} ${key}`)).toEqual([
      ...['1 during/eu-west.1', '2 during/ap-south.1', '3 after.1'],
    ]);
    const gate = drive(start, world, { from: tuesday, until: (each) => asked(each).length > 0 });
    const yes = next(gate.rollout, approve('eu-west', 'U-eu-west', gate.now));
    const waits = drive(yes, world, { from: gate.now, limit: 40 });
    expect(shutNow(waits.rollout, waits.now).join()).toContain('not ticked on the checklist: Notes read');
    // That of the other part opens nothing here.
    const other = drive(next(waits.rollout, tick('during/ap-south.1', waits.now)), world, {
      from: waits.now,
      limit: 40,
    });
    expect(other.rollout.nodes['eu-west-op-1']?.touched).toBe(false);
    const on = drive(next(other.rollout, tick('during/eu-west.1', other.now)), world, {
      from: other.now,
      until: (each) => asked(each).length > 0,
    });
    expect(on.rollout.nodes['eu-west-op-3']?.state.is).toBe('done');
    expect(next(on.rollout, untick('during/eu-west.1', on.now))).toBe(on.rollout);
    expect(next(on.rollout, tick('after.1', on.now))).toBe(on.rollout);
  });

  it('a machine ticks the last one from the looks that bring the end: afterwards nobody looks', () => {
    const fleet = fleetWith({ after: [{ text: 'Agents', check: 'agents' }] });
    const one = plan(inputOf(fleet, { regions: ['us-east'] }));
    const world = worldOf(one);
    const until = ({ nodes }: Rollout) => Object.values(nodes).every(({ state }) => state.is === 'done');
    const almost = drive(one, world, { from: tuesday, until });
    expect(almost.rollout.status.is).toBe('running');
    expect([askedForLists(one), askedForLists(almost.rollout)]).toEqual([[], ['agents']]);
    const tallies = { agents: { of: 3, not: [] } };
    const over = drive(almost.rollout, world, { from: almost.now }).events.reduce<Rollout>(
      (rollout, event) => next(rollout, event.type === 'watched' ? { ...event, tallies } : event),
      almost.rollout,
    );
    expect(over.status.is).toBe('done');
    const [entry = never()] = entriesOf(over);
    expect(tickOf(over, entry)).toMatchObject({ is: 'ticked', by: 'agents', says: '3 of 3' });
  });

  it('the last one is ticked once it is over, and changes nothing else', () => {
    const { start, world } = begin({ after: [notes] });
    const one = plan(inputOf(fleetWith({ after: [notes] }), { regions: ['us-east'] }));
    const { rollout, now } = drive(one, worldOf(one), { from: tuesday });
    expect(rollout.status.is).toBe('done');
    const ticked = next(rollout, tick('after.1', now));
    expect(ticked).toEqual({ ...rollout, rest: ticked.rest, ticks: { 'after.1': { by: 'U0INES', at: now } } });
    expect(ticked.lastWord).toEqual(rollout.lastWord);
    expect(drive(start, world, { from: tuesday, until: isBegun }).rollout.startedAt).not.toBeNull();
  });
});

function never(): never {
  throw new Error('there is no item');
}
