import { describe, expect, it } from 'vitest';
import type { People } from '../../../src/bot/views/people.ts';
import { outdated, posts } from '../../../src/bot/views/posts.ts';
import { next, plan, waitingForPeople, waitKey } from '../../../src/upgrade/rollout/index.ts';
import type { Fleet, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { isAsked } from '../../support/parts.ts';
import { fleetOf, hours, inputOf, minutes, tuesday } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

const people: People = {
  onCall: { users: ['U0OTTO'], groups: ['S0CALL'] },
  escalation: { users: [], groups: ['S0BOSS'] },
  members: { S0APP: ['U0INES', 'U0ROSA'] },
};
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
  expect(all[0]?.text).toMatch(/^\*eu-west waits for you\*: .*3 of 3 healthy in us-east\.\nAsked for by <@U0ROSA>/);
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

it('says in that message, while others are still asked, that this person answered, and that somebody else said no', () => {
  const { rollout, now } = atGate();
  const two: Rollout = {
    ...rollout,
    phases: rollout.phases.map((phase) => (phase.is === 'approval' ? { ...phase, needed: 2 } : phase)),
  };
  const group: People = { ...people, members: { S0APP: ['U0INES', 'U0OTTO'] } };
  const key = (user: string) => new RegExp(`^dm\\.ask\\.${user}\\.`);
  const standing = posts(two, group).map((each) => each.key);
  const ended = (after: Rollout) => outdated(after, standing, group).map(({ text: said }) => said);
  const yes = next(two, { type: 'approved', at: now + 1, phase: 'approval/eu-west', by: 'U0INES' });
  expect(ended(yes)).toEqual([expect.stringMatching(/^→ You said yes at .*; it still waits for others\.$/)]);
  expect(text(yes, key('U0OTTO'), group)).toContain('*eu-west waits for you*');
  const no = next(yes, { type: 'declined', at: now + 2, phase: 'approval/eu-west', by: 'U0OTTO', reason: 'errors' });
  expect(ended(no)).toEqual([expect.stringMatching(/^→ You declined it at .*; a yes of yours would still count\.$/)]);
  expect(text(no, key('U0INES'), group)).toMatch(
    /\n✗ \*eu-west was declined\* by <@U0OTTO> at .*: errors\. A yes of yours still counts\.$/,
  );
  expect(text(no, /^dm\.gate\./)).toMatch(/\n✗ \*eu-west was declined\* by <@U0OTTO> at .*: errors\.$/);
});

it('says to whoever asked for it that a question is over when all is stopped or held', () => {
  const { rollout, now: at } = atGate();
  const stopped = next(rollout, { type: 'stopped', at, by: 'U0LU' });
  const status = { is: 'held', reason: 'us-east-op-1 is sick', node: null, at, pending: null } as const;
  for (const after of [stopped, { ...rollout, status }]) {
    const post = posts(after, people).find(({ key }) => key.startsWith('dm.gate.'));
    expect(post?.closes).toBe(true);
    expect(post?.text).toMatch(/^→ \*eu-west\* was not approved; .*(?:Stopped by <@U0LU>|is held since .* is sick)/);
  }
});

it('says of a question that nobody answered why it is over, and gives that to nobody who decided something before', () => {
  const { rollout, now } = atGate();
  const paused = next(rollout, { type: 'paused', at: now + 1, by: 'U0LU' });
  const resumed = next(paused, { type: 'resumed', at: now + 2, by: 'U0LU' });
  const standing = posts(resumed, people).map(({ key }) => key);
  const late = next(resumed, { type: 'ticked', at: now + hours(48) + 1_000 });
  expect(late.status.is).toBe('held');
  const ends = outdated(late, standing, people).filter(({ key }) => key.includes('gate.'));
  expect(ends).toHaveLength(3);
  for (const { text: said } of ends)
    expect(said).toMatch(/^→ Not asked for any more\. v2\.0\.0 is held since .*: nobody approved eu-west within 48 h$/);
});

it('says of a question that ends with the rollout who ended it', () => {
  const { rollout, now } = atGate();
  const stopped = next(rollout, { type: 'stopped', at: now + 1, by: 'U0LU' });
  expect(text(stopped, /^gate\./)).toMatch(/^→ \*eu-west\* was not approved; .*\. Stopped by <@U0LU> at /);
});

const remind = (rollout: Rollout, at: number) =>
  posts(next(rollout, { type: 'ticked', at }), people).filter(({ key }) => key.startsWith('remind.'));

it('calls again after a quarter of an hour, in the channel, for what still waits', () => {
  const { rollout, now } = held();
  const at = now + minutes(16);
  const [post, ...more] = remind(rollout, at);
  expect(more).toEqual([]);
  expect(post).toMatchObject({ place: { is: 'thread', broadcast: true }, once: true });
  expect(post?.text).toMatch(
    /^‼ \*Still waiting since <[^>]*>\*: v2\.0\.0 is held; 2 of 3 healthy in us-east \(seen <[^>]*>\); nothing new is begun .*\nWhy: .*\nCalled: <@U0ROSA>/,
  );
});

it('calls the approvers again, and not everybody', () => {
  const { rollout, now } = atGate();
  const [post] = remind(rollout, now + minutes(31));
  expect(post?.text).toMatch(
    /^‼ \*Still waiting since <[^>]*>\*: <!subteam\^S0APP>, may \*eu-west\* go to v2\.0\.0\? 3 of 3 healthy in us-east/,
  );
  expect(post?.text).not.toContain('Called');
});

it('calls whoever comes next with the last reminder, once, and not when somebody has it', () => {
  const { rollout, now } = atGate();
  const last = now + hours(2) + minutes(1);
  expect(remind(rollout, now + minutes(31))[0]?.text).not.toContain('S0BOSS');
  expect(remind(rollout, last)[0]?.text).toContain('Nobody has answered yet. Called as well: <!subteam^S0BOSS>');
  const waits = waitingForPeople(rollout).map(waitKey);
  expect(remind(next(rollout, { type: 'taken-on', at: now + 1, by: 'U0INES', waits }), last)).toEqual([]);
});

it('says that a start was missed, and why', () => {
  const start = plan(inputOf(fleet(), { requester: 'U0ROSA', startAt: tuesday + hours(24) }));
  const [post] = remind(start, tuesday + hours(24) + minutes(15));
  expect(post?.text).toMatch(
    /^‼ \*v2\.0\.0 was to begin .* and has not\*; no node was restarted; nobody has it yet\nWhy: not staged yet: 9 nodes\. .*why.*\nCalled: /,
  );
});

describe('a stop that ends in the moment in which a node is given up', () => {
  const name = 'us-east-op-1';
  function stoppedOver(change: (world: World) => void) {
    const start = plan(inputOf(fleet(), { strategy: 'regions', requester: 'U0ROSA' }));
    const world = worldOf(start);
    change(world);
    const isBegun = ({ nodes }: Rollout) => nodes[name]?.state.is === 'working' && nodes[name]?.touched === true;
    const { rollout, now } = drive(start, world, { from: tuesday, until: isBegun });
    const stopped = next(rollout, { type: 'stopped', at: now, by: 'U0LU' });
    return drive(stopped, world, { from: now, until: ({ status }) => status.is === 'stopped' }).rollout;
  }

  it('calls people, since nobody was called for it, and says first who needs one and what serves', () => {
    const rollout = stoppedOver((world) => {
      world.bad.add(name);
      world.badRestore.set(name, 9);
    });
    expect(rollout.nodes[name]?.state.is).toBe('stuck');
    const end = text(rollout, /^stopped\./);
    expect(end.split('\n')[0]).toBe(
      '■ *Stopped by <@U0LU>*: 0 of 9 nodes on v2.0.0, and perhaps us-east-op-1 (changed and not proven). ‼ Needs a person: us-east-op-1; 2 of 3 healthy in us-east.',
    );
    expect(end).toContain(called);
    expect(text(rollout, /^dm\.stopped\./)).toContain('Needs a person: us-east-op-1');
  });

  it('calls nobody when all went well, or when people were called before', () => {
    expect(
      text(
        stoppedOver(() => undefined),
        /^stopped\./,
      ),
    ).not.toContain('Called');
    const early = until(
      ({ nodes }) => nodes[name]?.state.is === 'stuck',
      (world) => {
        world.bad.add(name);
        world.badRestore.set(name, 9);
      },
    );
    const rollout = next(early.rollout, { type: 'stopped', at: early.now + 1_000, by: 'U0LU' });
    expect(rollout.status.is).toBe('stopped');
    expect(text(rollout, /^stopped\./)).not.toContain('Called');
  });
});
