import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Rollout } from '../../../src/upgrade/rollout/types.ts';
import { Conversation } from '../../support/conversation.ts';
import { type Prober, startProber } from '../../support/prober.ts';
import { type Product, people, startProduct } from '../../support/product.ts';
import {
  fault,
  fleetStatus,
  freshFleet,
  offerRelease,
  onNode,
  type RealNode,
  sayWhyNot,
  starts,
} from '../../support/real-fleet.ts';

const why = sayWhyNot('The ways to harm production on the real fleet');

const quick = {
  soak: '1s',
  canarySoak: '1s',
  pause: '3s',
  bake: '2s',
  watch: '500ms',
  healthDeadline: '15s',
  retryDelay: '500ms',
  unknownAttempts: 3,
};

const first = 'us-east-op-1';
const env = '/etc/zeitwork/operator.env';

/** From now on the service starts with every build but v2.0.0; the machine stays alive. */
const breakForV2 = [
  'd=/etc/systemd/system/zeitwork-operator.service.d',
  'mkdir -p $d',
  'printf "[Service]\\nExecStartPre=/bin/sh -c \\"! /usr/local/bin/zeitwork-operator --version | grep -q v2.0.0\\"\\n" >$d/no-v2.conf',
  'systemctl daemon-reload',
  'systemctl kill -s KILL zeitwork-operator',
].join('; ');

describe.skipIf(why !== null)('what would harm production, on a real fleet', () => {
  let nodes: RealNode[] = [];
  let names: string[] = [];
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-harms-'));
  let product: Product;
  let talk: Conversation;
  let prober: Prober;

  const begin = async (policy: Record<string, unknown> = {}) => {
    product = await startProduct({
      releases: versions,
      policy: { ...quick, ...policy },
      nodes,
    });
    talk = new Conversation(product);
  };
  const stateOf = async (name: string) => (await talk.newest())?.nodes[name]?.state.is;
  const until = (what: string, check: (rollout: Rollout) => boolean, ms = 120_000) =>
    talk.until(
      what,
      async () => {
        const rollout = await talk.newest();
        return rollout !== undefined && check(rollout);
      },
      ms,
    );
  const startsSince = async (since: number, of: string[]): Promise<string[]> => {
    const all = await Promise.all(of.map(async (node) => (await starts(node)).map((at) => ({ node, at }))));
    return all
      .flat()
      .filter(({ at }) => at > since)
      .sort((a, b) => a.at - b.at)
      .map(({ node }) => node);
  };
  const startRolling = async (version = 'v2.0.0') => {
    await talk.type(`upgrade ${version} --strategy rolling`);
    await talk.click('Start');
  };

  beforeAll(() => {
    offerRelease(versions, 'v2.0.0');
    offerRelease(versions, 'v2.1.0', 'faulty/never-healthy');
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

  it('op-1 is broken for good after its soak: `rollback all` takes it first, and brings all back', async () => {
    await begin();
    await startRolling();
    await until('the first region is done', ({ nodes: all }) => all['us-east-op-3']?.state.is === 'done');
    await talk.type('pause');
    await onNode(first, breakForV2);
    const since = Date.now();
    await talk.until('op-1 is down', async () => (await fleetStatus())[0]?.health !== 'healthy', 30_000);
    await talk.type('rollback all');
    await until('everything is back', ({ status }) => status.is === 'rolled-back');
    const touched = (await startsSince(since, names.slice(0, 3))).filter(
      (name, index, all) => all.indexOf(name) === index,
    );
    expect(touched).toEqual([first, 'us-east-op-3', 'us-east-op-2']);
    for (const row of await fleetStatus()) expect(row).toMatchObject({ binary: 'v1.0.0', health: 'healthy' });
  });

  it('op-1 loses its power for good: its rollback is stuck and told, and nothing else is stopped', async () => {
    await begin();
    await startRolling();
    await until('the first region is done', ({ nodes: all }) => all['us-east-op-3']?.state.is === 'done');
    await talk.type('pause');
    await fault(first, 'power-off');
    const since = Date.now();
    await talk.type('rollback all');
    await until('a person is called', ({ status }) => status.is === 'held', 240_000);
    expect(await stateOf(first)).toBe('stuck');
    await talk.sees(/us-east-op-1 .*needs a person/);
    expect(await startsSince(since, names.slice(1))).toEqual([]);
  });

  it('a node of a finished region is stopped for good during a rolling upgrade: held and told before the next begin', async () => {
    await begin({ pause: '20s' });
    await startRolling();
    await until('the first region is done', ({ nodes: all }) => all['us-east-op-3']?.state.is === 'done');
    await talk.type('pause');
    await fault('us-east-op-2', 'stop-service');
    await talk.type('resume');
    await until('it is held', ({ status }) => status.is === 'held');
    await talk.sees(/us-east-op-2 became unhealthy after it was finished/);
    for (const row of (await fleetStatus()).slice(3))
      expect(row).toMatchObject({ binary: 'v1.0.0', health: 'healthy' });
  });

  it('an environment changed by hand between the switch and a failing proof survives, and a person decides', async () => {
    await begin({ healthDeadline: '8s' });
    const since = Date.now();
    await startRolling('v2.1.0');
    await talk.until('op-1 was restarted', async () => (await startsSince(since, [first])).length > 0, 90_000);
    await onNode(first, `echo ROTATED=by-hand >>${env}`);
    await until('it is held', ({ nodes: all, status }) => status.is === 'held' && all[first]?.state.is === 'stuck');
    await talk.sees(/changed the environment file/);
    expect(await onNode(first, `cat ${env}`)).toContain('ROTATED=by-hand');
    await talk.click('Keep environment on us-east-op-1');
    await until('op-1 is back', ({ nodes: all }) => all[first]?.state.is === 'rolled-back');
    expect(await onNode(first, `cat ${env}`)).toContain('ROTATED=by-hand');
    expect((await fleetStatus())[0]).toMatchObject({ binary: 'v1.0.0', health: 'healthy' });
    expect(talk.words()).not.toContain('s3cret');
  });

  it('the power is cut right after a switch: told within one look', async () => {
    await begin({ unknownAttempts: 20 });
    const since = Date.now();
    await startRolling();
    await talk.until('op-1 was restarted', async () => (await startsSince(since, [first])).length > 0, 90_000);
    await fault(first, 'power-off');
    await talk.sees(/us-east-op-1 does not answer/, 45_000);
    expect((await startsSince(since, names.slice(1))).length).toBe(0);
    expect(await talk.type('stop', people.rosa.id)).toMatch(/Stopping/);
  });
});
