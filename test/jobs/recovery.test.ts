import { expect, it } from 'vitest';
import { createLedger, createStore } from '../../src/jobs/index.ts';
import { recorder } from '../../src/jobs/record.ts';
import { taskRunner } from '../../src/jobs/step.ts';
import { nodeOf, planRecovery, todo } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief } from '../support/belief.ts';
import { fleetOf, newImage, oldImage, release, surveyOf } from '../support/rollouts.ts';
import { production, workerParts } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const node = 'us-east-op-1';

/** A recovery as a bot stores it, worked on by a worker whose ledger says what was left on `recordOf`. */
async function worked(left: Record<string, string>, told: Record<string, string[]> = {}): Promise<Rollout> {
  const redis = rig.redis.handle.caller;
  const store = createStore(redis, production, belief());
  const ledger = createLedger(redis, production, belief());
  const now = Date.now();
  const fleet = fleetOf({ pause: 0, bake: 0, watch: 100, retryDelay: 50, soak: 0, canarySoak: 0 });
  const nodes = Object.fromEntries(
    Object.entries(left).map(([name, sha256]) => [name, { version: 'v2.0.0', sha256, envSha256: null }]),
  );
  await ledger.record({ type: 'left', at: now - 1_000, rollout: 'r0', nodes });
  const survey = surveyOf(fleet, { [node]: { healthy: false, sha256: null } });
  const recorded = { version: 'v2.0.0', sha256: newImage, envSha256: null, recordOf: [node], since: 0, rollout: 'r0' };
  const asked = { id: 'r1', fleet, node, recorded, shelf: release, from: null, requester: 'U0ROSA', pace: {} };
  const planned = planRecovery({ ...asked, now, epoch: now, survey });
  // Whoever took a bot over says who is a peer as well.
  const peers = { ...told, ...planned.peers, 'us-east': [...(planned.peers['us-east'] ?? []), 'eu-west-op-1'] };
  await store.create({ ...planned, peers });
  const parts = workerParts(rig.redis.handle, { fleet, regions: ['us-east'] });
  const record = recorder(store, async () => undefined);
  // As with approvals that must be signed: nobody is asked for a recovery, so the ledger alone vouches for it.
  const vouched = async () => 'nobody signed';
  const run = taskRunner({ ...parts, store, ledger, record, orders: async () => null, vouched });
  for (let count = 0; count < 12; count += 1) {
    const [task] = todo((await store.load('r1')) as Rollout, Date.now());
    if (task) await run(task, new AbortController().signal);
  }
  return (await store.load('r1')) as Rollout;
}

it('a worker gives a node back what the ledger says was proven on it, and is asked for no approval', async () => {
  expect(nodeOf(await worked({ [node]: newImage }), node).state.is).toBe('done');
});

it('a worker gives a node back what was proven on its peers, where nothing was left on it', async () => {
  expect(nodeOf(await worked({ 'us-east-op-2': newImage }), node).state.is).toBe('done');
});

it.each<[string, Record<string, string>, Record<string, string[]>]>([
  ['another build', { [node]: oldImage, 'us-east-op-2': newImage }, {}],
  ['nothing, nor of those that are its peers by the settings of the worker', { 'eu-west-op-1': newImage }, {}],
  [
    'nothing, and a region of which the settings know nothing names peers',
    { 'eu-west-op-1': newImage },
    { anywhere: [node, 'eu-west-op-1'] },
  ],
])('a worker gives a node nothing, whatever a bot wrote, where the ledger has %s of it', async (_, left, told) => {
  const rollout = await worked(left, told);
  expect(rollout.status).toMatchObject({
    is: 'held',
    reason: expect.stringMatching(/the ledger does not say that v2\.0\.0 was proven on us-east-op-1/),
  });
  expect(nodeOf(rollout, node)).toMatchObject({ touched: false, state: { is: 'failed', step: 'stage' } });
});
