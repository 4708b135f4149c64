import { expect, it } from 'vitest';
import type { People } from '../../../src/bot/views/people.ts';
import { outdated, posts } from '../../../src/bot/views/posts.ts';
import { next, plan } from '../../../src/upgrade/rollout/index.ts';
import type { Fleet, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { isAsked } from '../../support/parts.ts';
import { fleetOf, hours, inputOf, minutes, tuesday } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

const people: People = { onCall: { users: ['U0OTTO'], groups: ['S0CALL'] }, members: { S0APP: ['U0INES', 'U0ROSA'] } };
const called = 'Called: <@U0ROSA> <!subteam^S0CALL> <@U0OTTO>';
const reminders = [minutes(15), minutes(30), hours(2)];

function fleet(): Fleet {
  const all = fleetOf({ reminders });
  const approvers = { users: [], groups: ['S0APP'] };
  return { ...all, regions: all.regions.map((region) => ({ ...region, approvers })) };
}

function until(fits: (rollout: Rollout) => boolean, change: (world: World) => void = () => undefined) {
  const start = plan(inputOf(fleet(), { strategy: 'regions', requester: 'U0ROSA' }));
  const world = worldOf(start);
  change(world);
  return drive(start, world, { from: tuesday, until: fits });
}
const text = (rollout: Rollout, key: RegExp, by = people): string =>
  posts(rollout, by).find((each) => key.test(each.key))?.text ?? '';
const held = () =>
  until(
    ({ status }) => status.is === 'held',
    (world) => world.bad.add('us-east-op-1'),
  );
const atGate = () => until((rollout) => isAsked(rollout, 'eu-west'));

it('a failure calls whoever asked for it and whoever is on call', () => {
  expect(text(held().rollout, /^failed\./)).toContain(called);
});

it('a node that needs a person, and a wait that nobody chose, call them too', () => {
  const stuck = until(
    ({ nodes }) => nodes['us-east-op-1']?.state.is === 'stuck',
    (world) => {
      world.bad.add('us-east-op-1');
      world.badRestore.set('us-east-op-1', 9);
    },
  );
  expect(text(stuck.rollout, /^stuck\./)).toContain(called);
  const ticks = [10_000, 20_000].reduce(
    (rollout, at) => next(rollout, { type: 'ticked', at: tuesday + at, silent: ['us-east'] }),
    plan(inputOf(fleet(), { requester: 'U0ROSA' })),
  );
  expect(text(ticks, /^wait\./)).toContain(called);
});

it('nobody is called who cannot be: somebody at a shell, with nobody on call', () => {
  const local: Rollout = { ...held().rollout, requester: 'cli:rosa' };
  expect(
    posts(local)
      .map((each) => each.text)
      .join(),
  ).not.toContain('Called');
});

it('each approver gets a message of their own that leads to the question, but not the one who asked for it', () => {
  const all = posts(atGate().rollout, people).filter(({ key }) => key.startsWith('dm.ask.'));
  expect(all.map(({ place, about }) => [place, about])).toEqual([
    [{ is: 'dm', user: 'U0INES' }, expect.stringMatching(/^gate\.eu-west\./)],
  ]);
  expect(all[0]?.text).toMatch(/^\*eu-west waits for you\* since .*Asked for by <@U0ROSA>/);
});

it('says in that message who approved, and leaves it alone while it is asked and the group cannot be looked up', () => {
  const { rollout, now } = atGate();
  const standing = posts(rollout, people).map(({ key }) => key);
  const unknown: People = { ...people, members: {} };
  expect(outdated(rollout, standing, unknown)).toEqual([]);
  const after = next(rollout, { type: 'approved', at: now + 1, phase: 'approval/eu-west', by: 'U0INES' });
  const ends = outdated(after, standing, people);
  expect(ends.map(({ key, place, closes, text: said }) => [key.slice(0, 13), place, closes, said])).toEqual([
    [
      'dm.ask.U0INES',
      { is: 'dm', user: 'U0INES' },
      true,
      expect.stringMatching(/^✓ \*eu-west\* approved by <@U0INES>/),
    ],
  ]);
});

const remind = (rollout: Rollout, at: number) =>
  posts(next(rollout, { type: 'ticked', at }), people).filter(({ key }) => key.startsWith('remind.'));

it('calls again after a quarter of an hour, in the channel, for what still waits', () => {
  const { rollout, now } = held();
  const at = now + minutes(16);
  const [post, ...more] = remind(rollout, at);
  expect(more).toEqual([]);
  expect(post).toMatchObject({ place: { is: 'thread', broadcast: true }, once: true });
  expect(post?.text).toMatch(/^‼ \*Still waiting, for 15 min\*: v2\.0\.0 is held since .*\nCalled: <@U0ROSA>/);
});

it('calls the approvers again, and not everybody', () => {
  const { rollout, now } = atGate();
  const [post] = remind(rollout, now + minutes(31));
  expect(post?.text).toMatch(
    /^‼ \*Still waiting, for 30 min\*: <!subteam\^S0APP>, may \*eu-west\* go to v2\.0\.0\? Asked /,
  );
  expect(post?.text).not.toContain('Called');
});

it('says that a start was missed, and why', () => {
  const start = plan(inputOf(fleet(), { requester: 'U0ROSA', startAt: tuesday + hours(24) }));
  const [post] = remind(start, tuesday + hours(24) + minutes(15));
  expect(post?.text).toMatch(/^‼ \*v2\.0\.0 was to begin .* and has not\*: not staged yet: 9 nodes\n.*why.*\nCalled: /);
});
