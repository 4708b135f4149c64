import { describe, expect, it } from 'vitest';
import { packOf } from '../../../src/upgrade/report/index.ts';
import type { NodeRun, Proof } from '../../../src/upgrade/rollout/types.ts';
import { journalOf } from '../../support/journal.ts';
import { newImage, oldImage, planned, recorded, tuesday } from '../../support/rollouts.ts';

const proof = (sha256: string): Proof => ({
  sha256,
  invocation: 'i1',
  mainPid: 1,
  restarts: 0,
  version: null,
  soaked: 1,
});
const done = { is: 'done', at: tuesday, already: false } as const;
const back = { is: 'rolled-back', reason: 'asked for', at: tuesday } as const;
const failed = { is: 'failed', step: 'backup', reason: 'disk full', at: tuesday } as const;
const stuck = { is: 'stuck', direction: 'forward', step: 'verify', reason: 'no answer', at: tuesday } as const;

/** One node of an adopted rollout as it was stored. */
function afterOf(changes: Partial<NodeRun>) {
  const rollout = planned();
  const node = rollout.nodes['us-east-op-1'];
  if (node === undefined) throw new Error('no node');
  const stored = { ...node, before: recorded, ...changes };
  const pack = packOf(journalOf({ ...rollout, nodes: { ...rollout.nodes, [node.name]: stored } }, []));
  const { after } = pack.nodes[0] ?? { after: null };
  return after?.is === 'unknown' || after === null ? 'unknown' : `${after.is} ${after.sha256}`;
}

describe('what a report says of a node now', () => {
  it.each<[string, Partial<NodeRun>, string]>([
    ['proven on the release', { state: done, touched: true, proof: proof(newImage) }, `proven ${newImage}`],
    [
      'proven, and sick since',
      { state: done, touched: true, proof: proof(newImage), sick: { reason: '503', at: tuesday } },
      'unknown',
    ],
    ['brought back, and proven then', { state: back, back: proof(oldImage) }, `proven ${oldImage}`],
    ['brought back by a version that kept no proof', { state: back }, 'unknown'],
    ['brought back, with a proof of what it was in between alone', { state: back, proof: proof(newImage) }, 'unknown'],
    ['failed before it was changed', { state: failed }, `unchanged ${oldImage}`],
    ['perhaps changed, and nobody knows', { state: stuck, touched: true }, 'unknown'],
    ['changed, with a proof of what it was before', { state: stuck, touched: true, proof: proof(oldImage) }, 'unknown'],
    ['stuck before anything was changed', { state: stuck, drained: true }, `unchanged ${oldImage}`],
  ])('%s', (_, changes, told) => expect(afterOf(changes)).toBe(told));
});
