import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Conversation } from '../../support/conversation.ts';
import { type Prober, startProber } from '../../support/prober.ts';
import { type Product, startProduct } from '../../support/product.ts';
import {
  fleetStatus,
  freshFleet,
  offerRelease,
  onNode,
  type RealNode,
  sayWhyNot,
  starts,
} from '../../support/real-fleet.ts';

const why = sayWhyNot('The ways back on the real fleet');

const quick = {
  soak: '1s',
  canarySoak: '1s',
  pause: '1s',
  bake: '1s',
  watch: '500ms',
  healthDeadline: '15s',
  retryDelay: '500ms',
};
const first = 'us-east-op-1';
const broken = 'us-east-op-2';
const binary = '/usr/local/bin/zeitwork-operator';
const env = '/etc/zeitwork/operator.env';

describe.skipIf(why !== null)('ways back, on a real fleet', () => {
  let nodes: RealNode[] = [];
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-ways-back-'));
  let product: Product;
  let talk: Conversation;
  let prober: Prober;

  const begin = async (policy: Record<string, unknown> = {}) => {
    product = await startProduct({ releases: versions, policy: { ...quick, ...policy }, nodes });
    talk = new Conversation(product);
  };
  const upgrade = async () => {
    await talk.type('upgrade v2.0.0 --strategy rolling --nodes 3');
    await talk.click('Start');
  };
  const startsSince = async (node: string, since: number) => (await starts(node)).filter((at) => at > since).length;
  const statusOf = async (node: string) => (await fleetStatus()).find((row) => row.node === node);
  const quorumHeld = () => {
    for (const [region, fewest] of Object.entries(prober.fewest())) expect(fewest, region).toBeGreaterThanOrEqual(2);
  };
  /** Files of a node that a recovery may read and must not change: names, owners, modes, times and hashes. */
  const kept = (node: string) =>
    onNode(
      node,
      `stat -c '%n %U %a %Y %i' ${binary} ${env}; sha256sum ${binary} ${env}; systemctl show -P InvocationID zeitwork-operator`,
    );

  beforeAll(() => offerRelease(versions, 'v2.0.0'));
  beforeEach(async () => {
    nodes = await freshFleet();
    prober = startProber(nodes);
  });
  afterEach(async () => {
    prober.stop();
    await product?.close();
  });
  afterAll(() => rmSync(versions, { recursive: true, force: true }));

  it('the first node goes to the release, back and there again, proven each time, before another one is begun', async () => {
    await begin({ rehearse: 'always' });
    const since = Date.now();
    const before = await onNode(first, `sha256sum ${binary} ${env}`);
    await upgrade();
    await talk.until('it is back', async () => (await talk.newest())?.nodes[first]?.rehearsedAt !== undefined, 120_000);
    for (const other of [broken, 'us-east-op-3']) expect(await startsSince(other, since)).toBe(0);
    expect(before).toContain(binary);
    await talk.becomes('done', 240_000);
    expect(await startsSince(first, since)).toBe(3);
    for (const other of [broken, 'us-east-op-3']) expect(await startsSince(other, since)).toBe(1);
    await talk.type('rollback all');
    await talk.becomes('rolled-back', 240_000);
    expect(await onNode(first, `sha256sum ${binary} ${env}`)).toBe(before);
    expect(await statusOf(first)).toMatchObject({ binary: 'v1.0.0', health: 'healthy', tmp: '0' });
    quorumHeld();
  });

  it('a node that lost binary and environment file gets both back, its own, from the shelf and from a peer that is only read', async () => {
    await begin();
    await upgrade();
    await talk.becomes('done', 240_000);
    const [own, mode] = [await onNode(broken, `cat ${env}`), await onNode(broken, `stat -c '%U:%G %a' ${env}`)];
    const donor = await kept(first);
    for (const typed of [`recover ${broken}`, `recover ${broken} --from ${first}`]) {
      await onNode(broken, `systemctl stop zeitwork-operator; rm -f ${binary} ${env}`);
      await talk.until('it is down', async () => (await statusOf(broken))?.health !== 'healthy', 30_000);
      expect(await talk.type(typed)).toMatch(/gets v2\.0\.0 back/);
      await talk.click('Recover');
      await talk.until('it serves', async () => (await statusOf(broken))?.serves === 'v2.0.0', 120_000);
      await talk.becomes('done');
      expect(await onNode(broken, `cat ${env}`)).toBe(own);
      expect(await onNode(broken, `stat -c '%U:%G %a' ${env}`)).toBe(mode);
      expect(await kept(first)).toBe(donor);
      expect((await statusOf(broken))?.sha).toBe((await statusOf(first))?.sha);
    }
    quorumHeld();
    expect(talk.words()).not.toContain('s3cret');
  });

  it('a file on the worker stops everything, a way back too, and all goes on when it is gone', async () => {
    await begin();
    const stop = join(product.redis.dir, 'STOP');
    await upgrade();
    await talk.until('op-1 is done', async () => (await talk.newest())?.nodes[first]?.state.is === 'done', 120_000);
    writeFileSync(stop, 'somebody works on the switch\n');
    const since = Date.now() + 2_000;
    await talk.sees(/somebody works on the switch/);
    await talk.type('rollback all');
    await talk.sees(/somebody works on the switch/);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, since + 10_000 - Date.now())));
    for (const { name } of nodes) expect(await startsSince(name, since), name).toBe(0);
    rmSync(stop);
    await talk.becomes('rolled-back', 360_000);
    for (const row of await fleetStatus()) expect(row).toMatchObject({ binary: 'v1.0.0', health: 'healthy' });
    quorumHeld();
  });
});
