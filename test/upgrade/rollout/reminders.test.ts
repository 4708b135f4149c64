import { describe, expect, it } from 'vitest';
import { next, nextWake, plan, todo, waitingForPeople, waitKey } from '../../../src/upgrade/rollout/index.ts';
import { nextReminder } from '../../../src/upgrade/rollout/reminders.ts';
import type { Event, NodeRun, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { isAsked } from '../../support/parts.ts';
import { fleetOf, hours, inputOf, minutes, planned, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const reminders = [minutes(15), minutes(30), hours(2)];
const tick = (rollout: Rollout, at: number): Rollout => next(rollout, { type: 'ticked', at });
const remindedOf = ({ reminded = {} }: Rollout) => Object.values(reminded);

/** Held over a node that was rolled back. */
function held(changes = {}): Rollout {
  const start = planned({ reminders, pause: 0, ...changes });
  const world = worldOf(start);
  world.bad.add('us-east-op-1');
  const until = (rollout: Rollout) => rollout.nodes['us-east-op-1']?.state.is === 'rolled-back';
  return drive(start, world, { from: tuesday, until }).rollout;
}
const since = (rollout: Rollout): number => waitingForPeople(rollout)[0]?.since ?? 0;

it('counts each reminder once, when it is due, and wakes for it', () => {
  const rollout = held();
  const at = since(rollout);
  expect(remindedOf(tick(rollout, at + minutes(15) - 1))).toEqual([]);
  const first = tick(rollout, at + minutes(15));
  expect(remindedOf(first)).toEqual([1]);
  expect(tick(first, at + minutes(16))).toBe(first);
  expect(remindedOf(tick(first, at + minutes(30)))).toEqual([2]);
  // The looks that go on while it is held wake it, too.
  expect(nextWake(first, at + minutes(30) - 1)).toBe(at + minutes(30));
});

it('does not call for every one that was missed while nobody was there', () => {
  const rollout = held();
  expect(remindedOf(tick(rollout, since(rollout) + hours(9)))).toEqual([3]);
});

it('forgets what was decided, and begins anew with the next wait', () => {
  const rollout = held();
  const late = tick(rollout, since(rollout) + hours(1));
  const retried: Event = { type: 'retried', at: since(rollout) + hours(1), by: 'U1', epoch: 0 };
  expect(remindedOf(tick(next(late, retried), since(rollout) + hours(1) + 1))).toEqual([]);
});

it('calls for an approval that nobody gives', () => {
  const start = plan(inputOf(fleetOf({ reminders }), { strategy: 'regions' }));
  const to = drive(start, worldOf(start), { from: tuesday, until: (rollout) => isAsked(rollout, 'eu-west') });
  const [waiting] = waitingForPeople(to.rollout);
  expect(waiting?.what).toBe('approval/eu-west');
  expect(tick(to.rollout, to.now + minutes(15)).reminded).toEqual({
    [`approval/eu-west.${Math.floor(to.now / 1000)}`]: 1,
  });
});

describe('while people sleep', () => {
  const daily = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
  const waking = [{ days: [...daily], from: '08:00', to: '22:00' }];
  const at = (written: string): number => Date.parse(`${written}:00Z`);
  /** eu-west (Dublin: UTC in November) waits for an approval since then. */
  function asks(since: number, changes = {}): Rollout {
    const start = plan(inputOf(fleetOf({ reminders, waking, ...changes }), { strategy: 'regions' }));
    const { rollout } = drive(start, worldOf(start), { from: tuesday, until: (each) => isAsked(each, 'eu-west') });
    const phases = rollout.phases.map((phase) =>
      phase.id === 'approval/eu-west' ? { ...phase, state: { is: 'active' as const, since } } : phase,
    );
    return { ...rollout, phases } as Rollout;
  }

  it('a question that was asked by day calls again in the morning, and wakes for that', () => {
    const rollout = asks(at('2026-11-24T21:50'));
    expect(remindedOf(tick(rollout, at('2026-11-24T22:05')))).toEqual([]);
    expect(remindedOf(tick(rollout, at('2026-11-25T03:00')))).toEqual([]);
    expect(nextReminder(rollout, at('2026-11-24T21:51'))).toBe(at('2026-11-25T08:05'));
    expect(remindedOf(tick(rollout, at('2026-11-25T08:04')))).toEqual([]);
    expect(remindedOf(tick(asks(at('2026-11-24T21:40')), at('2026-11-24T21:55')))).toEqual([1]);
  });

  it('nobody who comes last is the first to be called in the morning: what people slept through does not count', () => {
    const rollout = asks(at('2026-11-24T21:50'));
    expect(remindedOf(tick(rollout, at('2026-11-25T08:05')))).toEqual([1]);
    expect(remindedOf(tick(rollout, at('2026-11-25T08:20')))).toEqual([2]);
    expect(remindedOf(tick(rollout, at('2026-11-25T09:49')))).toEqual([2]);
    expect(remindedOf(tick(rollout, at('2026-11-25T09:50')))).toEqual([3]);
  });

  it('one that was asked shortly before they sleep calls again before the window of that night, which it would lose', () => {
    const nightly = { zone: 'Europe/Dublin', windows: [{ days: [...daily], from: '02:00', to: '06:00' }], freezes: [] };
    const open = asks(at('2026-11-24T21:50'));
    const rollout = { ...open, calendars: { ...open.calendars, 'eu-west': nightly } };
    expect(nextReminder(rollout, at('2026-11-24T21:51'))).toBe(at('2026-11-24T22:05'));
    expect(remindedOf(tick(rollout, at('2026-11-24T22:20')))).toEqual([2]);
    // Nothing is lost where the window is open in the morning as well.
    const long = { ...nightly, windows: [{ days: [...daily], from: '02:00', to: '12:00' }] };
    const later = { ...open, calendars: { ...open.calendars, 'eu-west': long } };
    expect(nextReminder(later, at('2026-11-24T21:51'))).toBe(at('2026-11-25T08:05'));
  });

  it('one that was asked at night, since it could not wait, calls again at night; so do those of settings without such hours', () => {
    expect(remindedOf(tick(asks(at('2026-11-24T23:00')), at('2026-11-24T23:15')))).toEqual([1]);
    expect(remindedOf(tick(asks(at('2026-11-24T21:50'), { waking: [] }), at('2026-11-24T22:05')))).toEqual([1]);
  });

  it('what went wrong calls at any hour', () => {
    const rollout = held({ waking });
    const late = { ...rollout, status: { ...rollout.status, at: at('2026-11-24T21:50') } } as Rollout;
    expect(remindedOf(tick(late, at('2026-11-24T22:05')))).toEqual([1]);
  });
});

it('calls when the start was missed: nobody was there, and the window went by', () => {
  const start = plan(inputOf(fleetOf({ reminders }, { windows: 'guide' }), { startAt: tuesday + hours(24) }));
  expect(remindedOf(tick(start, tuesday + hours(24) + minutes(14)))).toEqual([]);
  const missed = tick(start, tuesday + hours(24) + minutes(15));
  expect(missed.reminded).toEqual({ [`start.${(tuesday + hours(24)) / 1000}`]: 1 });
});

/** Everything is staged; the start is a day ahead. */
function staged(changes = {}) {
  const fleet = fleetOf({ reminders, ...changes }, { windows: 'guide' });
  const start = plan(inputOf(fleet, { startAt: tuesday + hours(24) }));
  const isReady = ({ nodes }: Rollout) => Object.values(nodes).every(({ state }) => state.is === 'ready');
  const { rollout, now } = drive(start, worldOf(start), { from: tuesday, until: isReady });
  expect(now).toBeLessThan(tuesday + hours(1));
  return rollout;
}

it('calls within a minute for a start that nothing kept and that was missed, and wakes for it', () => {
  const due = tuesday + hours(24);
  const ready = staged();
  expect(remindedOf(tick(ready, due + minutes(1) - 1))).toEqual([]);
  const missed = tick(ready, due + minutes(1));
  expect(missed.reminded).toEqual({ [`start.${due / 1000}`]: 1 });
  expect(nextReminder(ready, due)).toBe(due + minutes(1));
  expect(remindedOf(tick(ready, due + minutes(15)))).toEqual([2]);
  expect(remindedOf(tick(ready, due + hours(2)))).toEqual([4]);
  expect(remindedOf(tick(staged({ reminders: [] }), due + minutes(1)))).toEqual([1]);
});

it('calls nobody within a minute for a start that a freeze keeps', () => {
  const due = tuesday + hours(24);
  const freeze = { start: due - hours(1), end: due + hours(9), reason: 'audit', author: 'U9' };
  const ready = staged();
  const frozen = Object.fromEntries(
    Object.entries(ready.calendars).map(([name, calendar]) => [name, { ...calendar, freezes: [freeze] }]),
  );
  expect(remindedOf(tick({ ...ready, calendars: frozen }, due + minutes(1)))).toEqual([]);
});

it('calls for a start from when it could begin: not at once where it was approved, resumed, or staged a moment ago', () => {
  const due = tuesday + hours(24);
  const paused = next(staged(), { type: 'paused', at: due - minutes(1), by: 'U1' });
  const resumed = next(paused, { type: 'resumed', at: due + hours(1), by: 'U1' });
  expect(remindedOf(tick(resumed, due + hours(1) + 1_000))).toEqual([]);
  expect(remindedOf(tick(resumed, due + hours(1) + minutes(1)))).toEqual([1]);
  const ready = staged();
  const phases = ready.phases.map((phase) =>
    phase.state.is === 'active' ? { ...phase, state: { is: 'active' as const, since: due + hours(1) } } : phase,
  );
  const late = { ...ready, phases } as Rollout;
  expect(remindedOf(tick(late, due + hours(1) + 1_000))).toEqual([]);
  expect(remindedOf(tick(late, due + hours(1) + minutes(1)))).toEqual([1]);
  const fleet = fleetOf({ reminders, oneMayBegin: 'nowhere' });
  const start = plan(inputOf(fleet, { strategy: 'regions' }));
  const { rollout, now } = drive(start, worldOf(start), { from: tuesday, until: (each) => isAsked(each, 'us-east') });
  const at = now + hours(3);
  const approved = next(rollout, { type: 'approved', at, phase: 'approval/us-east', by: 'U-us-east' });
  expect(approved.startedAt).toBe(null);
  expect(remindedOf(tick(approved, at + 1_000))).toEqual([]);
  expect(remindedOf(tick(approved, at + minutes(1)))).toEqual([1]);
});

it('calls for the region that no living worker serves as soon as the start is due', () => {
  const due = tuesday + hours(24);
  const alone = [1_000, 11_000, 21_000].reduce(
    (rollout: Rollout, after) => next(rollout, { type: 'ticked', at: due + after, silent: ['us-east'] }),
    staged(),
  );
  expect(waitingForPeople(alone)).toEqual([{ what: 'region us-east', since: due + 1_000 }]);
});

it('never calls where it was planned before there were reminders, or where the settings want none', () => {
  const { reminded: _, ...older } = held();
  expect(tick(older, since(older) + hours(9)).reminded).toBeUndefined();
  const rollout = held({ reminders: [] });
  expect(remindedOf(tick(rollout, since(rollout) + hours(9)))).toEqual([]);
});

const takenOn = (rollout: Rollout, at: number, by = 'U0OTTO'): Rollout =>
  next(rollout, { type: 'taken-on', at, by, waits: waitingForPeople(rollout).map(waitKey) });

it('reminds nobody of what somebody has, and does not wake for it', () => {
  const rollout = held();
  const at = since(rollout);
  const taken = takenOn(tick(rollout, at + minutes(15)), at + minutes(16));
  expect(Object.values(taken.taken ?? {})).toEqual([{ by: 'U0OTTO', at: at + minutes(16) }]);
  expect(remindedOf(tick(taken, at + hours(9)))).toEqual([]);
  const alone = { ...rollout, phases: [], nodes: {} };
  expect(nextReminder(alone, at)).toBe(at + minutes(15));
  expect(nextReminder({ ...alone, taken: taken.taken ?? {} }, at)).toBe(null);
});

it('calls for what newly waits, whoever has what waited before', () => {
  const at = since(held());
  const taken = takenOn(held(), at + 1_000);
  const again: Rollout = {
    ...taken,
    status: { is: 'held', reason: 'another', node: 'us-east-op-2', at: at + 5_000, pending: null },
  };
  expect(remindedOf(tick(again, at + minutes(16)))).toEqual([1]);
});

it('takes on only what they saw wait, and only once; somebody else may take it over', () => {
  const rollout = held();
  const at = since(rollout);
  const say = (of: Rollout, by: string, waits: string[], when = at + 1_000) =>
    next(of, { type: 'taken-on', at: when, by, waits });
  expect(say(rollout, 'U0OTTO', [])).toBe(rollout);
  expect(say(rollout, 'U0OTTO', ['held.1'])).toBe(rollout);
  const taken = takenOn(rollout, at + 1_000);
  expect(takenOn(taken, at + 2_000)).toBe(taken);
  const [over] = Object.values(takenOn(taken, at + 2_000, 'U0INES').taken ?? {});
  expect(over).toEqual({ by: 'U0INES', at: at + 2_000 });
});

it('cannot be said of a start that is not due yet', () => {
  const start = plan(inputOf(fleetOf({ reminders }), { startAt: tuesday + hours(24) }));
  expect(takenOn(start, tuesday + hours(1))).toBe(start);
  expect(takenOn(start, tuesday + hours(25)).taken).toBeDefined();
});

it('decides nothing: what is due stays due, and the last word is that of who decided', () => {
  const rollout = held();
  const at = since(rollout) + 1_000;
  const taken = takenOn(rollout, at);
  const { taken: _, ...rest } = taken;
  expect(rest).toEqual(rollout);
  expect(todo(taken, at)).toEqual(todo(rollout, at));
});

/** A gate was shut for two minutes before the first node, and by now somebody did something else. */
function shutAtFirst(then: (at: number) => Event | null): Rollout {
  const start = planned({ reminders });
  const name = 'us-east-op-1';
  const gate = { name: 'quorum' as const, reason: 'stopping it would leave 1 healthy', owner: 'op-2', opensAt: null };
  const at = tuesday + minutes(2);
  const wait = { gates: [gate], since: tuesday, at, times: 5, until: at };
  const node = { ...start.nodes[name], state: { is: 'ready', notBefore: at }, held: wait } as NodeRun;
  const rollout: Rollout = { ...start, nodes: { ...start.nodes, [name]: node } };
  const event = then(at + 1_000);
  return event === null ? rollout : next(rollout, event);
}

it('calls once for a gate that stays shut, not for the start that it delays besides, and not while somebody holds the rollout: then nobody asks that gate', () => {
  expect(waitingForPeople(shutAtFirst(() => null)).map(({ what }) => what)).toEqual(['node us-east-op-1']);
  const paused = shutAtFirst((at) => ({ type: 'paused', by: 'U1', at }));
  expect(waitingForPeople(paused)).toEqual([]);
  expect(remindedOf(tick(paused, tuesday + hours(3)))).toEqual([]);
});

it('calls for a node that fell silent in the middle, until it answers or somebody has it', () => {
  const name = 'us-east-op-1';
  const start = planned({ reminders, pause: 0, unknownAttempts: 999 });
  const world = worldOf(start);
  const isSwitched = ({ nodes }: Rollout) => nodes[name]?.state.is === 'working' && nodes[name]?.touched === true;
  const begun = drive(start, world, { from: tuesday, until: isSwitched });
  world.silent.add(name);
  world.lostProbes.set(name, 999);
  const at = begun.now + minutes(16);
  const { rollout, now } = drive(begun.rollout, world, {
    from: begun.now,
    until: (_, then) => then > at,
    limit: 9_000,
  });
  const { silentSince } = rollout.nodes[name] ?? {};
  expect(waitingForPeople(rollout)).toEqual([{ what: `node ${name}`, since: silentSince }]);
  expect(remindedOf(rollout)).toEqual([1]);
  const later = Object.keys(tick(takenOn(rollout, now), now + hours(3)).reminded ?? {});
  expect(later.filter((key) => key.startsWith('node'))).toEqual([]);
  world.silent.clear();
  world.lostProbes.clear();
  const answers = drive(rollout, world, { from: now, until: ({ nodes }) => nodes[name]?.state.is === 'done' });
  expect(waitingForPeople(answers.rollout)).toEqual([]);
});

it('calls for a rollback whose gate stays shut', () => {
  const name = 'us-east-op-1';
  const start = planned({ reminders, pause: 0 });
  const world = worldOf(start);
  const done = drive(start, world, { from: tuesday, until: ({ nodes }) => nodes[name]?.state.is === 'done' });
  world.down.add('us-east-op-2').add('us-east-op-3');
  const asked = next(done.rollout, { type: 'rollback-asked', at: done.now, by: 'U1', scope: { is: 'all' }, epoch: 0 });
  const later = drive(asked, world, { from: done.now, until: (_, at) => at > done.now + minutes(20) });
  expect(later.rollout.status.is).toBe('rolling-back');
  expect(remindedOf(later.rollout)).toEqual([1]);
});

it('what one has says nothing of another wait that began within the same second', () => {
  const first = held();
  const at = Math.ceil(since(first) / 1_000) * 1_000;
  const same = (moment: number): Rollout => ({
    ...first,
    status: { is: 'held', reason: 'it', node: 'us-east-op-1', at: moment, pending: null },
  });
  const taken = takenOn(same(at + 100), at + 200);
  const again: Rollout = { ...taken, status: same(at + 300).status };
  expect(remindedOf(tick(again, at + minutes(16)))).toEqual([1]);
  const [over] = Object.values(takenOn(again, at + 400).taken ?? {});
  expect(over).toEqual({ by: 'U0OTTO', at: at + 400 });
});
