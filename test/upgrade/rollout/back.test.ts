import { describe, expect, it } from 'vitest';
import { asksWayBack, backPlan, backQuestion, next, readiness } from '../../../src/upgrade/rollout/index.ts';
import type { Event, NodeRun, RollbackScope, Rollout, Seen, Standing } from '../../../src/upgrade/rollout/types.ts';
import { minutes, newImage, planned, recorded, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const asked = (at: number, scope: RollbackScope) =>
  ({ type: 'rollback-asked', at, by: 'U1', scope, epoch: 0 }) satisfies Event;
const all: RollbackScope = { is: 'all' };
const node = (rollout: Rollout, name: string): NodeRun => rollout.nodes[name] as NodeRun;
const healthy = (rollout: Rollout, changes: Record<string, Standing> = {}): Record<string, Standing> => ({
  ...Object.fromEntries(Object.values(rollout.peers).flatMap((names) => names.map((name) => [name, 'healthy']))),
  ...changes,
});
const names = (plan: ReturnType<typeof backPlan>) => plan.back.map((each) => each.node.name);

/** Two of us-east are finished, the third is being proven. */
function twoAndAHalf() {
  const start = planned({ pause: 0 });
  const world = worldOf(start);
  return {
    world,
    ...drive(start, world, {
      from: tuesday,
      until: ({ nodes }) => {
        const state = nodes['us-east-op-3']?.state;
        return state?.is === 'working' && state.step === 'verify';
      },
    }),
  };
}

describe('what a rollback would do', () => {
  it('is what it then does, in that order, node by node', () => {
    const start = planned({ pause: 0 });
    const world = worldOf(start);
    const { rollout, now } = drive(start, world, { from: tuesday });
    world.down.add('us-east-op-2');
    const event = asked(now, all);
    const foreseen = names(backPlan(rollout, event, healthy(rollout, { 'us-east-op-2': 'down' })));
    expect(foreseen[0]).toBe('us-east-op-2');
    world.starts.length = 0;
    drive(next(rollout, event), world, { from: now });
    expect(world.starts.map((each) => each.node)).toEqual(foreseen);
    expect(foreseen).toHaveLength(9);
  });

  it('changes nothing, and leaves out what it did not touch', () => {
    const { rollout, now } = twoAndAHalf();
    const before = JSON.stringify(rollout);
    const plan = backPlan(rollout, asked(now, { is: 'region', region: 'us-east' }), healthy(rollout));
    expect(names(plan)).toEqual(['us-east-op-3', 'us-east-op-2', 'us-east-op-1']);
    expect(plan.stays).toEqual([]);
    expect(JSON.stringify(rollout)).toBe(before);
    const none = backPlan(rollout, asked(now, { is: 'region', region: 'eu-west' }), healthy(rollout));
    expect(none.back).toEqual([]);
    expect(none.stays.map(({ name }) => name)).toEqual(['eu-west-op-1', 'eu-west-op-2', 'eu-west-op-3']);
  });

  it('names the quorum that would keep a node waiting, and counts those before it as back', () => {
    const { rollout, now } = drive(planned({ pause: 0 }), worldOf(planned({ pause: 0 })), { from: tuesday });
    const scope: RollbackScope = { is: 'region', region: 'us-east' };
    const plan = backPlan(rollout, asked(now, scope), healthy(rollout, { 'us-east-op-1': 'down' }));
    expect(plan.back.map((each) => [each.node.name, each.shut.map(({ name }) => name)])).toEqual([
      ['us-east-op-1', []],
      ['us-east-op-3', []],
      ['us-east-op-2', []],
    ]);
    const one: RollbackScope = { is: 'node', node: 'us-east-op-3' };
    const shut = backPlan(rollout, asked(now, one), healthy(rollout, { 'us-east-op-1': 'unclear' }));
    expect(shut.back[0]?.shut).toMatchObject([{ name: 'quorum', reason: expect.stringContaining('us-east-op-1') }]);
  });
});

describe('what a dry run says of a worker that is halted by a file', () => {
  it('is what the last look told', () => {
    const { rollout, now } = twoAndAHalf();
    const look = rollout.looks['us-east'];
    if (look === undefined) throw new Error('no looks');
    const halt = { is: 'lies', reason: 'STOP lies on worker-1' } as const;
    const halted = { ...rollout, looks: { ...rollout.looks, 'us-east': { ...look, halt } } };
    const plan = backPlan(halted, asked(now, { is: 'node', node: 'us-east-op-1' }), healthy(halted));
    expect(plan.back[0]?.shut).toMatchObject([{ name: 'halt', reason: 'STOP lies on worker-1' }]);
  });
});

describe('the way back that looks see', () => {
  const finished = () => {
    const start = planned({ pause: 0 }, { regions: ['us-east'] });
    const world = worldOf(start);
    return { world, ...drive(start, world, { from: tuesday }) };
  };

  it('is claimed of nothing that was not looked at since it was finished', () => {
    const { rollout } = twoAndAHalf();
    const unseen = { ...rollout, nodes: withoutLooks(rollout) };
    expect(readiness(unseen)).toMatchObject({
      all: [{ name: 'us-east-op-1' }, { name: 'us-east-op-2' }],
      lacks: [{ lack: 'not seen' }, { lack: 'not seen' }],
    });
    const old = { ...node(rollout, 'us-east-op-1'), wayBack: { is: 'ready' as const, at: tuesday } };
    const stale = { ...unseen, nodes: { ...unseen.nodes, 'us-east-op-1': old } };
    expect(readiness(stale).lacks.map(({ lack }) => lack)).toEqual(['not seen', 'not seen']);
  });

  it('is ready where a look saw it, and says of the rest what is lacking', () => {
    const start = planned({ pause: 0 }, { regions: ['us-east'] });
    const world = worldOf(start);
    world.waysBack.set('us-east-op-2', 'no backup');
    const { rollout } = drive(start, world, { from: tuesday });
    expect(rollout.status.is).toBe('done');
    expect(readiness(rollout).lacks).toMatchObject([{ node: { name: 'us-east-op-2' }, lack: 'no backup' }]);
    expect(readiness(rollout).seenAt).toBe(
      Math.min(...Object.values(rollout.nodes).map(({ wayBack }) => wayBack?.at ?? 0)),
    );
  });

  it('is not ready where the quorum would keep it from its stop', () => {
    const { rollout } = finished();
    expect(readiness(rollout).lacks).toEqual([]);
    const look = rollout.looks['us-east'];
    if (look === undefined) throw new Error('no looks');
    const standing = { ...look.standing, 'us-east-op-1': 'unclear' as const };
    const after = { ...rollout, looks: { ...rollout.looks, 'us-east': { ...look, standing } } };
    expect(readiness(after).lacks.map(({ node: { name }, lack }) => [name, lack])).toEqual([
      ['us-east-op-2', 'peers'],
      ['us-east-op-3', 'peers'],
    ]);
  });

  it('is not known any more of a node that a look could not reach', () => {
    const { rollout, now } = twoAndAHalf();
    const look = (proof: Seen['proof'], back?: Seen['back']) => {
      const seen: Seen = { standing: 'healthy', detail: 'healthy', proof, ...(back === undefined ? {} : { back }) };
      const attempt = (rollout.looks['us-east']?.count ?? 0) + 1;
      const known = { ...node(rollout, 'us-east-op-1'), wayBack: { is: 'ready' as const, at: now } };
      const before = { ...rollout, nodes: { ...rollout.nodes, 'us-east-op-1': known } };
      const event = { type: 'watched', at: now + 5, run: rollout.run, region: 'us-east', attempt } as const;
      return next(before, { ...event, seen: { 'us-east-op-1': seen } }).nodes['us-east-op-1']?.wayBack;
    };
    expect(look('holds', 'other binary')).toEqual({ is: 'other binary', at: now + 5 });
    expect(look('holds')).toEqual({ is: 'ready', at: now });
    expect(look('unseen')).toEqual({ is: 'unseen', at: now + 5 });
  });

  it('goes by what was recorded and by what a person decided to keep, and is asked for again after a minute', () => {
    const { rollout } = finished();
    const one = node(rollout, 'us-east-op-1');
    expect(backQuestion(rollout, one)).toEqual({ before: recorded, release: newImage, kept: null });
    expect(backQuestion(rollout, { ...one, touched: false })).toBeNull();
    const foreign = { what: 'environment', sha256: 'f'.repeat(64), version: null } as const;
    expect(backQuestion(rollout, { ...one, decided: { foreign, as: 'keep', by: 'U1' } })?.kept).toBe('f'.repeat(64));
    const at = one.wayBack?.at ?? 0;
    expect([
      asksWayBack(one, at + 1_000),
      asksWayBack(one, at + minutes(1)),
      asksWayBack({ ...one, wayBack: { is: 'no backup', at } }, at),
    ]).toEqual([false, true, true]);
  });
});

const withoutLooks = ({ nodes }: Rollout): Rollout['nodes'] =>
  Object.fromEntries(Object.entries(nodes).map(([name, { wayBack: _, ...each }]) => [name, each]));
