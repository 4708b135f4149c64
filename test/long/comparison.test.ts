import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keysOf } from '../../src/jobs/keys.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { Conversation } from '../support/conversation.ts';
import { type Product, startProduct } from '../support/product.ts';
import { fleetStatus, freshFleet, offerRelease, type RealNode, sayWhyNot } from '../support/real-fleet.ts';

const why = sayWhyNot('Upgraded nodes that are held against the others');

/** A block is 4 s: eight looks, half a second apart. */
const compare = { look: '500ms', before: '40s', least: '24s', margin: 1.5 };
const policy = {
  soak: '1s',
  canarySoak: '1s',
  pause: '1s',
  bake: '36s',
  watch: '500ms',
  healthDeadline: '12s',
  retryDelay: '500ms',
};
const metrics = { metrics: 'http://{address}:8080/metrics', per: 'zeitwork_operator_http_requests_total', over: '10s' };
const checks = [
  { name: 'errors', ...metrics, rate: 'zeitwork_operator_errors_total', compare: true },
  { name: 'latency', ...metrics, rate: 'zeitwork_operator_request_duration_seconds_sum', compare: true },
];

/** As users ask: ten times a second, each node. */
function startLoad(nodes: readonly RealNode[]): { stop(): void } {
  const agent = new Agent({ keepAlive: false, maxSockets: 20 });
  const ask = (url: string) => get(url, { agent }, (answer) => answer.resume()).on('error', () => undefined);
  const timer = setInterval(() => {
    for (const { address } of nodes) ask(`http://${address}:8080/api/v1/instances`);
  }, 100);
  return {
    stop() {
      clearInterval(timer);
      agent.destroy();
    },
  };
}

const over: Rollout['status']['is'][] = ['done', 'rolled-back', 'stopped'];

describe.skipIf(why !== null)('upgraded nodes are held against the others, on a real fleet under load', () => {
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-comparison-'));
  let product: Product;
  let talk: Conversation;
  let load: ReturnType<typeof startLoad>;

  const until = (what: string, check: (rollout: Rollout) => boolean) =>
    talk.until(
      what,
      async () => {
        const rollout = await talk.newest();
        return rollout !== undefined && check(rollout);
      },
      240_000,
    );
  const measured = async (region: string) =>
    Number(await product.redis.handle.caller.llen(keysOf('trial').measured(region)));
  const upgradeTheFirstRegion = async (version: string) => {
    await talk.until('the time before is known', async () => (await measured('us-east')) >= 10, 120_000);
    await talk.type(`upgrade ${version} --strategy regions`);
    await talk.click('Start');
    await until(
      'it is held, or somebody is asked',
      ({ status, phases }) =>
        status.is === 'held' || phases.some(({ is, state }) => is === 'approval' && state.is === 'active'),
    );
  };
  const takeBack = async () => {
    await talk.type('rollback all');
    await until('the way back came to an end', ({ status }) => [...over, 'held'].includes(status.is));
    for (const row of await fleetStatus()) expect(row).toMatchObject({ binary: 'v1.0.0', health: 'healthy' });
  };
  const verdicts = async () => {
    const watched = (await talk.newest())?.phases.find(({ is, state }) => is === 'watch' && state.is === 'done');
    const all = watched?.is === 'watch' ? (watched.compared?.['us-east'] ?? []) : [];
    return Object.fromEntries(all.map((each) => [each.check, each]));
  };

  beforeAll(() => offerRelease(versions, 'v2.0.0'));
  beforeEach(async () => {
    const nodes = await freshFleet();
    load = startLoad(nodes);
    product = await startProduct({ releases: versions, policy, nodes, settings: { checks, compare } });
    talk = new Conversation(product);
  });
  afterEach(async () => {
    load?.stop();
    await product?.close();
  });
  afterAll(() => rmSync(versions, { recursive: true, force: true }));

  it.each([
    ['slower', 'latency'],
    ['errors', 'errors'],
  ])('one that is %s is held in the first region, with its numbers', async (build, check) => {
    offerRelease(versions, 'v2.1.0', `faulty/${build}`);
    await upgradeTheFirstRegion('v2.1.0');
    const rollout = await talk.newest();
    expect(rollout?.status).toMatchObject({ is: 'held', reason: expect.stringContaining(`${check}: worse on 3 of 3`) });
    expect(await verdicts()).toMatchObject({ [check]: { is: 'worse', nodes: { of: 3, so: 3 }, control: { of: 6 } } });
    const changed = (await fleetStatus()).filter(({ binary }) => binary !== 'v1.0.0').map(({ node }) => node);
    expect(changed.sort()).toEqual(['us-east-op-1', 'us-east-op-2', 'us-east-op-3']);
    await talk.until('the channel says so', () => talk.words().includes(`${check}: worse on 3 of 3`), 60_000);
    await takeBack();
  });

  it('a good one is not, and what was found stands beside the approval', async () => {
    await upgradeTheFirstRegion('v2.0.0');
    expect((await talk.newest())?.status.is).toBe('running');
    const found = await verdicts();
    expect(Object.keys(found).sort()).toEqual(['errors', 'latency']);
    expect(found.errors).toMatchObject({ is: 'same' });
    for (const { before, after } of Object.values(found)) expect(Math.min(before, after)).toBeGreaterThanOrEqual(6);
    await talk.until(
      'the channel says so',
      () => talk.words().includes('Held against nodes that were not upgraded'),
      60_000,
    );
    await takeBack();
  });
});
