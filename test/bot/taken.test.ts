import { expect, it } from 'vitest';
import { judge } from '../../src/bot/actions/counts.ts';
import { answer, asText, runCommand } from '../../src/bot/run.ts';
import { sealedBlocks } from '../../src/bot/sealed.ts';
import { outdated, type Post, posts } from '../../src/bot/views/posts.ts';
import { next, plan, waitingForPeople, waitKey } from '../../src/upgrade/rollout/index.ts';
import type { NodeState, Rollout } from '../../src/upgrade/rollout/types.ts';
import { hours, inputOf, minutes, tuesday } from '../support/rollouts.ts';
import { drive, type World, worldOf } from '../support/simulation.ts';
import { homeOf, seals, type Trial, trial, trialFleet } from './support.ts';

const reminders = [minutes(15), minutes(30), hours(2)];

/** Held over a node that failed, in the chat. */
function held(change: (world: World) => void = (world) => void world.bad.add('us-east-op-1')): Trial {
  const here = trial({ fleet: trialFleet({ reminders }) });
  const start = plan(inputOf(here.context.fleet, { requester: 'U0ROSA' }));
  const world = worldOf(start);
  change(world);
  const until = ({ status, nodes }: Rollout) =>
    status.is === 'held' && Object.values(nodes).every(({ state }) => state.is !== 'working');
  const { rollout, now } = drive(start, world, { from: tuesday, until });
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now + minutes(1);
  return here;
}

const stuck = () =>
  held((world) => {
    world.bad.add('us-east-op-1');
    world.badRestore.set('us-east-op-1', 9);
  });

const now = ({ control }: Trial): Rollout => {
  const [rollout] = control.rollouts.values();
  if (rollout === undefined) throw new Error('no rollout');
  return rollout;
};
const post = (rollout: Rollout, kind: string): Post | undefined =>
  posts(rollout).find(({ key }) => key.startsWith(`${kind}.`));
const actions = (of: Post | undefined): string[] =>
  (of?.blocks ?? []).flatMap((block) =>
    block.type === 'actions' ? block.elements.map((each) => each.action_id ?? '') : [],
  );
const run = async (here: Trial, actor: string, text: string): Promise<string> =>
  asText(await runCommand(here.context, actor, text));
const ticked = (here: Trial, at: number): Rollout => next(now(here), { type: 'ticked', at });

it.each([
  ['failed', held],
  ['stuck', stuck],
])('a post that tells of what %s offers I have it, until somebody has it, and then says who', async (kind, scene) => {
  const here = scene();
  expect(actions(post(now(here), kind))).toContain('zw:mine');
  expect(await run(here, 'U0OTTO', 'mine')).toBe(
    'You have it: the hold. Nobody is reminded of that any more; what newly waits calls again.',
  );
  const after = post(now(here), kind);
  expect(actions(after)).not.toContain('zw:mine');
  expect(after?.text).toMatch(/^→ <@U0OTTO> has it since .*\.$/m);
  expect(after?.text.split('\n')[0]).toMatch(/; <@U0OTTO> has it since .*, nothing moves until somebody decides$/);
});

it('the answers that say how things stand say who has it: status, why, home, and JSON', async () => {
  const here = held();
  await run(here, 'U0OTTO', 'mine');
  const has = /@U0OTTO has it since 2026-11-24 \d\d:\d\d UTC: the hold/;
  expect(await run(here, 'U0LU', 'status')).toMatch(has);
  expect(await run(here, 'U0LU', 'why')).toMatch(has);
  const { facts } = await runCommand(here.context, 'U0LU', 'status');
  expect(facts).toMatchObject({ rollout: { taken: [{ waits: 'held', by: 'U0OTTO' }] } });
  expect((await homeOf(here.context, 'U0LU')).lines.join('\n')).toContain('<@U0OTTO> has it since');
});

it('whoever may stop may take it on: nobody else, and not twice; another one may take it over', async () => {
  const here = held();
  expect(await run(here, 'U0LU', 'mine')).toMatch(/^You may not pause or stop, or take something on/);
  expect(now(here).taken).toBeUndefined();
  await run(here, 'U0OTTO', 'mine');
  const again = await runCommand(here.context, 'U0OTTO', 'mine');
  expect(again.outcome).toBe('outdated');
  expect(asText(again)).toMatch(/^@U0OTTO has it since .* Now: v2\.0\.0 is held/);
  expect(await run(here, 'U0INES', 'mine')).toMatch(/^You have it: the hold/);
  expect(post(now(here), 'failed')?.text).toContain('→ <@U0INES> has it since');
});

