import { describe, expect, it } from 'vitest';
import { leftBy } from '../../../src/upgrade/ledger/index.ts';
import { next } from '../../../src/upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { newImage, oldImage, planned, recorded, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const begun = planned({ bake: 0 }, { regions: ['us-east'] });
const world = worldOf(begun);
const { rollout: over, now } = drive(begun, world, { from: tuesday });
const [first, ...others] = ['us-east-op-1', 'us-east-op-2', 'us-east-op-3'];
const changed = (rollout: Rollout, change: Partial<NodeRun>): Rollout => {
  const node = rollout.nodes[first ?? ''];
  if (!node) throw new Error('no node');
  return { ...rollout, nodes: { ...rollout.nodes, [node.name]: { ...node, ...change } } };
};

describe('what a rollout left', () => {
  const released = { version: 'v2.0.0', sha256: newImage, envSha256: recorded.envSha256 };

  it('is the release, on every node that it proved', () => {
    expect(over.status.is).toBe('done');
    expect(leftBy(over)).toEqual({
      type: 'left',
      at: over.status.is === 'done' ? over.status.at : 0,
      rollout: 'r1',
      nodes: { 'us-east-op-1': released, 'us-east-op-2': released, 'us-east-op-3': released },
    });
  });

  it('is what they were before, once they were brought back', () => {
    const by = 'U1';
    const asked = next(over, { type: 'rollback-asked', at: now, by, scope: { is: 'all' }, epoch: now });
    const { rollout: back } = drive(asked, world, { from: now });
    expect(back.status.is).toBe('rolled-back');
    const { version, envSha256 } = recorded;
    expect(leftBy(back)).toMatchObject({ nodes: { 'us-east-op-1': { version, sha256: oldImage, envSha256 } } });
  });

  it('is not told as proven of what failed unchanged, and only went back into service', () => {
    const state = { is: 'rolled-back' as const, reason: 'exit code 3', at: now };
    const failure = 'exit code 3';
    expect(Object.keys((leftBy(changed(over, { state, failure })) as { nodes: object }).nodes)).toEqual(others);
    const wentBack = changed(over, { state, failure, rolledBackInRun: 1 });
    expect(Object.keys((leftBy(wentBack) as { nodes: object }).nodes)).toEqual([first, ...others]);
  });

  it('is not told while it is open', () => {
    expect(leftBy(begun)).toBeNull();
  });

  it('is not told of a node that it did not finish, or that fell sick since', () => {
    for (const change of [{ state: { is: 'ready', notBefore: 0 } }, { sick: { reason: 'x', at: now } }] as const) {
      expect(Object.keys((leftBy(changed(over, change)) as { nodes: object }).nodes)).toEqual(others);
    }
  });

  it('has the environment that somebody decided to keep', () => {
    const foreign = { what: 'environment' as const, sha256: 'f'.repeat(64), version: null };
    const kept = changed(over, { decided: { foreign, as: 'keep', by: 'U1' } });
    expect(leftBy(kept)).toMatchObject({ nodes: { 'us-east-op-1': { envSha256: foreign.sha256 } } });
  });
});
