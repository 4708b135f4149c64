import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { createStore } from '../../src/jobs/index.ts';
import type { JournalEntry } from '../../src/jobs/types.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { beliefIn } from '../support/belief.ts';
import { Conversation } from '../support/conversation.ts';
import { type Answer, type Balancer, type Clients, request, startBalancer, startClients } from '../support/haproxy.ts';
import { type Product, startProduct } from '../support/product.ts';

const policy = {
  soak: '500ms',
  canarySoak: '500ms',
  pause: '100ms',
  watch: '300ms',
  healthDeadline: '5s',
  retryDelay: '300ms',
};
const allUp = { 'us-east-op-1': 'UP', 'us-east-op-2': 'UP', 'us-east-op-3': 'UP' };

interface Absence {
  node: string;
  from: number;
  to: number;
}

/** From each drain that was reported to be over to the node's way back. */
function absences(events: JournalEntry['event'][]): Absence[] {
  return events.flatMap((event, index) => {
    if (event.type !== 'reported' || event.step !== 'drain' || event.report.is !== 'succeeded') return [];
    const { node, at } = event;
    const back = events
      .slice(index)
      .find((each) => each.type === 'begun' && each.node === node && each.step === 'undrain');
    return back === undefined ? [] : [{ node, from: at, to: back.at }];
  });
}

const lost = (answers: Answer[]) => answers.filter(({ code }) => code !== 200);

describe('nodes behind a real HAProxy', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-haproxy-'));
  let fleet: SimulatedFleet;
  let balancer: Balancer;
  let product: Product;
  let talk: Conversation;
  let clients: Clients;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet'), regions: ['us-east'] });
    balancer = await startBalancer(fleet.nodes);
    for (const { name } of fleet.nodes) {
      const kept = join(directory, 'fleet/nodes', name, 'tree/etc/zeitwork');
      copyFileSync(balancer.keyFileOf(name), join(kept, 'traffic_key'));
      copyFileSync(balancer.knownHostsFile, join(kept, 'traffic_known_hosts'));
    }
    product = await startProduct({
      nodes: fleet.nodes,
      releases: fleet.releasesDirectory,
      policy,
      service: { ...fleet.service, traffic: balancer.traffic },
    });
    talk = new Conversation(product);
  });
  afterAll(async () => {
    await product?.close();
    await balancer?.stop();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await until(allUp);
    clients = startClients(balancer.url);
  });
  afterEach(() => clients.stop());

  const until = (states: Record<string, string>) =>
    talk.until(
      `HAProxy has ${JSON.stringify(states)}`,
      async () => JSON.stringify(await balancer.servers()) === JSON.stringify(states),
      30_000,
    );
  const store = async () => createStore(product.redis.handle.caller, 'trial', await beliefIn(product.redis.dir));
  const newest = async (): Promise<Rollout | undefined> => (await (await store()).latest(1))[0];
  const is = (status: Rollout['status']['is']) =>
    talk.until(`it is ${status}`, async () => (await newest())?.status.is === status, 120_000);
  const begin = async (version: string) => {
    await talk.type(`upgrade ${version}`);
    expect(await talk.click('Start')).toMatch(/under way/);
  };
  const journal = async () => {
    const id = (await newest())?.id ?? '';
    return (await (await store()).journal(id)).map(({ event }) => event);
  };
  /** What clients got, and what of it came from a node while that was out of service. */
  const seen = async () => {
    await clients.stop();
    const answers = clients.answers();
    const out = absences(await journal());
    const fromAbsent = answers.filter(({ node, ended }) =>
      out.some((absence) => absence.node === node && absence.from < ended && ended < absence.to),
    );
    return { answers, out: out.map(({ node }) => node), lost: lost(answers), fromAbsent };
  };

  it('no request fails, and none is answered by a node that is being switched', async () => {
    await begin('v2.0.0');
    await is('done');
    const { answers, out, ...wrong } = await seen();
    expect(wrong).toEqual({ lost: [], fromAbsent: [] });
    expect(out).toEqual(['us-east-op-1', 'us-east-op-2', 'us-east-op-3']);
    expect(new Set(answers.map(({ node }) => node))).toEqual(new Set(out));
    await until(allUp);
  });

  it('one whose build never gets healthy is out until it is back on the old version', async () => {
    await begin('v2.1.0-never-healthy');
    await is('held');
    await talk.until(
      'the node is back',
      async () => (await newest())?.nodes['us-east-op-1']?.state.is === 'rolled-back',
      120_000,
    );
    const { out, lost, fromAbsent } = await seen();
    expect({ out, lost, fromAbsent }).toEqual({ out: ['us-east-op-1'], lost: [], fromAbsent: [] });
    await until(allUp);
    await talk.type('stop');
    await is('stopped');
  });

  it('one whose turn is stopped while requests are under way is put back, and was not restarted', async () => {
    const starts = fleet.starts('us-east-op-1');
    const agent = new Agent();
    // One for each node, so that whichever is taken out has one.
    for (const _ of fleet.nodes) void request(`${balancer.url}/api/v1/instances?wait=250000`, agent);
    await begin('v2.1.0');
    await talk.until(
      'its requests are waited for',
      async () => {
        const state = (await newest())?.nodes['us-east-op-1']?.state;
        return state?.is === 'working' && /^\d+ requests left$/.test(state.lastReason ?? '');
      },
      60_000,
    );
    expect((await balancer.servers())['us-east-op-1']).toBe('DRAIN');
    await talk.type('stop');
    await is('stopped');
    await until(allUp);
    expect(fleet.starts('us-east-op-1')).toBe(starts);
    agent.destroy();
    expect((await seen()).lost).toEqual([]);
  });

  it('one that is stopped without being taken out is noticed by the clients: what they see is true', async () => {
    await fleet.source.inject('us-east-op-2', 'stop-service');
    await talk.until('a request fails', () => lost(clients.answers()).length > 0, 20_000);
    await fleet.source.inject('us-east-op-2', 'start-service');
    await until(allUp);
  });
});