it('says so when nothing waits for anybody', async () => {
  const here = trial();
  const start = plan(inputOf(here.context.fleet, { requester: 'U0ROSA', startAt: tuesday + hours(24) }));
  here.control.rollouts.set(start.id, start);
  const reply = await runCommand(here.context, 'U0OTTO', 'mine');
  expect([reply.outcome, asText(reply)]).toEqual([
    'outdated',
    expect.stringMatching(/^Nothing waits for anybody\. Now/),
  ]);
});

it('a reminder has the button; it loses it, and says who has it, who was called again, or that it waits no more', async () => {
  const here = held();
  const [waiting] = waitingForPeople(now(here));
  const at = waiting?.since ?? 0;
  here.control.rollouts.set('r1', ticked(here, at + minutes(15)));
  const first = post(now(here), 'remind');
  expect(actions(first)).toEqual(['zw:mine']);
  const ends = (rollout: Rollout) => outdated(rollout, [first?.key ?? '']).map(({ closes, text }) => [closes, text]);
  expect(ends(ticked(here, at + minutes(30)))).toEqual([[true, '→ Called again since.']]);
  const retried = next(now(here), { type: 'retried', at, by: 'U0ROSA', epoch: 0 });
  expect(ends(retried)).toEqual([[true, expect.stringMatching(/^→ It does not wait any more/)]]);
  await run(here, 'U0OTTO', 'mine');
  expect(post(now(here), 'remind')).toBeUndefined();
  expect(ends(now(here))).toEqual([[true, expect.stringMatching(/^→ <@U0OTTO> has it since .*\.$/)]]);
});

it('a wait has the button, and a press takes on that alone', async () => {
  const here = held();
  const gates = [{ name: 'quorum' as const, reason: 'none to spare', owner: 'us-east-op-3', opensAt: null }];
  const node = now(here).nodes['us-east-op-2'];
  if (node === undefined) throw new Error('no node');
  const since = here.clock.at;
  const shut = { gates, since, at: since + minutes(2), times: 5, until: since + minutes(3) };
  const state: NodeState = {
    ...{
      is: 'working',
      direction: 'back',
      phase: 'nodes/us-east',
      index: 0,
      step: 'restore',
      failures: 0,
      unknowns: 0,
    },
    ...{ notBefore: since, since, lastReason: null },
  };
  here.control.rollouts.set('r1', {
    ...now(here),
    nodes: { ...now(here).nodes, [node.name]: { ...node, state, held: shut } },
  });
  here.clock.at += minutes(2);
  expect(actions(post(now(here), 'wait'))).toEqual(['zw:mine']);
  const wait = `node us-east-op-2.${Math.floor(since / 1000)}`;
  const reply = await answer(here.context, { actor: 'U0OTTO', rollout: 'r1' }, { verb: 'mine', wait });
  expect(asText(reply)).toMatch(/^You have it: us-east-op-2\./);
  expect(Object.keys(now(here).taken ?? {})).toEqual([wait]);
  expect(post(now(here), 'wait')?.text).toContain('→ <@U0OTTO> has it since');
  expect(actions(post(now(here), 'failed'))).toContain('zw:mine');
});

it('a press that comes second is told who was first, and changes nothing', async () => {
  const here = held();
  const shown = post(now(here), 'failed');
  const place = { fleet: here.context.fleet.name, channel: 'C0' };
  const on = { channel: 'C0', ts: '1.1' };
  await here.control.store.setPosted('r1', shown?.key ?? '', { ...on, content: '' });
  const sealed = sealedBlocks(shown?.blocks ?? [], seals, place);
  const value = sealed
    .flatMap((block) => (block.type === 'actions' ? block.elements : []))
    .flatMap((each) => (each.type === 'button' && each.action_id === 'zw:mine' ? [each.value ?? ''] : []))[0];
  const press = { action: 'zw:mine', value, on, isEphemeral: false };
  const [first] = waitingForPeople(now(here)).map(waitKey);
  expect(await judge(here.context, press)).toMatchObject({ counts: true, click: { command: { wait: first } } });
  await run(here, 'U0OTTO', 'mine');
  const late = await judge(here.context, press);
  expect(late.counts).toBe(false);
  expect(late.counts ? '' : asText(late.answer)).toMatch(/^@U0OTTO has it since/);
});

it('nothing is taken on of what nobody signed', async () => {
  const here = held();
  here.control.rollouts.set('r1', { ...now(here), unsigned: true });
  expect(posts(now(here)).flatMap(actions)).not.toContain('zw:mine');
  expect((await runCommand(here.context, 'U0OTTO', 'mine')).outcome).toBe('refused');
});

it('a failure that was stopped still says who had it, and who decided what', async () => {
  const here = held();
  await run(here, 'U0OTTO', 'mine');
  await run(here, 'U0ROSA', 'stop');
  expect(now(here).status.is).toBe('stopped');
  expect(post(now(here), 'failed')?.text).toMatch(/^→ <@U0OTTO> had it since .*\.\n→ Stopped by <@U0ROSA> at /m);
});
