import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Conversation } from '../../support/conversation.ts';
import { type Prober, startProber } from '../../support/prober.ts';
import { type Product, people, startProduct } from '../../support/product.ts';
import { freshFleet, offerRelease, onNode, type RealNode, sayWhyNot, starts } from '../../support/real-fleet.ts';

const why = sayWhyNot('Restarts of real nodes');

const quick = {
  ...{ soak: '1s', canarySoak: '1s', pause: '200ms', bake: '1s' },
  ...{ watch: '500ms', healthDeadline: '20s', retryDelay: '500ms' },
};

describe.skipIf(why !== null)('a guarded restart, on a real fleet', () => {
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-restart-'));
  let nodes: RealNode[] = [];
  let product: Product;
  let talk: Conversation;
  let prober: Prober;

  /** What runs, and what lies there: hashes, owners, modes and inodes. */
  const state = async ({ name }: RealNode) => {
    const files = '/usr/local/bin/zeitwork-operator /etc/zeitwork/operator.env';
    const [invocation, ...lies] = (
      await onNode(
        name,
        `systemctl show -P InvocationID zeitwork-operator; sha256sum ${files}; stat -c "%n %U:%G %a %i" ${files}`,
      )
    ).split('\n');
    return { name, invocation, lies };
  };

  beforeEach(async () => {
    nodes = await freshFleet();
    offerRelease(versions, 'v1.0.0');
    product = await startProduct({ nodes, releases: versions, policy: quick });
    talk = new Conversation(product);
    prober = startProber(nodes);
  });
  afterEach(async () => {
    prober.stop();
    await product?.close();
  });
  afterAll(() => rmSync(versions, { recursive: true, force: true }));

  it('gives every node of the regions one new process and changes no file, one after another, with two of each region up', async () => {
    const since = Date.now();
    const before = await Promise.all(nodes.map(state));
    expect(await talk.type('restart --regions us-east,eu-west')).toMatch(/No file is changed/);
    await talk.click('Start');
    await talk.click('Approve eu-west', people.ines.id, 180_000);
    await talk.becomes('done', 180_000);
    await talk.sees(/All 6 nodes were restarted/);

    const after = await Promise.all(nodes.map(state));
    expect(after.map(({ lies }) => lies)).toEqual(before.map(({ lies }) => lies));
    const renewed = after.filter(({ invocation }, index) => invocation !== before[index]?.invocation);
    const meant = nodes.filter(({ region }) => region !== 'ap-south').map(({ name }) => name);
    expect(renewed.map(({ name }) => name)).toEqual(meant);
    expect(new Set(after.map(({ invocation }) => invocation)).size).toBe(nodes.length);
    const begun = await Promise.all(
      nodes.map(async ({ name }) => (await starts(name)).filter((at) => at > since).map((at) => ({ name, at }))),
    );
    const inTurn = begun.flat().sort((a, b) => a.at - b.at);
    expect(inTurn.map(({ name }) => name)).toEqual(meant);
    for (const [region, fewest] of Object.entries(prober.fewest()))
      expect(fewest, `fewest healthy in ${region}`).toBe(region === 'ap-south' ? 3 : 2);
    expect(prober.probes()).toBeGreaterThan(100);
  });
});
