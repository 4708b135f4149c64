import { describe, expect, it } from 'vitest';
import { posts } from '../../../src/bot/views/posts.ts';
import { plan } from '../../../src/upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { inputOf, tuesday } from '../../support/rollouts.ts';
import { trialFleet } from '../support.ts';

const name = 'us-east-op-1';

/** A rollout in which the node is like this. */
function withNode(change: Partial<NodeRun>, status: Rollout['status']): Rollout {
  const rollout = plan(inputOf(trialFleet(), { requester: 'U0ROSA' }));
  const node = rollout.nodes[name];
  if (!node) throw new Error('no node');
  return { ...rollout, status, startedAt: tuesday, nodes: { ...rollout.nodes, [name]: { ...node, ...change } } };
}
const text = (rollout: Rollout, key: RegExp) => posts(rollout).find((each) => key.test(each.key))?.text ?? '';

const held = { is: 'held', reason: 'exit code 3', node: name, at: tuesday, pending: null } as const;
const stuckBack = { is: 'stuck', direction: 'back', step: 'undrain', reason: 'exit code 3', at: tuesday } as const;

describe('a node that stands out of service', () => {
  const lost = withNode({ drained: true, touched: false, state: stuckBack }, held);
  const changed = withNode({ drained: true, touched: true, state: { ...stuckBack, step: 'restore' } }, held);

  it('is told as that in every message about it', () => {
    expect(text(lost, /^stuck\./)).toContain('could not be put back into service* and needs a person');
    expect(text(lost, /^node\./)).toContain('out of service');
    expect(text(lost, /^stuck\./)).not.toContain('rolled back');
    expect(text(changed, /^stuck\./)).toContain('could not be rolled back, is out of service');
  });

  it('is not in an unknown state where it was proven and only its way back into service failed', () => {
    const state = { is: 'stuck', direction: 'forward', step: 'undrain', reason: 'exit code 3', at: tuesday } as const;
    const proven = withNode({ drained: true, touched: true, state }, held);
    expect(text(proven, /^stuck\./)).toMatch(
      /^‼ \*us-east-op-1 is proven on v2\.0\.0, could not be put back into service\* and needs a person;/,
    );
    const lost = withNode({ drained: true, touched: true, state: { ...state, step: 'switch' } }, held);
    expect(text(lost, /^stuck\./)).toContain('is in an unknown state, is out of service* and needs a person');
  });

  it('is not said to be rolled back, nor proven, where it failed unchanged and serves again', () => {
    const before = { version: 'v1.0.0', sha256: 'a'.repeat(64), envSha256: null, invocation: 'i0' };
    const state = { is: 'rolled-back', reason: 'exit code 3', at: tuesday } as const;
    const only = withNode({ state, before, failure: 'exit code 3' }, held);
    expect(text(only, /^failed\./)).toMatch(/^✗ \*us-east-op-1 failed\* and is unchanged, back in service;/);
    expect(text(only, /^node\./)).toMatch(
      /^✗ \*us-east-op-1\* failed and is unchanged: it runs v1\.0\.0, back in service/,
    );
    const all = posts(only)
      .map((each) => each.text)
      .join('\n');
    expect(all).not.toMatch(/rolled back|proven at/);
    const somebodys = { what: 'binary' as const, sha256: 'd'.repeat(64), version: 'v2.1.0' };
    const theirs = withNode({ state, before, failure: 'somebody was here', foreign: somebodys }, held);
    expect(text(theirs, /^node\./)).toContain(
      'it runs v2.1.0 (dddddddddddd), which somebody put there, back in service',
    );
    const stopped = { is: 'stopped', by: 'U0ROSA', at: tuesday } as const;
    expect(text({ ...theirs, status: stopped }, /^stopped/)).toContain('us-east-op-1, v2.1.0 (dddddddddddd), which');
  });

  it('is not said to be rolled back while it only goes back into service', () => {
    const working = { ...stuckBack, is: 'working', phase: 'nodes/us-east', index: 3 } as const;
    const tries = { failures: 0, unknowns: 0, notBefore: 0, since: null, lastReason: null };
    const rollout = withNode({ drained: true, touched: false, state: { ...working, ...tries } }, { is: 'running' });
    expect(text(rollout, /^node\./)).toMatch(/^◀ \*us-east-op-1\* is being put back into service, unchanged;/);
  });

  it('is in the headline of the end', () => {
    const unproven = { is: 'unproven', step: 'restore', reason: 'its rollback was put off', at: tuesday } as const;
    const stopped = { is: 'stopped', by: 'U0ROSA', at: tuesday } as const;
    const rollout = withNode({ drained: true, touched: true, state: unproven }, stopped);
    expect(text(rollout, /^stopped/)).toContain('‼ Out of service: us-east-op-1; nobody has looked at us-east yet.');
    expect(text(rollout, /^stopped/)).toContain('not proven, out of service: us-east-op-1');
  });
});
