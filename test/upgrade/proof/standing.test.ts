import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stillProven } from '../../../src/upgrade/proof/index.ts';
import type { Proof } from '../../../src/upgrade/rollout/types.ts';
import { LittleNode } from '../steps/little-node.ts';
import { service } from '../steps/support.ts';

const name = 'us-east-op-1';
let little: LittleNode;
beforeEach(() => {
  little = new LittleNode('v1.0.0');
});
afterEach(() => little.close());

const look = (proof: Proof) => stillProven(name, proof, service, little, 10_000);

/** As a look finds it. */
async function found(): Promise<Proof> {
  const nothing: Proof = { sha256: '', invocation: '', mainPid: 1, restarts: 0, version: null, soaked: 0 };
  const sha256 = little.exec(`sha256sum ${little.path('usr/local/bin/zeitwork-operator')}`).slice(0, 64);
  const seen = await look({ ...nothing, sha256 });
  if (seen.is !== 'broken' || seen.runs === undefined) throw new Error(JSON.stringify(seen));
  return { ...nothing, sha256, ...seen.runs };
}

describe('a node that was proven', () => {
  it('holds while nothing happens to it', async () => {
    expect(await look(await found())).toEqual({ is: 'holds' });
  });

  it('is another process once it was restarted, and is told as what runs now, which holds from then on', async () => {
    const proof = await found();
    little.exec('systemctl restart zeitwork-operator');
    const seen = await look(proof);
    expect(seen).toMatchObject({ is: 'broken', reason: 'was restarted since it was proven' });
    if (seen.is !== 'broken' || seen.runs === undefined) throw new Error('no run');
    expect(seen.runs.invocation).not.toBe(proof.invocation);
    expect(await look({ ...proof, ...seen.runs })).toEqual({ is: 'holds' });
  });

  it('is nothing to go on with where another build runs', async () => {
    const proof = await found();
    little.exec('systemctl restart zeitwork-operator');
    expect(await look({ ...proof, sha256: 'f'.repeat(64) })).toEqual({
      is: 'broken',
      reason: expect.stringMatching(/^runs another image/),
    });
  });
});
