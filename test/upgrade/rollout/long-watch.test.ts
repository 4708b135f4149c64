import { describe, expect, it } from 'vitest';
import { posts } from '../../../src/bot/views/posts.ts';
import { next, waitingForPeople, waitKey, watching } from '../../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../../src/upgrade/rollout/types.ts';
import { minutes, planned, tuesday } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

const flapper = 'us-east-op-2';
const bake = minutes(10);
const reminders = [minutes(15), minutes(30)];

interface Moment {
  rollout: Rollout;
  now: number;
}

/** us-east is finished, and is watched from now on. */
function watched(): Moment & { world: World; from: number } {
  const start = planned({ bake, pause: 0, reminders }, { strategy: 'regions' });
  const world = worldOf(start);
  const { rollout, now } = drive(start, world, { from: tuesday, until: (each) => watching(each) !== null });
  return { rollout, now, world, from: now };
}

/** From here the node is not well at one look, each time that some minutes have passed. */
function flaps({ rollout, now }: Moment, world: World, until: number, every = minutes(4)): Moment {
  let last = now;
  return drive(rollout, world, {
    from: now,
    limit: 9_000,
    until: (each, at) => {
      const isMissed = (each.looks['us-east']?.misses[flapper] ?? 0) > 0;
      if (isMissed) world.bad.delete(flapper);
      else if (at - last > every) {
        world.bad.add(flapper);
        last = at;
      }
      return at > until;
    },
  });
}
const waits = ({ rollout }: Moment) => waitingForPeople(rollout).map(({ what }) => what);
const message = ({ rollout }: Moment) => posts(rollout).find(({ key }) => key.startsWith('wait.'));

describe('a node that flaps while it is watched', () => {
  it('begins the watch anew each time and holds nothing: people are called after twice its length, and reminded', () => {
    const { world, from, ...begun } = watched();
    const before = flaps(begun, world, from + 2 * bake - minutes(1));
    expect(waits(before)).toEqual([]);
    const after = flaps(before, world, from + 2 * bake + minutes(1));
    expect(after.rollout.status.is).toBe('running');
    expect(waitingForPeople(after.rollout)).toEqual([{ what: 'watch/us-east', since: from + 2 * bake }]);
    const [first] = message(after)?.text.split('\n') ?? [];
    expect(first).toMatch(
      /^‼ \*us-east-op-2 flaps \(\d times\): the 10 min watch of us-east has not ended since .*\*; \d of 3 healthy in us-east; it goes on by itself once all stay well$/,
    );
    expect(message(after)?.text).toContain('I have it');
    expect(posts(after.rollout)[0]?.text.split('\n')[0]).toMatch(
      /watching us-east, us-east-op-2 flaps; that watch does not end$/,
    );
    const later = flaps(after, world, from + 2 * bake + minutes(16));
    expect(Object.values(later.rollout.reminded ?? {})).toEqual([1]);
    const reminder = posts(later.rollout).find(({ key }) => key.startsWith('remind.'));
    expect(reminder?.text).toMatch(
      /^‼ \*Still waiting since .*\*: us-east-op-2 flaps \(\d times\): .*; \d of 3 healthy in us-east; nobody has it yet\n/,
    );
  });

  it('is one wait, that somebody may have, and it is over when the watch is', () => {
    const { world, from, ...begun } = watched();
    const late = flaps(begun, world, from + 2 * bake + minutes(1));
    const [waiting] = waitingForPeople(late.rollout);
    const mine = next(late.rollout, {
      ...{ type: 'taken-on', at: late.now, by: 'U0OTTO' },
      waits: waiting === undefined ? [] : [waitKey(waiting)],
    });
    const later = flaps({ rollout: mine, now: late.now }, world, from + 2 * bake + minutes(20));
    expect(message(later)?.text.split('\n')[0]).toContain('<@U0OTTO> has it since');
    expect(later.rollout.reminded).toEqual({});
    expect(waitingForPeople(later.rollout)).toEqual([waiting]);
    world.bad.clear();
    const well = drive(later.rollout, world, { from: later.now });
    expect(waits(well)).toEqual(['approval/eu-west']);
  });

  it('calls nobody for one lost look, nor where the watch ends in its time', () => {
    const { world, from, ...begun } = watched();
    const once = flaps(begun, world, from + bake + minutes(8), minutes(5));
    expect(waits({ ...once, rollout: next(once.rollout, { type: 'ticked', at: once.now }) })).toEqual([]);
  });

  it('counts from when somebody let the rollout go on after a hold', () => {
    const { world, from, rollout } = watched();
    const status = { is: 'held', reason: 'a node that it does not work on fell sick', node: null } as const;
    const held: Rollout = { ...rollout, status: { ...status, at: from, pending: null } };
    const at = from + minutes(25);
    const on = flaps({ rollout: next(held, { type: 'resumed', at, by: 'U1' }), now: at }, world, at + minutes(19));
    expect(on.rollout.status.is).toBe('running');
    expect(waits(on)).toEqual([]);
    expect(waits(flaps(on, world, at + minutes(21)))).toEqual(['watch/us-east']);
  });
});
