import { expect, it } from 'vitest';
import {
  approvals,
  asked,
  declineOf,
  gates,
  next,
  ordersAfter,
  plan,
  waitingForPeople,
} from '../../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, hours, inputOf, minutes, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const phase = 'approval/eu-west';

/** Asked for eu-west, which wants so many people. */
function gate(needed = 1) {
  const fleet = fleetOf({ pause: 0, reminders: [minutes(15)] });
  const regions = fleet.regions.map((region) => ({ ...region, needed }));
  const start = plan(inputOf({ ...fleet, regions }, { strategy: 'regions' }));
  const world = worldOf(start);
  return { world, ...drive(start, world, { from: tuesday, until: (rollout) => asked(rollout).length > 0 }) };
}
const no = (at: number, by = 'U0INES', reason: string | null = 'error rate is up'): Event => ({
  type: 'declined',
  at,
  phase,
  by,
  reason,
});
const yes = (at: number, by: string): Event => ({ type: 'approved', at, phase, by });
const askedFor = (rollout: Rollout) => approvals(rollout)[0];

it('a no begins nothing, for as long as nobody says yes, and says why', () => {
  const { rollout, now, world } = gate();
  const declined = next(rollout, no(now));
  const starts = world.starts.length;
  const later = drive(declined, world, { from: now, until: (_, at) => at > now + hours(12) });
  expect(world.starts).toHaveLength(starts);
  const [shut] = gates(later.rollout, 'eu-west-op-1', later.now).filter(({ name }) => name === 'approval');
  expect(shut).toMatchObject({ reason: 'eu-west is not approved (error rate is up): declined', by: 'U0INES' });
  expect(ordersAfter(declined, no(now))).toEqual([]);
});

it('an approver may say yes later, and it goes on; what was said before is kept', () => {
  const { rollout, now, world } = gate();
  const after = next(next(rollout, no(now)), yes(now + minutes(5), 'U-eu-west'));
  expect(askedFor(after)).toMatchObject({
    state: { is: 'done' },
    given: [{ by: 'U-eu-west' }],
    declined: { by: 'U0INES', reason: 'error rate is up' },
  });
  drive(after, world, { from: now + minutes(5), until: (each) => each.nodes['eu-west-op-1']?.state.is === 'done' });
  expect(world.starts.at(-1)?.node).toMatch(/^eu-west/);
});

it('a no takes back every yes before it: each is asked again, knowing of it', () => {
  const { rollout, now } = gate(2);
  const one = next(rollout, yes(now, 'U1'));
  const declined = next(one, no(now + 1));
  const again = next(declined, yes(now + 2, 'U2'));
  expect(askedFor(again)?.state.is).toBe('active');
  expect(askedFor(next(again, yes(now + 3, 'U1')))?.state.is).toBe('done');
});

it('the first no stands: it is neither said twice nor overwritten, and not of what is not asked for', () => {
  const { rollout, now } = gate();
  const declined = next(rollout, no(now));
  expect(next(declined, no(now + 1, 'U0OTTO', 'me too'))).toBe(declined);
  const done = next(rollout, yes(now, 'U-eu-west'));
  expect(next(done, no(now + 1))).toBe(done);
  const paused = next(rollout, { type: 'stopped', at: now, by: 'U1' });
  expect(next(paused, no(now + 1))).toBe(paused);
});

it('whoever asked for the rollout says neither yes nor no to it', () => {
  const { rollout, now } = gate();
  expect(next(rollout, no(now, rollout.requester))).toBe(rollout);
});

it('is forgotten when it is asked anew, and holds like a question that nobody answered', () => {
  const { rollout, now } = gate();
  const declined = next(rollout, no(now));
  const late = next(declined, { type: 'ticked', at: now + hours(49) });
  expect(late.status).toMatchObject({
    is: 'held',
    reason: 'eu-west was declined (error rate is up), and nobody approved it within 48 h',
  });
  expect(next(rollout, { type: 'ticked', at: now + hours(49) }).status).toMatchObject({
    reason: 'nobody approved eu-west within 48 h',
  });
  expect(askedFor(late)).not.toHaveProperty('declined');
});

it('calls people anew: whoever had the question has not got the answer', () => {
  const { rollout, now } = gate();
  const [question] = waitingForPeople(rollout);
  expect(question?.since).toBe(now);
  const declined = next(rollout, no(now + minutes(10)));
  expect(waitingForPeople(declined)).toEqual([{ what: phase, since: now + minutes(10) }]);
  const due = Object.values(next(declined, { type: 'ticked', at: now + minutes(25) }).reminded ?? {});
  expect(due).toEqual([1]);
  expect(declineOf(askedFor(declined) as never)?.by).toBe('U0INES');
});

it('a yes after it that is not enough calls the others anew, and not at once for all the time before', () => {
  const { rollout, now } = gate(2);
  const said = next(next(rollout, no(now + minutes(10))), yes(now + hours(3), 'U1'));
  expect(waitingForPeople(said)).toEqual([{ what: phase, since: now + hours(3) }]);
  const at = (ms: number) => Object.values(next(said, { type: 'ticked', at: now + ms }).reminded ?? {});
  expect(at(hours(3) + minutes(1))).toEqual([]);
  expect(at(hours(3) + minutes(15))).toEqual([1]);
});

it('what was said with a yes is kept beside it', () => {
  const { rollout, now } = gate();
  const after = next(rollout, { type: 'approved', at: now, phase, by: 'U-eu-west', comment: 'quiet' });
  expect(askedFor(after)?.given).toMatchObject([{ by: 'U-eu-west', comment: 'quiet' }]);
});
