import { describe, expect, it } from 'vitest';
import { gates, todo } from '../../../src/upgrade/rollout/index.ts';
import { settlePhases } from '../../../src/upgrade/rollout/phases.ts';
import type { Evidence, Gate, NodeRun, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { hours, minutes, noHalt, notWanted, planned, quiet, tuesday } from '../../support/rollouts.ts';

const first = 'us-east-op-1';
const now = tuesday;

/** Everything staged and looked at: nothing holds the first node. */
function ready(change: (rollout: Rollout) => Rollout = (rollout) => rollout): Rollout {
  const rollout = planned();
  const nodes = Object.fromEntries(
    Object.entries(rollout.nodes).map(([name, node]): [string, NodeRun] => [
      name,
      { ...node, state: { is: 'ready', notBefore: 0 } },
    ]),
  );
  const looks = Object.fromEntries(
    Object.entries(rollout.looks).map(([region, each]) => [region, { ...each, at: now - 1_000 }]),
  );
  return settlePhases(change({ ...rollout, nodes, looks }), now);
}

const withNode =
  (name: string, changes: Partial<NodeRun>) =>
  (rollout: Rollout): Rollout => {
    const node = rollout.nodes[name];
    if (!node) throw new Error(`no node ${name}`);
    return { ...rollout, nodes: { ...rollout.nodes, [name]: { ...node, ...changes } } };
  };
const withCalendar =
  (change: Partial<Rollout['calendars'][string]>) =>
  (rollout: Rollout): Rollout => {
    const calendar = rollout.calendars['us-east'];
    if (!calendar) throw new Error('no calendar');
    return { ...rollout, calendars: { ...rollout.calendars, 'us-east': { ...calendar, ...change } } };
  };
const named = (all: Gate[]) => all.map(({ name }) => name);
const days = ['tue' as const];

describe('the gates before a node is begun', () => {
  it('are open when everything is well', () => {
    expect(gates(ready(), first, now)).toEqual([]);
  });

  const shut: [string, (rollout: Rollout) => Rollout, Gate['name'][], Partial<Gate>][] = [
    [
      'a pause',
      (r) => ({ ...r, status: { is: 'paused', by: 'U1', at: now } }),
      ['pause'],
      { owner: 'whoever may resume' },
    ],
    [
      'a hold',
      (r) => ({ ...r, status: { is: 'held', reason: 'x', node: null, at: now, pending: null } }),
      ['state'],
      { reason: 'x' },
    ],
    ['a stop', (r) => ({ ...r, status: { is: 'stopping', by: 'U1', at: now } }), ['state'], {}],
    ['a time that has not come', (r) => ({ ...r, startAt: now + 1 }), ['schedule'], { opensAt: now + 1 }],
    [
      'a node that is not staged',
      withNode('ap-south-op-3', {
        state: { is: 'staging', failures: 0, unknowns: 0, notBefore: 0, since: null, lastReason: null },
      }),
      ['staged'],
      { reason: 'not staged yet: ap-south-op-3' },
    ],
    [
      'another node under way',
      withNode('ap-south-op-3', {
        state: {
          is: 'working',
          direction: 'back',
          phase: 'nodes/all',
          index: 1,
          step: 'restore',
          failures: 0,
          unknowns: 0,
          notBefore: 0,
          since: 0,
          lastReason: null,
        },
      }),
      ['turn'],
      { reason: 'ap-south-op-3 is being worked on' },
    ],
    [
      'a closed window',
      withCalendar({ windows: [{ days, from: '03:00', to: '05:00' }] }),
      ['window'],
      { opensAt: now + minutes(30) },
    ],
    [
      'a window in which the node does not fit any more',
      withCalendar({ windows: [{ days, from: '01:00', to: '02:35' }] }),
      ['window'],
      {},
    ],
    [
      'a freeze',
      withCalendar({ freezes: [{ start: now - 1, end: now + hours(1), reason: 'incident', author: 'U9' }] }),
      ['freeze'],
      { owner: 'U9', opensAt: now + hours(1) },
    ],
    ['the pause between two nodes', (r) => ({ ...r, rest: { ms: 0, at: now } }), ['turn'], { opensAt: now + 30_000 }],
    [
      'an old look at its region',
      (r) => ({ ...r, looks: { ...r.looks, 'us-east': { count: 1, at: now - 16_000, standing: {}, misses: {} } } }),
      ['proof'],
      { reason: 'us-east is being looked at' },
    ],
    [
      'a look that is far ahead of a clock which was set back',
      (r) => ({ ...r, looks: { ...r.looks, 'us-east': { count: 1, at: now + 16_000, standing: {}, misses: {} } } }),
      ['proof'],
      {},
    ],
    [
      'a finished node that nobody looked at for a while',
      withNode(first, {
        state: { is: 'done', at: now - hours(1), already: false },
        provenAt: now - 16_000,
        seenAt: null,
      }),
      ['proof'],
      {},
    ],
  ];
  it.each(shut)('%s shuts one, and says who can open it', (_what, change, names, gate) => {
    const rollout = ready(change);
    const node = rollout.nodes[first]?.state.is === 'done' ? 'us-east-op-2' : first;
    const found = gates(rollout, node, now);
    expect(named(found)).toEqual(names);
    expect(found[0]).toMatchObject(gate);
  });

  const open: [string, (rollout: Rollout) => Rollout][] = [
    ['a window in which the node just fits', withCalendar({ windows: [{ days, from: '01:00', to: '02:36' }] })],
    [
      'a freeze that ends now',
      withCalendar({ freezes: [{ start: now - hours(1), end: now, reason: 'incident', author: 'U9' }] }),
    ],
    [
      'a look 15 s ago',
      (r) => ({ ...r, looks: { ...r.looks, 'us-east': { count: 1, at: now - 15_000, standing: {}, misses: {} } } }),
    ],
    ['a pause that is over', (r) => ({ ...r, rest: { ms: 25_000, at: now - 5_000 } })],
  ];
  it.each(open)('%s shuts none', (_what, change) => {
    expect(gates(ready(change), first, now)).toEqual([]);
  });
});

describe('a rollout that nobody signed', () => {
  const unsigned = ready((r) => ({ ...r, unsigned: true }));

  it('has nothing to do, and says who can open it', () => {
    expect(todo(planned(), now)).not.toEqual([]);
    expect(todo({ ...planned(), unsigned: true }, now)).toEqual([]);
    expect(gates(unsigned, first, now)).toMatchObject([{ name: 'state', owner: 'whoever looks and adopts it' }]);
  });
});

describe('the gates of a node that is to be proven again', () => {
  const closed = withCalendar({ windows: [{ days, from: '03:00', to: '05:00' }] });
  const again = (status: Rollout['status']) =>
    ready((r) => ({ ...closed(withNode(first, { touched: true })(r)), status }));

  it('need no window: what was changed is finished before anything else', () => {
    expect(gates(again({ is: 'running' }), first, now)).toEqual([]);
  });

  const kept: [Rollout['status'], Gate['name'][]][] = [
    [{ is: 'paused', by: 'U1', at: now }, ['pause']],
    [{ is: 'held', reason: 'x', node: null, at: now, pending: null }, ['state']],
    [{ is: 'stopping', by: 'U1', at: now }, ['state']],
    [{ is: 'stopped', by: 'U1', at: now }, ['state']],
  ];
  it.each(kept)('say that nothing is begun while the rollout is %j', (status, names) => {
    expect(named(gates(again(status), first, now))).toEqual(names);
  });
});

describe('the gates right before a stop', () => {
  const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
    standing: { 'us-east-op-1': 'healthy', 'us-east-op-2': 'healthy', 'us-east-op-3': 'healthy' },
    sight: { down: false, unchanged: true },
    freezes: [],
    alerts: quiet,
    halt: noHalt,
    elsewhere: notWanted,
    compatibility: notWanted,
    ...changes,
  });
  const switching = ready(
    withNode(first, {
      touched: true,
      uncertain: true,
      state: {
        is: 'working',
        direction: 'forward',
        phase: 'nodes/all',
        index: 1,
        step: 'switch',
        failures: 0,
        unknowns: 0,
        notBefore: 0,
        since: now,
        lastReason: null,
      },
    }),
  );

  it('are all asked as long as nothing was changed', () => {
    const paused: Rollout = { ...switching, status: { is: 'paused', by: 'U1', at: now } };
    expect(named(gates(paused, first, now, evidence()))).toEqual(['pause']);
    expect(named(gates(paused, first, now, evidence({ sight: { down: false, unchanged: false } })))).toEqual([]);
  });

  it('see a freeze that was declared after the plan', () => {
    const freezes = [{ start: now - 1, end: now + hours(1), reason: 'new', author: 'U9' }];
    expect(named(gates(switching, first, now, evidence({ freezes })))).toEqual(['freeze']);
  });

  it('count a peer that nobody knows about as not healthy', () => {
    expect(named(gates(switching, first, now, evidence({ standing: { 'us-east-op-2': 'healthy' } })))).toEqual([
      'quorum',
    ]);
  });
});
