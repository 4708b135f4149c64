import { describe, expect, it } from 'vitest';
import { mainPost } from '../../../src/bot/views/main.ts';
import { posts } from '../../../src/bot/views/posts.ts';
import { gates, next, plan, todo, waitingForPeople, whyWaiting } from '../../../src/upgrade/rollout/index.ts';
import type { Halt, Rollout } from '../../../src/upgrade/rollout/types.ts';
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
    done.world.halt = noHalt;
    const on = drive(stood.rollout, done.world, {
      from: stood.now,
      until: (each) => each.nodes[first]?.state.is === 'rolled-back',
    });
    expect(on.rollout.nodes[first]?.state.is).toBe('rolled-back');
  });

  it('is not overridden by --now', () => {
    const { rollout, now } = upTo(told, lies);
    expect(
      whyWaiting({ ...rollout, override: { by: 'U1', reason: 'pager', until: now + minutes(9) } }, now),
    ).toMatchObject([{ name: 'halt' }]);
  });
});
