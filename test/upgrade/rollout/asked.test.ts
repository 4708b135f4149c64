import { describe, expect, it } from 'vitest';
import { lift, next } from '../../../src/upgrade/rollout/index.ts';
import type { Asked, Facts, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { newImage, planned, recorded, release, tuesday } from '../../support/rollouts.ts';

const node = 'us-east-op-1';

/** The first node's try is begun and reports what it learned; it is staged again each time. */
function learned(rollout: Rollout, facts: Facts): Rollout {
  const { run } = rollout;
  const attempt = rollout.nodes[node]?.attempt ?? 0;
  const at = { at: tuesday, run, node, step: 'stage', attempt } as const;
  const begun = next(rollout, { type: 'begun', ...at });
  return next(begun, { type: 'reported', ...at, report: { is: 'failed', reason: 'x', retry: true, facts } });
}

const said: Asked = { sha256: newImage, version: 'v2.0.0' };
const unasked: Asked = { sha256: newImage, version: null };

describe('what the new binary said', () => {
  it('holds for the whole rollout', () => {
    const rollout = planned();
    expect(rollout.asked).toBeNull();
    const after = learned(rollout, { before: recorded, asked: said });
    expect(after.asked).toEqual(said);
    expect(learned(after, {}).asked).toEqual(said);
  });

  it('is not covered up by a node that could not ask it, and covers that up', () => {
    const first = learned(planned(), { asked: unasked });
    expect(first.asked).toEqual(unasked);
    const second = learned(first, { asked: said });
    expect(second.asked).toEqual(said);
    expect(learned(second, { asked: unasked }).asked).toEqual(said);
  });

  it('is unknown in a rollout that was stored before anybody asked or signed', () => {
    const { asked: _, ...stored } = planned();
    const { signed: __, ...unsigned } = release;
    const lifted = lift({ format: 2, rollout: { ...stored, release: unsigned } });
    expect(lifted.asked).toBeNull();
    expect(lifted.release.signed).toBeNull();
  });
});
