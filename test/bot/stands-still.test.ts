import { describe, expect, it } from 'vitest';
import { rolloutFacts } from '../../src/bot/facts/rollout.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { asked, next, nodesInOrder, todo, waitingForPeople } from '../../src/upgrade/rollout/index.ts';
import type { Event, NodeRun, Rollout } from '../../src/upgrade/rollout/types.ts';
import { planned, tuesday } from '../support/rollouts.ts';
import { apply, drive, intentOf, type World, worldOf } from '../support/simulation.ts';
import { trial } from './support.ts';

interface At {
  rollout: Rollout;
  now: number;
}

const begun = (): Rollout => planned({ bake: 0, pause: 0 }, { strategy: 'regions' });
const at = (step: string) => (rollout: Rollout) =>
  nodesInOrder(rollout).some(({ state }) => state.is === 'working' && state.step === step);
const done = (rollout: Rollout): number => nodesInOrder(rollout).filter(({ state }) => state.is === 'done').length;

const text = (rollout: Rollout, key: string): string =>
  posts(rollout).find((post) => post.key.split('.')[0] === key)?.text ?? '';

/** What somebody is told who asks. */
async function answer({ rollout, now }: At, words: string): Promise<string> {
  const here = trial();
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  return asText(await runCommand(here.context, 'U0ROSA', words));
}

/** Five nodes of two regions have the release; then everything is asked back. */
function rollingBack(world: World, begin: Rollout): At {
  const gate = drive(begin, world, { from: tuesday, until: (each) => asked(each).length > 0 });
  const yes: Event = { type: 'approved', at: gate.now, phase: 'approval/eu-west', by: 'U-eu-west' };
  const approved = apply(gate.rollout, yes, []);
  const { rollout, now } = drive(approved, world, { from: gate.now, until: (each) => done(each) >= 5 });
  const back: Event = { type: 'rollback-asked', at: now, by: 'U0OTTO', scope: { is: 'all' }, epoch: now };
  return { rollout: apply(rollout, back, []), now };
}

/** Nobody serves these regions, for longer than a restart of a worker takes. */
function unserved({ rollout, now }: At, silent: string[], until: (rollout: Rollout) => boolean): At {
  let here = { rollout, now };
  for (let tick = 0; tick < 80 && !until(here.rollout); tick += 1)
    here = { rollout: next(here.rollout, { type: 'ticked', at: here.now + 10_000, silent }), now: here.now + 10_000 };
  return here;
}
const calls = (rollout: Rollout): boolean => waitingForPeople(rollout).length > 0;

describe('what stands still', () => {
  it('without a worker is said by title, live message, `status` and `why`, which no longer says that nothing holds it', async () => {
    const begin = begun();
    const here = unserved(drive(begin, worldOf(begin), { from: tuesday, until: at('verify') }), ['us-east'], calls);
    const line = /No living worker serves us-east\*? since .*; nothing moves there until one is started/;
    expect(text(here.rollout, 'main')).toMatch(/^[^\n]*: working on us-east-op-1; no worker serves us-east\n/);
    expect(text(here.rollout, 'main')).toMatch(line);
    expect(await answer(here, 'status')).toMatch(line);
    expect(await answer(here, 'why')).toMatch(line);
    expect(await answer(here, 'why')).not.toContain('Nothing holds it');
    expect(rolloutFacts(here.rollout).waiting).toMatchObject([{ waits: 'region us-east' }]);
  });

  it('without an answer of its node is said there, too, once', async () => {
    const begin = begun();
    const world = worldOf(begin);
    const before = drive(begin, world, { from: tuesday, until: at('verify') });
    world.silent.add('us-east-op-1');
    const here = drive(before.rollout, world, { from: before.now, limit: 1 });
    expect(text(here.rollout, 'main')).toMatch(/^[^\n]*: working on us-east-op-1, which does not answer\n/);
    expect(await answer(here, 'why')).toMatch(/^v2\.0\.0: working on us-east-op-1, which does not answer\n/);
    expect(await answer(here, 'why')).toMatch(/us-east-op-1 does not answer since .*; after 5 tries a person decides/);
  });

  it('in a rollback, at a gate, is said there with the gate, and not that nothing else is begun: others go back', async () => {
    const begin = begun();
    const world = worldOf(begin);
    const back = rollingBack(world, begin);
    world.silent.add('eu-west-op-3');
    const here = drive(back.rollout, world, { from: back.now, limit: 300, until: calls });
    expect(nodesInOrder(here.rollout).filter(({ state }) => state.is === 'rolled-back').length).toBe(3);
    expect(text(here.rollout, 'main')).toMatch(/^[^\n]*: rolling back everything, 2 nodes to go; eu-west-op-2 waits\n/);
    expect(text(here.rollout, 'main')).toMatch(/Stuck: eu-west-op-2 waits\* since .*would leave 1 healthy in eu-west/);
    expect(text(here.rollout, 'wait')).toContain('Others go back meanwhile where they can.');
    expect(text(here.rollout, 'wait')).not.toContain('Nothing else is begun');
  });

  it('in a rollback, behind another node, names it', async () => {
    const begin = begun();
    const world = worldOf(begin);
    const back = rollingBack(world, begin);
    const here = drive(back.rollout, world, { from: back.now, until: at('verify-restored') });
    const said = await answer(here, 'why us-east-op-1');
    expect(said).toContain(
      'turn: one is brought back at a time, and eu-west-op-2 is being worked on. Opened by eu-west-op-2',
    );
    expect(said).not.toContain('Nothing holds it');
  });
});

