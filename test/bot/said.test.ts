import { expect, it } from 'vitest';
import { asShown, asShownNow } from '../../src/bot/as-shown.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { headline } from '../../src/bot/views/ending.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { isOpen, next, plan } from '../../src/upgrade/rollout/index.ts';
import type { Fleet, PlanInput, Rollout } from '../../src/upgrade/rollout/types.ts';
import { isAsked } from '../support/parts.ts';
import { fitWith, inputOf, newImage, surveyOf, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { type Trial, trial, trialFleet } from './support.ts';

interface Scene {
  here: Trial;
  rollout: Rollout;
  now: number;
}

/** Rosa's rollout, by regions, as far as the first state that fits. */
function sceneOf(
  until: (rollout: Rollout) => boolean,
  { fleet = trialFleet(), input = {} }: { fleet?: Fleet; input?: Partial<PlanInput> } = {},
): Scene {
  const here = trial({ fleet });
  const start = plan(inputOf(fleet, { strategy: 'regions', requester: 'U0ROSA', ...input }));
  const { rollout, now } = drive(start, worldOf(start), { from: tuesday, until });
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  return { here, rollout, now };
}

const atGate = (fleet?: Fleet): Scene => sceneOf((rollout) => isAsked(rollout, 'eu-west'), fleet ? { fleet } : {});

/** All of it goes back, and the first node is being brought back. */
function goingBack(): Scene {
  const scene = atGate();
  const all = { type: 'rollback-asked', by: 'U0ROSA', scope: { is: 'all' } } as const;
  const rollout = next(scene.rollout, { ...all, at: scene.now, epoch: scene.now });
  expect(rollout.status.is).toBe('rolling-back');
  scene.here.control.rollouts.set(rollout.id, rollout);
  return { ...scene, rollout };
}

const say = async ({ here }: Scene, actor: string, text: string): Promise<string> =>
  asText(await runCommand(here.context, actor, text));
const textOf = (rollout: Rollout, key: string): string =>
  posts(rollout).find((post) => post.key === key || post.key.startsWith(`${key}.`))?.text ?? '';
const buttonsOn = (rollout: Rollout, key: string) =>
  posts(rollout)
    .filter((post) => post.key === key)
    .flatMap(({ blocks }) => blocks.flatMap((block) => (block.type === 'actions' ? block.elements : [])))
    .flatMap((each) => (each.type === 'button' ? [each] : []));

it('a rollout of one node is told in the singular, from the plan to the end', async () => {
  const wrong = /\ball 1 node|(?<!\d)1 nodes\b|\b1 nodes\b/;
  const preview = trial();
  expect(asText(await runCommand(preview.context, 'U0ROSA', 'upgrade v2.0.0 --nodes 1'))).not.toMatch(wrong);
  const told: string[] = [];
  const { rollout } = sceneOf(
    (each) => {
      told.push(...posts(each).map(({ text, blocks }) => text + JSON.stringify(blocks)), headline(each));
      return false;
    },
    { input: { limit: 1 } },
  );
  expect(rollout.status.is).toBe('done');
  expect(told.length).toBeGreaterThan(10);
  for (const text of [...told, ...posts(rollout).map((each) => each.text)]) expect(text).not.toMatch(wrong);
  expect(headline(rollout)).toBe('✓ *v2.0.0 is on its one node*, proven.');
});

it('nobody is told to stop what goes back, or is being stopped', async () => {
  const back = goingBack();
  expect(await say(back, 'U0INES', 'upgrade v2.0.0')).not.toMatch(/stop it/);
  expect(await say(back, 'U0ROSA', 'upgrade v2.0.0')).toMatch(/It is being rolled back: wait for the end of that\.$/);
  const working = sceneOf(({ nodes }) => nodes['us-east-op-1']?.touched === true);
  expect(await say(working, 'U0ROSA', 'upgrade v2.0.0')).toMatch(/Wait until it is over, or stop it first\.$/);
  const stopping = next(working.rollout, { type: 'stopped', at: working.now, by: 'U0ROSA' });
  expect(stopping.status.is).toBe('stopping');
  working.here.control.rollouts.set(stopping.id, stopping);
  expect(await say(working, 'U0ROSA', 'upgrade v2.0.0')).not.toMatch(/stop it/);
});

it('a question is asked of nobody who may not answer it: not of whoever asked for the rollout', () => {
  const fleet = trialFleet();
  const approvers = { users: ['U0ROSA', 'U0INES'], groups: [] };
  const regions = fleet.regions.map((region) => ({ ...region, approvers }));
  const { rollout } = atGate({ ...fleet, regions });
  expect(textOf(rollout, 'gate').split('\n')[0]).toMatch(/^<@U0INES>: may \*eu-west\* \(3 nodes\) go to v2\.0\.0\?/);
  expect(textOf(rollout, 'gate')).toContain('<@U0ROSA> asked for the rollout and may not approve it.');
  expect(textOf(rollout, 'main')).toContain('Waiting for approval of *eu-west* by <@U0INES>\n');
});

/** With these approvers of every region, Rosa's rollout at its first gate. */
function askedWith(users: string[], needed = 1): Scene {
  const fleet = trialFleet();
  const regions = fleet.regions.map((region) => ({ ...region, approvers: { users, groups: [] }, needed }));
  return atGate({ ...fleet, regions });
}

it('where nobody may answer a question, it says why, and who could: in the plan, in the question, in the live message', async () => {
  const nobody =
    'nobody (<@U0ROSA> asked for the rollout and may not approve it, and no other approver is configured: the settings must name one)';
  const { rollout, here } = askedWith(['U0ROSA']);
  expect(textOf(rollout, 'gate').split('\n')[0]).toContain(`${nobody}: may *eu-west* (3 nodes) go to v2.0.0?`);
  expect(textOf(rollout, 'main')).toContain(`Waiting for approval of *eu-west* by ${nobody}\n`);
  here.control.rollouts.clear();
  const plan = asText(await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0'));
  expect(plan).toContain(
    'after approval by nobody (@U0ROSA asked for the rollout and may not approve it, and no other',
  );
  const none = askedWith([]).rollout;
  expect(textOf(none, 'gate')).toContain('nobody (no approvers are configured): may *eu-west*');
});

it('a question that wants more than one yes is not asked again of those who gave theirs', () => {
  const { rollout, now } = askedWith(['U0INES', 'U0OTTO'], 2);
  const approve = { type: 'approved', at: now, phase: 'approval/eu-west', by: 'U0INES' } as const;
  const first = textOf(next(rollout, approve), 'gate').split('\n')[0];
  expect(first).toMatch(/^<@U0OTTO>: may \*eu-west\*/);
  const two = askedWith(['U0ROSA', 'U0INES'], 2);
  expect(textOf(next(two.rollout, { ...approve, at: two.now }), 'gate')).toMatch(
    /^nobody \(<@U0ROSA> asked for the rollout and may not approve it, <@U0INES> said yes already, and no other/,
  );
});

it('where approvals are signed no message speaks of a button to approve with', () => {
  const { here, rollout } = askedWith(['U0INES']);
  const dm = (approvals: 'button' | 'signed') =>
    posts(asShown({ fleet: here.context.fleet, access: { approvals } }, rollout)).find(({ key }) =>
      key.startsWith('dm.ask.U0INES'),
    )?.text;
  expect(dm('button')).toContain('What was seen so far, and the button, are in the thread.');
  expect(dm('signed')).toContain('What was seen so far, and the command with which you sign it, are in the thread.');
});

it('whoever asked for the rollout is asked to approve it only while the settings of now allow that, too', () => {
  const fleet = trialFleet({ selfApproval: true });
  const { rollout } = atGate({
    ...fleet,
    regions: fleet.regions.map((region) => ({ ...region, approvers: { users: ['U0ROSA'], groups: [] } })),
  });
  const gate = (selfApproval: boolean) => {
    const now = { ...fleet, policy: { ...fleet.policy, selfApproval } };
    return textOf(asShown({ fleet: now, access: { approvals: 'button' } }, rollout), 'gate');
  };
  expect(gate(true)).toContain('Self-approval is allowed here');
  expect(gate(false)).toContain('<@U0ROSA> asked for the rollout and may not approve it.');
});

it('of a rollback that was cut short it names `retry` only where that goes on with it', () => {
  const { rollout, now } = atGate();
  const pending = { scope: { is: 'all' }, by: 'U0ROSA' } as const;
  const held: Rollout = { ...rollout, status: { is: 'held', reason: 'still sick', node: null, at: now, pending } };
  expect(textOf(held, 'main')).toContain('\nThe rollback of everything was cut short; `retry` goes on with it\n');
  expect(textOf({ ...held, unsigned: true }, 'main')).toContain('\nThe rollback of everything was cut short\n');
});

it('an approval while all of it is paused says so, who paused it, and that nothing begins before that ends', async () => {
  const scene = atGate();
  await say(scene, 'U0OTTO', 'pause');
  expect(await say(scene, 'U0INES', 'approve eu-west')).toMatch(
    /^eu-west is approved, but the rollout is paused by @U0OTTO: nothing begins before that ends\. .*@U0ROSA/,
  );
});

it('a rollback can be stopped, by a red button that says first what stays', () => {
  const { rollout } = goingBack();
  const [stop, ...more] = buttonsOn(rollout, 'main');
  expect(more).toEqual([]);
  expect(stop).toMatchObject({ text: { text: 'Stop' }, style: 'danger' });
  expect(stop?.confirm?.text.text).toMatch(
    /^The node under way is finished, then it ends\. Of the 3 nodes still to be rolled back the others stay on v2\.0\.0\.$/,
  );
});

it('nodes that ran the release before are told as that, beside the count', () => {
  const fleet = trialFleet();
  const names = fleet.regions.slice(0, 2).flatMap(({ nodes }) => nodes.map(({ name }) => name));
  const onIt = { sha256: newImage, version: 'v2.0.0', fitness: fitWith(newImage) };
  const survey = surveyOf(fleet, Object.fromEntries(names.map((name) => [name, onIt])));
  const start = plan(inputOf(fleet, { strategy: 'regions', requester: 'U0ROSA', survey }));
  expect(isOpen(start)).toBe(true);
  expect(textOf(start, 'main')).toContain(' 6 of 9 nodes on v2.0.0 (6 ran it before)\n');
});

it('a rollback, or a stop, does not read as if it had left behind what ran the release before', () => {
  const fleet = trialFleet();
  const onIt = { sha256: newImage, version: 'v2.0.0', fitness: fitWith(newImage) };
  const start = plan(inputOf(fleet, { requester: 'U0ROSA', survey: surveyOf(fleet, { 'us-east-op-1': onIt }) }));
  const ends: Rollout['status'][] = [
    { is: 'stopped', by: 'U0ROSA', at: tuesday },
    { is: 'rolled-back', scope: { is: 'all' }, at: tuesday },
  ];
  for (const status of ends)
    expect(posts({ ...start, status }).map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^[■↩] .*: 1 of 9 nodes (?:still )?on v2\.0\.0 \(1 ran it before\)/),
    );
});

it('what was rolled out before the newest has no button that brings it back', async () => {
  const { here, rollout } = sceneOf((each) => !isOpen(each), { input: { strategy: 'rolling' } });
  expect(rollout.status.is).toBe('done');
  const rollbacks = async () => {
    const shown = await asShownNow(here.context, rollout);
    return posts(shown).filter(({ blocks }) => JSON.stringify(blocks).includes('zw:rollback'));
  };
  expect(await rollbacks()).not.toEqual([]);
  here.control.rollouts.set('r2', { ...rollout, id: 'r2', createdAt: rollout.createdAt + 1 });
  expect(await rollbacks()).toEqual([]);
  // One that is only scheduled holds the fleet; once it was stopped, nothing came between.
  const ahead: Rollout = { ...rollout, id: 'r2', createdAt: rollout.createdAt + 1, startedAt: null };
  here.control.rollouts.set('r2', { ...ahead, status: { is: 'running' } });
  expect(await rollbacks()).toEqual([]);
  here.control.rollouts.set('r2', { ...ahead, status: { is: 'stopped', by: 'U0OTTO', at: tuesday } });
  expect(await rollbacks()).not.toEqual([]);
});
