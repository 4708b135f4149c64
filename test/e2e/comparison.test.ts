import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { Conversation } from '../support/conversation.ts';
import { type Product, quick, startProduct } from '../support/product.ts';

/** A block is 1.6 s. */
const compare = { look: '200ms', before: '90s', least: '9s', margin: 1.5 };
const checks = [
  {
    name: 'latency',
    metrics: '/metrics',
    rate: 'zeitwork_operator_request_duration_seconds_sum',
    per: 'zeitwork_operator_request_duration_seconds_count',
    over: '1s',
    at: ['verify'],
    compare: true,
  },
];

describe('upgraded nodes are held against the others, on a simulated fleet', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-comparison-'));
  let fleet: SimulatedFleet;
  let product: Product;
  let talk: Conversation;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet') });
    product = await startProduct({
      ...{ nodes: fleet.nodes, releases: fleet.releasesDirectory, policy: { ...quick, bake: '24s' } },
      service: fleet.service,
      settings: { checks, compare },
    });
    talk = new Conversation(product);
  });
  afterAll(async () => {
    await product?.close();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const blocks = (region: string) => product.redis.handle.caller.llen(keysOf('trial').measured(region));

  it('a slower build is held in its first region, though the worker that measured before is not the one that does after', async () => {
    await talk.until('the time before is known', async () => (await blocks('us-east')) >= 5, 60_000);
    await product.kill('worker');
    product.startWorker();
    await talk.until('the next one measures, too', async () => (await blocks('us-east')) >= 10, 60_000);
    await talk.type('upgrade v2.1.0-slower --strategy regions');
    await talk.click('Start');
    await talk.becomes('held', 200_000);
    const rollout = await talk.newest();
    expect(rollout?.status).toMatchObject({
      reason: expect.stringMatching(/latency: worse on [23] of 3, [\d.]+ times/),
    });
    const { out } = await product.shell('why');
    expect(out).toMatch(/latency: worse on [23] of 3/);
  });

  it('and whoever lets it go on is asked to approve beside what is worse', async () => {
    await talk.type('resume');
    await talk.until(
      'somebody is asked',
      () => /Approve eu-west/.test(JSON.stringify(product.slack.messages())),
      60_000,
    );
    expect(talk.words()).toMatch(/‼ latency: worse on [23] of 3/);
    const { out } = await product.shell('report', '--json');
    const { report } = JSON.parse(out);
    expect(report.watches[0].compared[0]).toMatchObject({ region: 'us-east', check: 'latency', is: 'worse' });
  });
});
