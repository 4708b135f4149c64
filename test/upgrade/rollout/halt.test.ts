import { describe, expect, it } from 'vitest';
import { mainPost } from '../../../src/bot/views/main.ts';
import { posts } from '../../../src/bot/views/posts.ts';
import { gates, next, plan, todo, waitingForPeople, whyWaiting } from '../../../src/upgrade/rollout/index.ts';
import type { Halt, Rollout, StepName } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, inputOf, minutes, noHalt, notWanted, quiet, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const first = 'us-east-op-1';
const lies: Halt = {
  is: 'lies',
  reason: '/var/lib/zw/STOP lies on the worker of us-east (worker-1): disk swap <!channel>',
};

function upTo(until: (rollout: Rollout, now: number) => boolean, said: Halt) {
  const begun = plan(inputOf(fleetOf()));
  const world = worldOf(begun);
  world.halt = said;
  return { world, ...drive(begun, world, { from: tuesday, limit: 600, until }) };
}
const dueOf = (rollout: Rollout, step: StepName) => ({
  run: rollout.run,
  node: first,
  step,
  attempt: rollout.nodes[first]?.attempt ?? 0,
});
const told = (rollout: Rollout) => rollout.looks['us-east']?.halt?.is === 'lies';
const evidence = (rollout: Rollout, halt: Halt, unchanged: boolean) => ({
  standing: Object.fromEntries((rollout.peers['us-east'] ?? []).map((name) => [name, 'healthy' as const])),
  sight: { down: false, unchanged },
  ...{ freezes: [], alerts: quiet, elsewhere: notWanted, compatibility: notWanted, halt },
});

