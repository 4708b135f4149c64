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