it('a failure that goes back by itself does not read as if nothing moved, nor as if nobody were to act', () => {
  const begin = begun();
  const world = worldOf(begin);
  world.bad.add('us-east-op-1');
  const goesBack = ({ state }: NodeRun) => state.is === 'working' && state.direction === 'back';
  const here = drive(begin, world, { from: tuesday, until: (each) => nodesInOrder(each).some(goesBack) });
  const first = (of: Rollout, key: string) => text({ ...of, requester: 'U0ROSA' }, key).split('\n')[0];
  const until = /; 2 of 3 healthy in us-east; nothing new is begun until somebody decides$/;
  expect(first(here.rollout, 'failed')).toMatch(until);
  expect(first(here.rollout, 'dm')).toMatch(until);
  const back = drive(here.rollout, world, { from: here.now });
  expect(first(back.rollout, 'failed')).toMatch(/; 3 of 3 healthy in us-east; nothing moves until somebody decides$/);
});

it('a node whose worker is gone in a rollback stops nothing else, and is not told as if', () => {
  const begin = begun();
  const world = worldOf(begin);
  const back = rollingBack(world, begin);
  const { rollout, now } = drive(back.rollout, world, { from: back.now, until: at('verify-restored') });
  const [task] = todo(rollout, now);
  const intent = task === undefined ? null : intentOf(task, now);
  if (intent === null) throw new Error('nothing is due');
  const given = { rollout: next(rollout, intent), now };
  const isGivenUp = (each: Rollout) => nodesInOrder(each).some(({ state }) => state.is === 'stuck');
  const here = unserved(given, ['eu-west'], isGivenUp);
  expect(here.rollout.status.is).toBe('rolling-back');
  expect(text(here.rollout, 'stuck')).toContain('The others go on being brought back.');
  expect(text(here.rollout, 'stuck')).not.toContain('Everything else is stopped');
});

describe('`why`, when every node is done', () => {
  const begin = begun();
  const over = drive(begin, worldOf(begin), { from: tuesday, until: (each) => done(each) >= 3 }).rollout;
  /** All of them as the first one is. */
  const [first] = nodesInOrder(over);
  const all = (change: Partial<NodeRun>): Rollout['nodes'] =>
    Object.fromEntries(
      nodesInOrder(over).map(({ name, region }) => [name, { ...(first as NodeRun), name, region, ...change }]),
    );

  it('says over what it is held, and who opens that', async () => {
    const sick = { reason: 'connection refused', at: tuesday };
    const status = {
      is: 'held',
      reason: 'ap-south-op-3 became unhealthy',
      node: 'ap-south-op-3',
      at: tuesday,
      pending: null,
    } as const;
    const nodes = {
      ...all({}),
      'ap-south-op-3': { ...(first as NodeRun), name: 'ap-south-op-3', region: 'ap-south', sick },
    };
    const said = await answer({ rollout: { ...over, status, nodes }, now: tuesday }, 'why');
    expect(said).toContain('ap-south-op-3: ✗ sick since');
    expect(said).toContain('state: ap-south-op-3 became unhealthy. Opened by whoever may retry or roll back');
    expect(said).not.toContain('Nothing is left to do');
  });

  it('says that its end waits for the last look', async () => {
    const said = await answer({ rollout: { ...over, nodes: all({}) }, now: tuesday }, 'why');
    expect(said).toContain('It ends by itself once all of them were seen to be well, and proven, once more.');
  });
});
