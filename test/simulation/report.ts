import assert from 'node:assert/strict';
import type { ChainedEntry } from '../../src/jobs/journal.ts';
import type { NodeReport, Pack } from '../../src/upgrade/report/index.ts';
import { nodesInOrder } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import type { Checks } from './checks.ts';
import type { ModelNode } from './node.ts';

interface Truth {
  rollout: Rollout;
  lines: ChainedEntry[];
  nodes: Map<string, ModelNode>;
  checks: Checks;
}

/** Of a rollout that is over: the report equals the store and the nodes. Throws where it does not. */
export function isTrue(pack: Pack, { rollout, lines, nodes, checks }: Truth): void {
  assert.equal(pack.ended.is, rollout.status.is, 'the report ends as the store does');
  assert.equal(pack.chain.revision, rollout.revision, 'it stands where the store stands');
  assert.equal(pack.chain.hash, lines.at(-1)?.hash);
  assert.equal(pack.startedAt, rollout.startedAt);
  assert.deepEqual(
    pack.nodes.map(({ node, state, changed }) => `${node} ${state} ${changed}`),
    nodesInOrder(rollout).map(({ name, state, touched }) => `${name} ${state.is} ${touched}`),
    'the report has the nodes as the store has them',
  );
  const decided = lines.flatMap(({ event }) => ('by' in event ? [`${event.at} ${event.by}`] : []));
  assert.deepEqual(
    pack.decisions.map(({ at, by }) => `${at} ${by}`),
    decided,
    'every decision is told with its name, and no other',
  );
  for (const report of pack.nodes) {
    isWhole(report);
    const real = nodes.get(report.node);
    if (real === undefined || checks.touchedByOthers.has(report.node)) continue;
    const { after, node } = report;
    if (after.is === 'proven') assert.equal(real.binary, after.sha256, `${node} has what the report calls proven`);
    if (after.is === 'unchanged' && after.sha256 !== null)
      assert.equal(real.binary, after.sha256, `${node} has what the report calls unchanged`);
    const stopped = checks.restarts.filter((each) => each.node === node && each.at >= rollout.createdAt).length;
    assert.ok(report.restarts > 0 || stopped === 0, `${node} was stopped ${stopped} times, the report tells of none`);
  }
}

/** Nothing is missing between two things that a node was at, and no try ends before it began. */
function isWhole({ node, spans, tries }: NodeReport): void {
  for (const [at, { from }] of spans.slice(1).entries()) assert.equal(from, spans[at]?.to, `${node}: no gap`);
  assert.ok(
    spans.every(({ from, to }) => from <= to),
    `${node}: no span ends before it began`,
  );
  // Two machines tell what time it is, and one of their clocks may be set.
  assert.ok(
    tries.every(({ from, to }) => to - from > -60_000),
    `${node}: no try ends before it began`,
  );
}
