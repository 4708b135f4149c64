import { mkdtempSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { Conversation } from '../support/conversation.ts';
import { isAsked } from '../support/parts.ts';
import { type Product, people, quick, startProduct } from '../support/product.ts';

const isEuWestAsked = (rollout: Rollout | null) => rollout !== null && isAsked(rollout, 'eu-west');

describe('the whole product on a simulated fleet', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-sim-'));
  let fleet: SimulatedFleet;
  let product: Product;
  let talk: Conversation;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet') });
    product = await startProduct({
      nodes: fleet.nodes,
      releases: fleet.releasesDirectory,
      policy: quick,
      service: fleet.service,
    });
    talk = new Conversation(product);
  });
  afterAll(async () => {
    await product?.close();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const rollouts = async (): Promise<Rollout[]> => (await talk.store()).latest(10);
  const open = async () => (await (await talk.store()).open()) ?? null;
  const allRun = (version: string) =>
    fleet.source.nodes().every((node) => node.version === version && node.status === 'healthy');

  describe('asked for something impossible', () => {
    afterEach(async () => expect(await rollouts()).toEqual([]));

    const wrong: [string, RegExp][] = [
      ['upgrade banana', /version.*v2\.0\.0/is],
      ['upgrade v2.0.0; rm -rf /', /version|not.*understand|unexpected/i],
      ['upgrade v9.9.9', /v9\.9\.9.*v2\.0\.0/s],
      ['upgrade v2.2.0-bad-checksum', /sha-?256|checksum/i],
      ['upgrade v2.0.0 --regions mars', /mars.*us-east/s],
      ['upgarde v2.0.0', /did you mean .*upgrade/i],
      ['upgrade v2.0.0 --now', /reason/i],
    ];
    it.each(wrong)('says what to do about "/zeitwork %s", and starts nothing', async (text, answer) => {
      expect(await talk.type(text)).toMatch(answer);
    });

    it('tells a person without the role who may, and starts nothing', async () => {
      expect(await talk.type('upgrade v2.0.0', people.visitor.id)).toMatch(/may not|not allowed|role|requester/i);
    });
  });

  it('is driven through regions and approvals, refuses a second upgrade meanwhile, and rolls everything back', async () => {
    await talk.type('upgrade v2.0.0');
    expect(await talk.click('Start')).toMatch(/under way/);
    await talk.until('it is open', async () => (await open()) !== null, 20_000);
    expect(await talk.type('upgrade v2.1.0')).toMatch(
      /v2\.0\.0.*(under way|holds|open|running)|(under way|holds|open|running).*v2\.0\.0/is,
    );
    await talk.until('eu-west is asked for', async () => isEuWestAsked(await open()), 120_000);
    expect(await talk.type('approve eu-west', people.visitor.id)).toMatch(/may not|not allowed|approver/i);
    expect(await talk.type('approve eu-west', people.rosa.id)).toMatch(/somebody else/i);
    expect((await open())?.nodes['eu-west-op-1']?.state.is).toBe('ready');
    await talk.click('Approve eu-west', people.ines.id);
    await talk.click('Approve ap-south', people.ines.id);
    await talk.becomes('done');
    expect(allRun('v2.0.0')).toBe(true);
    expect(fleet.source.counter().failures).toBe(0);

    await talk.type('rollback all');
    await talk.becomes('rolled-back', 240_000);
    expect(allRun('v1.0.0')).toBe(true);
    expect(fleet.source.counter().failures).toBe(0);
  });

  it('brings the node back from a build that never gets healthy and goes on with nothing by itself', async () => {
    await talk.type('upgrade v2.1.0-never-healthy --strategy rolling');
    await talk.click('Start');
    await talk.becomes('held');
    await talk.until('the node is back', () => allRun('v1.0.0'), 120_000);
    await talk.sees(/503/);
    expect(await talk.type('why')).toMatch(/503|held/i);
    expect(await talk.type('stop')).toMatch(/stop/i);
    await talk.until('it is over', async () => (await open()) === null, 20_000);
  });

  it('restarts each node once on what it runs, the second region after its approval, with the service up all along', async () => {
    const nodes = fleet.nodes.filter(({ region }) => region !== 'ap-south').map(({ name }) => name);
    const before = nodes.map((name) => fleet.starts(name));
    const failures = fleet.source.counter().failures;
    expect(await talk.type('restart --regions us-east,eu-west')).toMatch(/No file is changed/);
    await talk.click('Start');
    await talk.until('eu-west is asked for', async () => isEuWestAsked(await open()), 120_000);
    expect(nodes.map((name) => fleet.starts(name) - (before[nodes.indexOf(name)] ?? 0))).toEqual([1, 1, 1, 0, 0, 0]);
    await talk.click('Approve eu-west', people.ines.id);
    await talk.becomes('done');
    expect(nodes.map((name) => fleet.starts(name))).toEqual(before.map((starts) => starts + 1));
    expect(allRun('v1.0.0')).toBe(true);
    expect(fleet.source.counter().failures).toBe(failures);
    await talk.sees(/All 6 nodes were restarted/);
  });

  it('takes the same delivery twice as once', async () => {
    product.slack.faults.duplicateDeliveries(true);
    const before = (await rollouts()).length;
    await talk.type('upgrade v2.0.0 --strategy rolling --nodes 1');
    await talk.click('Start');
    await talk.becomes('done');
    product.slack.faults.duplicateDeliveries(false);
    expect((await rollouts()).length).toBe(before + 1);
    expect(product.slack.warnings).toEqual([]);
  });

  it('takes the same verbs on a shell, without Slack', async () => {
    const plan = await product.shell('upgrade', 'v2.1.0', '--strategy', 'rolling', '--nodes', '1');
    const start = /zeitwork (start \S+)/.exec(plan.out)?.[1] ?? '';
    expect(start).toMatch(/^start /);
    expect(await product.shell(...start.split(' '))).toMatchObject({
      code: 0,
      out: expect.stringMatching(/under way/),
    });
    await talk.becomes('done');
    expect((await product.shell('history')).out).toContain('v2.1.0');
    expect(await product.shell('upgrade', 'banana')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/not a version/),
    });
  });

  it('spreads over workers that serve one region each', async () => {
    await product.kill('worker');
    for (const region of ['us-east', 'eu-west', 'ap-south']) product.startWorker(region);
    await talk.until(
      'all nodes answer',
      async () => /9 nodes/.test(await talk.type('upgrade v2.1.0 --dry-run')),
      120_000,
    );
    await talk.type('upgrade v2.1.0 --strategy rolling');
    expect(await talk.click('Start')).toMatch(/under way/);
    await talk.becomes('done');
    expect(allRun('v2.1.0')).toBe(true);
  });

  it('shows that both roles live, for whoever watches them', async () => {
    for (const role of ['bot', 'worker']) {
      const { mtimeMs } = await stat(join(product.redis.dir, `alive-${role}`));
      expect(Date.now() - mtimeMs).toBeLessThan(15_000);
    }
  });

  it('never lets a secret of a node out', () => {
    expect(talk.words()).not.toContain('s3cret');
    expect(product.logs()).not.toContain('s3cret');
  });
});
