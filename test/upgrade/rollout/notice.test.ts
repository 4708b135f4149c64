import { describe, expect, it } from 'vitest';
import {
  dueNotices,
  forecast,
  gates,
  knowing,
  laterStart,
  next,
  nextWake,
  noticeOver,
  plan,
  startOf,
  toldSince,
} from '../../../src/upgrade/rollout/index.ts';
import type { Event, Fleet, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, hours, inputOf, minutes, release, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const majors = { approvers: 1, canaryApproval: false, notice: hours(48) };
const fleet: Fleet = { ...fleetOf({ majors, announce: [hours(24), hours(1)] }), audiences: ['status page'] };

/** Planned on Tuesday at 07:30 UTC, always open windows. */
const major = (changes: Parameters<typeof inputOf>[1] = {}): Rollout => plan(inputOf(fleet, changes));

const told = (audience: string, at: number, startAt: number | null = null, move = 0): Event => ({
  type: 'announced',
  audience,
  kind: 'scheduled',
  startAt,
  begins: null,
  at,
  ...(move === 0 ? {} : { move }),
});
const moved = (at: number, startAt: number): Event => ({ type: 'rescheduled', at, by: 'U1', startAt });
const folded = (rollout: Rollout, ...events: Event[]): Rollout => events.reduce(next, rollout);
const bothTold = (at: number, startAt: number | null = null, move = 0): Event[] => [
  told('channel', at, startAt, move),
  told('status page', at, startAt, move),
];

const noticeGate = (rollout: Rollout, now: number) =>
  gates(rollout, 'us-east-op-1', now).find(({ name }) => name === 'notice') ?? null;

describe('the notice of a major', () => {
  it('holds the first node until it was delivered to each audience, and for so long after', () => {
    const rollout = major();
    expect(noticeGate(rollout, tuesday)?.reason).toMatch(/not told yet: channel, status page$/);
    const half = folded(rollout, told('channel', tuesday + minutes(1)));
    expect(noticeOver(half)).toBeNull();
    expect(noticeGate(half, tuesday + hours(1_000))?.reason).toMatch(/not told yet: status page$/);
    const known = folded(half, told('status page', tuesday + hours(3)));
    expect(noticeGate(known, tuesday + hours(51) - 1)).toMatchObject({ opensAt: tuesday + hours(51) });
    expect(noticeGate(known, tuesday + hours(51))).toBeNull();
  });

  it('is none for a version that is no major, with a setting of none, and where nobody asked for one', () => {
    const minor = { ...release, version: 'v1.1.0' };
    expect(major({ release: minor }).notice).toBeUndefined();
    expect(plan(inputOf(fleetOf({ majors: { ...majors, notice: 0 } }))).notice).toBeUndefined();
    expect(plan(inputOf(fleetOf())).notice).toBeUndefined();
  });

  it('begins anew when the start is moved earlier, and goes on when it is moved later', () => {
    const at = tuesday + hours(100);
    const rollout = folded(major({ startAt: at }), ...bothTold(tuesday, at));
    expect(noticeOver(rollout)).toBe(tuesday + hours(48));
    const later = folded(rollout, moved(tuesday + hours(10), at + hours(24)));
    expect(noticeOver(later)).toBe(tuesday + hours(48));
    const earlier = folded(rollout, moved(tuesday + hours(10), at - hours(24)));
    expect(noticeOver(earlier)).toBeNull();
    const again = folded(earlier, ...bothTold(tuesday + hours(11), at - hours(24), 1));
    expect(noticeOver(again)).toBe(tuesday + hours(59));
    // Back to what everybody was told first.
    expect(noticeOver(folded(again, moved(tuesday + hours(12), at)))).toBe(tuesday + hours(48));
  });

  it('begins anew when the start comes back from a later time, heard or not, and is told again', () => {
    const first = tuesday + hours(60);
    const rollout = folded(major({ startAt: first }), ...bothTold(tuesday, first));
    const later = folded(rollout, moved(tuesday + hours(1), first + hours(100)));
    const heard = folded(later, ...bothTold(tuesday + hours(2), first + hours(100), 1));
    for (const before of [later, heard]) {
      const back = folded(before, moved(tuesday + hours(30), first));
      expect(noticeOver(back)).toBeNull();
      expect(dueNotices(back, null).map(({ audience, move }) => [audience, move])).toEqual([
        ['channel', 2],
        ['status page', 2],
      ]);
      // What arrives late of the plan is not told of the second move.
      expect(next(back, told('channel', tuesday + hours(31), first))).toBe(back);
      expect(noticeOver(folded(back, ...bothTold(tuesday + hours(31), first, 2)))).toBe(tuesday + hours(79));
    }
  });

  it('keeps the time that was told, also when a freeze that had moved it there is lifted', () => {
    const freeze = { id: 'f1', start: tuesday, end: tuesday + hours(200), reason: 'audit', author: 'U9' };
    const regions = fleet.regions.map((each) => ({ ...each, calendar: { ...each.calendar, freezes: [freeze] } }));
    const rollout = plan(inputOf({ ...fleet, regions }));
    const begins = startOf(rollout);
    expect(begins).toBe(tuesday + hours(200));
    const known = folded(
      rollout,
      ...dueNotices(rollout, begins).map((due): Event => ({ type: 'announced', ...due, at: tuesday })),
    );
    const lifted = knowing(known, () => [], { is: 'not wanted' });
    expect(noticeGate(lifted, tuesday + hours(100))).toMatchObject({ opensAt: begins });
    expect(noticeGate(lifted, tuesday + hours(200))).toBeNull();
  });

  it('foretells no time that has passed to whoever could not be told for days', () => {
    const rollout = folded(major(), told('channel', tuesday));
    expect(startOf(rollout)).toBe(tuesday + hours(48));
    expect(startOf(rollout, tuesday + hours(72))).toBe(tuesday + hours(120));
  });

  it('is due again with each move, to each audience once', () => {
    const at = tuesday + hours(100);
    const audiences = (rollout: Rollout) => dueNotices(rollout, null).map(({ audience }) => audience);
    const rollout = major({ startAt: at });
    expect(audiences(rollout)).toEqual(['channel', 'status page']);
    const known = folded(rollout, ...bothTold(tuesday, at));
    expect(audiences(known)).toEqual([]);
    expect(next(known, told('channel', tuesday + 1, at))).toBe(known);
    expect(audiences(folded(known, moved(tuesday + 2, at + hours(1))))).toEqual(['channel', 'status page']);
  });

  it('says to whoever knew of a start that it was cancelled, also after the end', () => {
    const rollout = folded(major(), told('channel', tuesday));
    const ended = folded(rollout, { type: 'stopped', at: tuesday + 1, by: 'U1' });
    expect(ended.status.is).toBe('stopped');
    const due = { audience: 'channel', kind: 'cancelled', startAt: null, begins: null } as const;
    expect(dueNotices(ended, null)).toEqual([due]);
    const said = next(ended, { type: 'announced', ...due, at: tuesday + 2 });
    expect(dueNotices(said, null)).toEqual([]);
    expect(said.status.is).toBe('stopped');
  });

  it('takes nothing for told that was told of another start, or to somebody else', () => {
    const rollout = major({ startAt: tuesday + hours(100) });
    expect(next(rollout, told('channel', tuesday, null))).toBe(rollout);
    expect(next(rollout, told('somebody', tuesday, tuesday + hours(100)))).toBe(rollout);
    expect(toldSince(rollout)).toEqual([
      { audience: 'channel', since: null },
      { audience: 'status page', since: null },
    ]);
  });

  it('is opened neither by an override nor by an approval', () => {
    const override = { by: 'U1', reason: 'fire' };
    expect(() => major({ override })).toThrow(
      /major version, which is announced 48 h before.*--now does not open that/,
    );
  });

  it('is counted in by the plan, the forecast and the reminder of a missed start', () => {
    const rollout = major();
    expect(startOf(rollout)).toBe(tuesday + hours(48));
    expect(forecast(rollout, 'p50').regions[0]?.begin).toBeGreaterThanOrEqual(tuesday + hours(48));
    expect(forecast(rollout, 'p50').end).not.toBeNull();
    const known = folded(rollout, ...bothTold(tuesday + hours(2)));
    expect(startOf(known)).toBe(tuesday + hours(50));
  });
});

describe('the first approval of a start that is far ahead', () => {
  const strict = fleetOf({ majors, announce: [], oneMayBegin: 'nowhere' });
  const far = () => {
    const planned = plan(inputOf(strict, { startAt: tuesday + hours(100) }));
    const { rollout } = drive(planned, worldOf(planned), { from: tuesday, until: isStaged });
    return folded(rollout, told('channel', tuesday + minutes(5), rollout.startAt));
  };
  const isStaged = ({ nodes }: Rollout) => Object.values(nodes).every(({ state }) => state.is === 'ready');
  const first = ({ phases }: Rollout) => phases.find(({ is }) => is === 'approval')?.state.is;
  const ticked = (rollout: Rollout, at: number): Rollout => next(rollout, { type: 'ticked', at });
  /** Approvals hold for 48 h, so it is asked for 24 h before the start. */
  const from = tuesday + hours(76);

  it('is asked for so late that a yes still holds then, and `why` says when', () => {
    const staged = far();
    expect(first(ticked(staged, from - 1_000))).toBe('pending');
    const shut = gates(staged, 'us-east-op-1', tuesday + hours(1)).find(({ name }) => name === 'approval');
    expect(shut).toMatchObject({ reason: 'all regions is not asked for yet', opensAt: from });
    expect(nextWake(staged, from - hours(1))).toBeLessThanOrEqual(from);
    expect(first(ticked(staged, from))).toBe('active');
  });

  it('is not asked for while somebody has still to be told, who may be told days later: no answer would hold it, and a yes be too old', () => {
    const planned = plan(inputOf(strict));
    const { rollout: staged } = drive(planned, worldOf(planned), { from: tuesday, until: isStaged });
    const days = [24, 48, 72, 96].map((count) => tuesday + hours(count));
    const waits = days.reduce(ticked, staged);
    expect(first(waits)).toBe('pending');
    expect(waits.status.is).toBe('running');
    const known = folded(waits, told('channel', tuesday + hours(97)));
    const asks = tuesday + hours(97 + 24);
    expect(first(ticked(known, asks - 1_000))).toBe('pending');
    expect(gates(known, 'us-east-op-1', tuesday + hours(98)).find(({ name }) => name === 'approval')?.opensAt).toBe(
      asks,
    );
    expect(nextWake(known, tuesday + hours(98))).toBeLessThanOrEqual(asks);
    expect(first(ticked(known, asks))).toBe('active');
  });

  it('is not asked for any more when the start is moved away, unless somebody said yes', () => {
    const asked = ticked(far(), from);
    const away = next(asked, moved(from + 1, from + hours(200)));
    expect(first(away)).toBe('pending');
    expect(first(ticked(away, from + hours(175)))).toBe('pending');
    expect(first(ticked(away, from + hours(176)))).toBe('active');
  });

  it('is asked for at once in what was planned by a version that did so', () => {
    const { ahead: _, ...old } = plan(inputOf(strict, { startAt: tuesday + hours(100) }));
    expect(first(drive(old, worldOf(old), { from: tuesday, limit: 50 }).rollout)).toBe('active');
  });
});

describe('a start that is moved', () => {
  const planned = plan(inputOf(fleetOf({ announce: [hours(24), hours(1)] }), { startAt: tuesday + hours(30) }));
  const refused: [string, Rollout, Event][] = [
    ['to the past', planned, moved(tuesday + hours(2), tuesday + hours(1))],
    ['to where it is', planned, moved(tuesday, tuesday + hours(30))],
    ['from where it is no more', planned, { ...moved(tuesday, tuesday + hours(31)), from: null } as Event],
    ['of what has begun', { ...planned, startedAt: tuesday }, moved(tuesday, tuesday + hours(31))],
    ['of what ends', { ...planned, status: { is: 'stopping', by: 'U1', at: tuesday } }, moved(tuesday, tuesday + 1)],
    [
      'of what breaks the glass',
      { ...planned, override: { by: 'U1', reason: 'x', until: tuesday + hours(34) } },
      moved(tuesday, tuesday + hours(31)),
    ],
  ];
  it.each(refused)('changes nothing %s', (_, rollout, event) => expect(next(rollout, event)).toBe(rollout));

  it('keeps who moved it from when to when', () => {
    const after = folded(planned, moved(tuesday, tuesday + hours(31)), moved(tuesday + 1, tuesday + hours(32)));
    expect(after.startAt).toBe(tuesday + hours(32));
    expect(after.moves).toEqual([
      { by: 'U1', at: tuesday, from: tuesday + hours(30), to: tuesday + hours(31) },
      { by: 'U1', at: tuesday + 1, from: tuesday + hours(31), to: tuesday + hours(32) },
    ]);
  });

  it('can be put off to the opening after it', () => {
    const guide = plan(inputOf(fleetOf({}, { windows: 'guide' })));
    // Wednesday 02:00 in New York, since Tuesday's is open.
    expect(laterStart(guide)).toBe(Date.UTC(2026, 10, 25, 7));
    const once = next(guide, moved(tuesday, Date.UTC(2026, 10, 25, 7)));
    expect(laterStart(once)).toBe(Date.UTC(2026, 10, 26, 7));
    expect(laterStart({ ...once, startedAt: tuesday })).toBeNull();
  });
});

describe('a start that is waited for', () => {
  const planned = plan(inputOf(fleetOf({ announce: [hours(24), hours(1)] }), { startAt: tuesday + hours(30) }));
  const ticked = (rollout: Rollout, at: number): Rollout => next(rollout, { type: 'ticked', at });

  it('is said again before, each time once, and wakes for it', () => {
    const start = tuesday + hours(30);
    expect(nextWake(planned, tuesday + 1)).toBeLessThanOrEqual(start - hours(24));
    expect(ticked(planned, start - hours(24) - 1).ahead).toBeNull();
    const day = ticked(planned, start - hours(24));
    expect(day.ahead).toEqual({ of: start, before: hours(24) });
    expect(ticked(day, start - hours(20)).ahead).toBe(day.ahead);
    expect(ticked(day, start - hours(1)).ahead).toEqual({ of: start, before: hours(1) });
    expect(ticked(planned, start).ahead).toBeNull();
  });

  it('is not said again where that was before anybody planned or moved it', () => {
    const soon = plan(inputOf(fleetOf({ announce: [hours(24), hours(1)] }), { startAt: tuesday + hours(2) }));
    expect(ticked(soon, tuesday + minutes(1)).ahead).toBeNull();
    expect(ticked(soon, tuesday + hours(1)).ahead).toEqual({ of: tuesday + hours(2), before: hours(1) });
    const put = next(planned, moved(tuesday + hours(10), tuesday + hours(11)));
    expect(ticked(put, tuesday + hours(10) + 1).ahead).toBeNull();
  });

  it('is not said again while somebody has still to be told of a major, which begins later than that', () => {
    const half = folded(major(), told('channel', tuesday));
    expect(ticked(half, tuesday + hours(24)).ahead).toBeNull();
    const both = folded(half, told('status page', tuesday + hours(30)));
    expect(ticked(both, tuesday + hours(54)).ahead).toEqual({ of: tuesday + hours(78), before: hours(24) });
  });

  describe('of a major', () => {
    const far = tuesday + hours(100);
    const known = (rollout: Rollout, at: number) => folded(rollout, ...bothTold(at, rollout.startAt));

    it('is also said again as long before as its notice', () => {
      const rollout = known(major({ startAt: far }), tuesday + minutes(1));
      expect(ticked(rollout, far - hours(48) - 1).ahead).toBeNull();
      const due = ticked(rollout, far - hours(48));
      expect(due.ahead).toEqual({ of: far, before: hours(48) });
      expect(ticked(due, far - hours(24)).ahead).toEqual({ of: far, before: hours(24) });
      expect(nextWake(rollout, tuesday + minutes(2))).toBeLessThanOrEqual(far - hours(48));
    });

    it('is not said again in the moment in which everybody was told', () => {
      const rollout = known(major(), tuesday + minutes(1));
      expect(startOf(rollout)).toBe(tuesday + minutes(1) + hours(48));
      expect(ticked(rollout, tuesday + minutes(2)).ahead).toBeNull();
    });

    it('only where starts are said again at all, and no other release is', () => {
      const silent = { ...fleet, policy: { ...fleet.policy, announce: [] } };
      expect(plan(inputOf(silent)).policy.announce).toEqual([]);
      expect(major({ release: { ...release, version: 'v1.1.0' } }).policy.announce).toEqual([hours(24), hours(1)]);
      expect(major().policy.announce).toEqual([hours(48), hours(24), hours(1)]);
    });
  });

  it('says nothing in what was planned by a version that did not know of it', () => {
    const { ahead: _, ...old } = planned;
    expect(ticked(old, tuesday + hours(29)).ahead).toBeUndefined();
  });
});