describe('a file that stops everything', () => {
  it('holds what is next before any step was tried; why and the live message have its first line', () => {
    const { rollout, now } = upTo(told, lies);
    expect(whyWaiting(rollout, now)).toMatchObject([{ name: 'halt', reason: lies.is === 'lies' ? lies.reason : '' }]);
    expect(todo(rollout, now)).toEqual([]);
    expect(mainPost(rollout).text).toContain(
      'Stopped by a file*: /var/lib/zw/STOP lies on the worker of us-east (worker-1): disk swap &lt;!channel&gt;',
    );
  });

  it('calls people once, after a minute, and goes on by itself when it is removed', () => {
    const { rollout, now, world } = upTo(told, lies);
    const later = drive(rollout, world, { from: now, until: (_, at) => at > now + minutes(5) });
    expect(waitingForPeople(later.rollout).map(({ what }) => what)).toEqual([`node ${first}`]);
    const keys = posts(later.rollout).flatMap(({ key }) => (key.startsWith('wait.') ? [key] : []));
    expect(keys).toHaveLength(1);
    world.halt = noHalt;
    const on = drive(later.rollout, world, { from: later.now, until: (each) => each.nodes[first]?.touched === true });
    expect(on.now - later.now).toBeLessThan(minutes(3));
  });

  it('keeps a switch that was begun, and a way back, waiting right before the stop', () => {
    const working = upTo((each) => each.nodes[first]?.state.is === 'working', noHalt);
    for (const unchanged of [true, false]) {
      expect(gates(working.rollout, first, working.now, evidence(working.rollout, lies, unchanged))).toMatchObject([
        { name: 'halt', owner: 'whoever put the file there' },
      ]);
    }
    const done = upTo((each) => each.nodes[first]?.state.is === 'done', noHalt);
    const back = next(done.rollout, {
      type: 'rollback-asked',
      at: done.now,
      by: 'U1',
      scope: { is: 'all' },
      epoch: done.rollout.epoch + 1,
    });
    expect(gates(back, first, done.now, evidence(back, lies, false))).toMatchObject([{ name: 'halt' }]);
    done.world.halt = lies;
    const starts = done.world.starts.length;
    const stood = drive(back, done.world, { from: done.now, until: (_, at) => at > done.now + minutes(10) });
    expect(done.world.starts).toHaveLength(starts);
    const main = posts(stood.rollout).find(({ key }) => key === 'main');
    expect(main?.text.split('\n')[0]).toMatch(/rolling back everything, 1 node to go; stopped by a file$/);
    expect(main?.text).toContain('*Stopped by a file*: /var/lib/zw/STOP lies on the worker of us-east (worker-1)');
    done.world.halt = noHalt;
    const on = drive(stood.rollout, done.world, {
      from: stood.now,
      until: (each) => each.nodes[first]?.state.is === 'rolled-back',
    });
    expect(on.rollout.nodes[first]?.state.is).toBe('rolled-back');
    expect(mainPost(on.rollout).text).not.toContain('topped by a file');
  });

  it('is in the first line while a rehearsal waits for it half-way, and out of it once it is gone', () => {
    const begun = plan(inputOf(fleetOf({ rehearse: 'always' })));
    const world = worldOf(begun);
    const isThere = ({ nodes }: Rollout) => {
      const state = nodes[first]?.state;
      return state?.is === 'working' && state.step === 'restore';
    };
    const half = drive(begun, world, { from: tuesday, until: isThere });
    world.halt = lies;
    const stood = drive(half.rollout, world, { from: half.now, limit: 2 });
    expect(mainPost(stood.rollout).text.split('\n')[0]).toMatch(/working on us-east-op-1; stopped by a file$/);
    expect(posts(stood.rollout).find(({ key }) => key.startsWith('node.'))?.text).toContain('stopped by a file');
    world.halt = noHalt;
    const on = drive(stood.rollout, world, { from: stood.now, until: (each) => each.nodes[first]?.touched === false });
    expect(JSON.stringify(posts(on.rollout))).not.toContain('topped by a file');
  });

  it.each<[StepName, object]>([
    ['cleanup', { is: 'done' }],
    ['undrain', { is: 'stuck', reason: expect.stringMatching(/^it is out of service, and could not be put back: /) }],
    ['switch', { is: 'stuck', reason: expect.stringMatching(/^it may be changed half, and could not be finished: /) }],
  ])('lets a stop end that is asked for while it lies there at %s, and says of the node what is true', (step, left) => {
    const fleet = fleetOf();
    const traffic = { drain: ['/d'], undrain: ['/u'], limit: minutes(1) };
    const start = plan(inputOf({ ...fleet, service: { ...fleet.service, traffic } }));
    const isThere = ({ nodes }: Rollout) => {
      const state = nodes[first]?.state;
      return state?.is === 'working' && state.step === step;
    };
    const { rollout, now } = drive(start, worldOf(start), { from: tuesday, until: isThere });
    let stopping = next(rollout, { type: 'begun', at: now, ...dueOf(rollout, step) });
    stopping = next(stopping, { type: 'stopped', at: now, by: 'U1' });
    const shut = [{ name: 'halt' as const, reason: 'STOP lies there', owner: 'whoever', opensAt: null }];
    for (const at of [now, now + minutes(1)])
      stopping = next(stopping, { type: 'gated', at, ...dueOf(stopping, step), gates: shut, unchanged: false });
    expect(stopping.status.is).toBe('stopped');
    expect(stopping.nodes[first]?.state).toMatchObject(left);
  });

  it('is told of no longer than it keeps a node: the next step may have nothing to do with it', () => {
    const fleet = fleetOf();
    const traffic = { drain: ['/d'], undrain: ['/u'], limit: minutes(1) };
    const start = plan(inputOf({ ...fleet, service: { ...fleet.service, traffic } }));
    const isThere = ({ nodes }: Rollout) => {
      const state = nodes[first]?.state;
      return state?.is === 'working' && state.step === 'undrain';
    };
    const world = worldOf(start);
    const { rollout, now } = drive(start, world, { from: tuesday, until: isThere });
    const begun = next(rollout, { type: 'begun', at: now, ...dueOf(rollout, 'undrain') });
    const gate = { name: 'halt' as const, reason: 'STOP lies there', owner: 'whoever', opensAt: null };
    const kept = next(begun, {
      ...{ type: 'gated', at: now, gates: [gate], unchanged: false },
      ...dueOf(begun, 'undrain'),
    });
    expect(mainPost(kept).text).toContain('STOP lies there');
    const isBack = ({ nodes }: Rollout) => nodes[first]?.drained === false;
    const on = drive(kept, world, { from: now, until: isBack });
    expect(on.rollout.nodes[first]?.state).toMatchObject({ is: 'working', step: 'cleanup' });
    expect(mainPost(on.rollout).text).not.toContain('topped by a file');
  });

  it('is not overridden by --now', () => {
    const { rollout, now } = upTo(told, lies);
    expect(
      whyWaiting({ ...rollout, override: { by: 'U1', reason: 'pager', until: now + minutes(9) } }, now),
    ).toMatchObject([{ name: 'halt' }]);
  });

  it('leaves a failure of which all are still to go back to no person: it is not said to stay as it is', () => {
    const begun = plan(inputOf(fleetOf({ pause: 0, autoRollback: 'region' })));
    const world = worldOf(begun);
    world.bad.add('us-east-op-2');
    const back = drive(begun, world, { from: tuesday, until: ({ status }) => status.is === 'rolling-back' });
    world.halt = lies;
    const isPutOff = ({ nodes, status }: Rollout) =>
      status.is === 'rolling-back' && nodes['us-east-op-2']?.state.is === 'unproven';
    const { rollout } = drive(back.rollout, world, { from: back.now, limit: 100, until: isPutOff });
    expect(isPutOff(rollout)).toBe(true);
    const said = posts(rollout).filter(({ key }) => /^(?:failed|node)\..*us-east-op-2|^node\.us-east-op-2/.test(key));
    expect(said).toHaveLength(2);
    for (const { text } of said) expect(text.split('\n')[0]).toMatch(/still to be rolled back/);
  });
});
