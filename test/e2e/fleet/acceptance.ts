import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../src/jobs/types.ts';
import { Conversation } from '../../support/conversation.ts';
import { type Prober, startProber } from '../../support/prober.ts';
import { type Product, type ProductOptions, people, startProduct } from '../../support/product.ts';
import {
  fleetStatus,
  freshFleet,
  offerRelease,
  onNode,
  type RealNode,
  sayWhyNot,
  served,
  starts,
} from '../../support/real-fleet.ts';

const reason = sayWhyNot('The acceptance tests on the real fleet');

const quick = {
  soak: '1s',
  canarySoak: '1s',
  pause: '200ms',
  bake: '2s',
  watch: '500ms',
  healthDeadline: '20s',
  retryDelay: '500ms',
};

describe.skipIf(reason !== null)('on a real fleet of nine systemd nodes', () => {
  let nodes: RealNode[] = [];
  let names: string[] = [];
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-releases-'));
  let product: Product;
  let talk: Conversation;
  let prober: Prober;

  const begin = async (policy: ProductOptions['policy'] = quick) => {
    product = await startProduct({
      releases: versions,
      policy,
      nodes,
    });
    talk = new Conversation(product);
  };
  /** Nodes in the order in which our journal says that their service was stopped. */
  const stopsIn = (entries: JournalEntry[], step: 'switch' | 'restore'): string[] =>
    entries.flatMap(({ event }) => (event.type === 'begun' && event.step === step ? [event.node] : []));
  /** Starts of the service on every node since `since`, in order, as the nodes' own journals tell. */
  const startsSince = async (since: number): Promise<string[]> => {
    const all = await Promise.all(names.map(async (node) => (await starts(node)).map((at) => ({ node, at }))));
    return all
      .flat()
      .filter(({ at }) => at > since)
      .sort((a, b) => a.at - b.at)
      .map(({ node }) => node);
  };
  const quorumHeld = () => {
    for (const [region, fewest] of Object.entries(prober.fewest())) {
      expect(fewest, `fewest healthy in ${region}`).toBeGreaterThanOrEqual(2);
    }
    expect(prober.probes()).toBeGreaterThan(100);
  };

  beforeAll(async () => {
    mkdirSync(versions, { recursive: true });
    for (const version of ['v1.0.0', 'v2.0.0']) offerRelease(versions, version);
  });
  beforeEach(async () => {
    nodes = await freshFleet();
    names = nodes.map(({ name }) => name);
    prober = startProber(nodes);
  });
  afterEach(async () => {
    prober.stop();
    await product?.close();
  });
  afterAll(() => rmSync(versions, { recursive: true, force: true }));

  it('upgrades all nine by regions with approvals, proves each, and rolls all back again', async () => {
    const before = Object.fromEntries((await fleetStatus()).map(({ node, sha }) => [node, sha]));
    await begin();
    const since = Date.now();
    const preview = await talk.type('upgrade v2.0.0 --strategy regions');
    expect(preview).toContain('v2.0.0');
    await talk.click('Start');
    await talk.click('Approve eu-west', people.ines.id, 120_000);
    await talk.click('Approve ap-south', people.ines.id, 120_000);
    await talk.sees(/all 9 nodes|9 of 9/i);
    await talk.until(
      'the rollout is done',
      async () => (await talk.journal()).length > 0 && (await served(nodes)).every((version) => version === 'v2.0.0'),
      60_000,
    );

    for (const row of await fleetStatus()) {
      expect(row).toMatchObject({
        binary: 'v2.0.0',
        serves: 'v2.0.0',
        health: 'healthy',
        unit: 'active',
        tmp: '0',
      });
      expect(row.owner).toBe('root:root:755');
    }
    for (const name of names) {
      const left = await onNode(
        name,
        'ls -A /home/ops/.zeitwork-upgrades 2>/dev/null; ls /usr/local/bin | grep -c staged || true',
      );
      expect(left.trim()).toBe('0');
      const backup = await onNode(
        name,
        'sha256sum /var/lib/zeitwork-upgrades/zeitwork-operator/backups/*/binary | cut -c1-12',
      );
      expect(backup.trim()).toBe(before[name]);
    }
    const forward = await talk.journal();
    expect(stopsIn(forward, 'switch')).toEqual(names);
    expect(await startsSince(since)).toEqual(names);
    quorumHeld();
    expect(talk.words()).not.toContain('s3cret');

    const back = Date.now();
    await talk.type('rollback all');
    await talk.becomes('rolled-back', 180_000);
    expect(await startsSince(back)).toEqual([...names].reverse());
    for (const row of await fleetStatus()) {
      expect(row).toMatchObject({
        binary: 'v1.0.0',
        serves: 'v1.0.0',
        health: 'healthy',
        owner: 'zeitwork:zeitwork:755',
        tmp: '0',
      });
    }
    quorumHeld();
  });

  it('goes on within 30 s after kill -9 of the worker, of the bot, and of Redis, with one restart per node', async () => {
    await begin({ ...quick, soak: '2s', canarySoak: '2s' });
    const since = Date.now();
    await talk.type('upgrade v2.0.0 --strategy rolling');
    await talk.click('Start');
    const done = (count: number) =>
      talk.until(
        `${count} nodes are upgraded`,
        async () => (await served(nodes)).filter((version) => version === 'v2.0.0').length >= count,
        120_000,
      );
    /** The next step that ends; how long those after it take is the machine's affair. */
    const goesOn = (since: number) =>
      talk.until(
        'a step ends after the kill',
        // While Redis is away nobody can read, either.
        async () => {
          const entries = await talk.journal().catch(() => []);
          return entries.some(({ event }) => event.type === 'reported' && event.at > since);
        },
        30_000,
      );

    await done(1);
    await product.kill('worker');
    const killed = Date.now();
    product.startWorker();
    await goesOn(killed);
    await done(3);
    await product.kill('bot');
    const said = talk.words();
    product.startBot();
    await talk.until('the channel goes on after the bot was killed', () => talk.words() !== said, 30_000);
    await done(5);
    const crashed = Date.now();
    await product.redis.crash();
    await goesOn(crashed);
    await done(9);
    await talk.sees(/all 9 nodes|9 of 9/i);

    expect(await startsSince(since)).toEqual(names);
    quorumHeld();
  });

  const faulty: [string, RegExp, ProductOptions['policy']][] = [
    ['never-healthy', /503/, { ...quick, healthDeadline: '4s' }],
    ['exit-at-start', /restart|exit|migration lock table missing/i, quick],
    ['dies-after-20s', /died|restart/i, { ...quick, canarySoak: '25s' }],
    ['unhealthy-200', /unhealthy/i, { ...quick, healthDeadline: '4s' }],
    ['wrong-version', /v2\.0\.9/, quick],
  ];
  it.each(faulty)(
    'brings the first node back from a build that is %s, and touches no other',
    async (build, words, policy) => {
      offerRelease(versions, 'v2.1.0', join('faulty', build));
      const since = Date.now();
      await begin(policy);
      await talk.type('upgrade v2.1.0 --strategy rolling');
      await talk.click('Start');
      await talk.sees(words, 120_000);
      await talk.until(
        'the rollout is held and its node is back',
        async () => {
          const rollout = await talk.newest();
          return rollout?.status.is === 'held' && Object.values(rollout.nodes).every(({ touched }) => !touched);
        },
        120_000,
      );
      const [first, ...others] = await fleetStatus();
      expect(first).toMatchObject({
        binary: 'v1.0.0',
        serves: 'v1.0.0',
        health: 'healthy',
        unit: 'active',
        owner: 'zeitwork:zeitwork:755',
      });
      for (const other of others) expect(other).toMatchObject({ binary: 'v1.0.0', health: 'healthy' });
      expect((await startsSince(since)).filter((node) => node !== names[0])).toEqual([]);
      expect(talk.words()).not.toContain('s3cret');
      quorumHeld();
    },
  );

  it('has the patience for a build that is slow to start', async () => {
    offerRelease(versions, 'v2.1.0', join('faulty', 'slow-start'));
    await begin({ ...quick, healthDeadline: '30s' });
    await talk.type('upgrade v2.1.0 --strategy rolling --nodes 1');
    await talk.click('Start');
    await talk.becomes('done');
    expect((await fleetStatus())[0]?.serves).toBe('v2.1.0');
    quorumHeld();
  });
});
