import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { Conversation } from '../support/conversation.ts';
import { type Product, quick, startProduct } from '../support/product.ts';

const checks = [
  { name: 'ready', get: '/health/ready', at: ['node', 'watch'], absent: 'skip' },
  { name: 'nodes', get: '/api/v1/nodes', that: 'length(@) == `9`', within: '5s' },
  {
    name: 'errors',
    metrics: '/metrics',
    rate: 'zeitwork_operator_errors_total',
    per: 'zeitwork_operator_http_requests_total',
    over: '1s',
    within: '10s',
    watch: 0.01,
    bad: 0.05,
  },
  { name: 'log', journal: 'err', over: '10m', bad: 1, within: '10s' },
];

interface Row {
  check: string;
  node: string;
  is: string;
  says: string;
}

describe('checks on a simulated fleet', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-checks-'));
  let fleet: SimulatedFleet;
  let product: Product;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet') });
    product = await startProduct({
      ...{ nodes: fleet.nodes, releases: fleet.releasesDirectory, policy: { ...quick, bake: '3s' } },
      service: fleet.service,
      settings: { checks },
    });
  });
  afterAll(async () => {
    await product?.close();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** What verify says on a shell: its exit code, and what is not good. */
  async function verified(...words: string[]) {
    const { code, out, err } = await product.shell('verify', ...words, '--json');
    const facts: { checks: Row[] } = JSON.parse(out || err);
    const others = facts.checks
      .filter(({ is }) => is !== 'good')
      .map(({ node, check, is }) => `${node} ${check} ${is}`);
    return { code, others: others.sort(), all: facts.checks };
  }

  it('verify asks all of them on every node, and ends with 0 when they are good', async () => {
    const { code, others, all } = await verified();
    expect(others).toEqual([]);
    expect([code, all.length]).toEqual([0, 36]);
    const { out } = await product.shell('verify', 'eu-west');
    expect(out).toMatch(/^eu-west-op-1 +good +good +good +good *$/m);
    expect(out).not.toContain('us-east');
  });

  it('verify tells a slow node, one that counts errors and one without /metrics apart, and ends with 1', async () => {
    const [slow, failing, bare] = ['us-east-op-1', 'eu-west-op-2', 'ap-south-op-3'];
    await fleet.source.inject(slow, 'slow-api');
    await fleet.source.inject(failing, 'count-errors');
    await fleet.source.inject(bare, 'lose-metrics');
    try {
      await verified();
      const { code, others, all } = await verified();
      expect(code).toBe(1);
      expect(others).toEqual([
        'ap-south-op-3 errors absent',
        'eu-west-op-2 errors bad',
        'eu-west-op-2 log bad',
        'us-east-op-1 nodes unknown',
      ]);
      const says = (node: string, check: string) =>
        all.find((each) => each.node === node && each.check === check)?.says;
      expect(says(slow, 'nodes')).toMatch(/answer within 5 s/);
      expect(says(failing, 'errors')).toMatch(/^\d+(?:\.\d+)? % over \d+(?:\.\d+)? s, bad from 5 %$/);
      expect(says(bare, 'errors')).toBe('it answered 404, and health answers');
    } finally {
      for (const node of [slow, failing, bare]) await fleet.source.inject(node, 'heal');
    }
  });

  it('verify asks the nodes themselves where Redis is away', async () => {
    await fleet.source.inject('eu-west-op-2', 'lose-metrics');
    const env = { ...process.env, ZEITWORK_CONFIG: product.settingsFile, REDIS_URL: 'redis://127.0.0.1:1' };
    const words = [product.main, 'verify', 'eu-west', '--json'];
    try {
      const { code, out } = await new Promise<{ code: unknown; out: string }>((resolve) => {
        execFile(process.execPath, words, { env }, (error, stdout) => resolve({ code: error?.code ?? 0, out: stdout }));
      });
      expect(code).toBe(1);
      expect(JSON.parse(out)).toMatchObject({
        without: 'redis',
        right: false,
        checks: expect.arrayContaining([
          expect.objectContaining({ node: 'eu-west-op-2', check: 'errors', is: 'absent' }),
        ]),
      });
    } finally {
      await fleet.source.inject('eu-west-op-2', 'heal');
    }
  });
});

describe('a rollout with checks on a simulated fleet', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-checks-'));
  let fleet: SimulatedFleet;
  let product: Product;
  let talk: Conversation;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet'), regions: ['us-east', 'eu-west'] });
    product = await startProduct({
      ...{ nodes: fleet.nodes, releases: fleet.releasesDirectory, policy: { ...quick, bake: '2s' } },
      service: fleet.service,
      settings: {
        checks: checks
          .slice(0, 3)
          .map((each) => ({ ...each, ...(each.name === 'nodes' ? { that: 'length(@) == `6`' } : {}) })),
      },
    });
    talk = new Conversation(product);
  });
  afterAll(async () => {
    await product?.close();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const open = async () => (await talk.store()).open();

  it('is held by errors that begin while the first region is watched, and goes on once they are gone', async () => {
    await talk.type('upgrade v2.0.0 --strategy regions');
    await talk.click('Start');
    await talk.until(
      'us-east is finished',
      async () => Object.values((await open())?.nodes ?? {}).filter(({ state }) => state.is === 'done').length === 3,
      120_000,
    );
    await fleet.source.inject('us-east-op-2', 'count-errors');
    await talk.until('it is held', async () => (await open())?.status.is === 'held', 60_000);
    const held = await open();
    expect(held?.status).toMatchObject({
      is: 'held',
      node: 'us-east-op-2',
      reason: expect.stringContaining('errors is bad on us-east-op-2'),
    });
    expect(held?.nodes['eu-west-op-1']?.state.is).toBe('ready');
    expect(held?.nodes['us-east-op-1']?.proof?.checks).toEqual({ good: 1, others: [] });
    await fleet.source.inject('us-east-op-2', 'usual-answers');
    await talk.type('resume');
    await talk.until(
      'eu-west is asked for',
      async () =>
        (await open())?.phases.some((phase) => phase.is === 'approval' && phase.state.is === 'active') ?? false,
      60_000,
    );
    expect((await open())?.looks['us-east']?.checks).toBeDefined();
  });
});
