import { expect, it } from 'vitest';
import { isLook, next, todo } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { hours, planned } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

const one = 'us-east-op-1';
const start = () => planned({}, { regions: ['us-east'] });

interface Moment {
  rollout: Rollout;
  now: number;
}

/** An honest worker gets there; the last event is the one that makes it so. */
function when(fits: (rollout: Rollout) => boolean, change: (world: World) => void = () => undefined): Moment {
  const rollout = start();
  const world = worldOf(rollout);
  change(world);
  const there = drive(rollout, world, { from: rollout.createdAt, until: fits });
  if (!fits(there.rollout)) throw new Error('it never came to that');
  return there;
}

const stateOf = (rollout: Rollout, name = one) => rollout.nodes[name]?.state;
const isAt = (step: string) => (rollout: Rollout) => {
  const state = stateOf(rollout);
  return state?.is === 'working' && state.step === step;
};
const isReady = (rollout: Rollout) => Object.values(rollout.nodes).every(({ state }) => state.is === 'ready');
const isHeld = ({ status }: Rollout) => status.is === 'held';
const isBack = (rollout: Rollout) => stateOf(rollout)?.is === 'rolled-back';

const after = ({ rollout, now }: Moment, event: Partial<Event> & Pick<Event, 'type'>): Moment => ({
  rollout: next(rollout, { at: now, by: 'U1', ...event } as Event),
  now,
});
const bad = (world: World) => world.bad.add(one);

it.each<[string, () => Moment, string[]]>([
  ['is planned', () => ({ rollout: start(), now: start().createdAt }), ['stage 1', 'stage 2', 'stage 3']],
  ['is staged: nobody has looked yet', () => when(isReady), ['watch us-east']],
  ['stops a node next', () => when(isAt('switch')), ['switch 1']],
  ['goes on with a node', () => when(isAt('verify')), ['verify 1']],
  ['is paused in the middle of a node', () => after(when(isAt('switch')), { type: 'paused' }), ['switch 1']],
  [
    'is paused between two',
    () =>
      after(
        when((r) => stateOf(r)?.is === 'done'),
        { type: 'paused' },
      ),
    [],
  ],
  ['is held over a node that is being brought back', () => when(isHeld, bad), ['diagnose 1']],
  ['is held over a node that was brought back', () => when(isBack, bad), []],
  [
    'is tried again: the node is staged anew',
    () => after(when(isBack, bad), { type: 'retried', epoch: 99 }),
    ['stage 1'],
  ],
  [
    'is rolled back: those who stand in the queue are looked at first',
    () => {
      const { rollout, now } = when((r) => stateOf(r, 'us-east-op-2')?.is === 'done');
      return after(
        { rollout, now: now + hours(1) },
        { type: 'rollback-asked', scope: { is: 'all' }, epoch: rollout.epoch + 1 },
      );
    },
    ['watch us-east'],
  ],
  ['is stopped in the middle of a node', () => after(when(isAt('verify')), { type: 'stopped' }), ['verify 1']],
  ['is stopped before anything was begun', () => after(when(isReady), { type: 'stopped' }), []],
  ['is done', () => when(({ status }) => status.is === 'done'), []],
  [
    'was signed by nobody',
    () => {
      const { rollout, now } = when(isAt('switch'));
      return { rollout: { ...rollout, unsigned: true }, now };
    },
    [],
  ],
])('what is to be done of a rollout that %s', (_what, moment, expected) => {
  const { rollout, now } = moment();
  const said = todo(rollout, now).map((task) =>
    isLook(task) ? `${task.step} ${task.region}` : `${task.step} ${task.node.at(-1)}`,
  );
  expect(said.sort()).toEqual(expected);
});
