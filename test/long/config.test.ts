import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Conversation } from '../support/conversation.ts';
import { type Prober, startProber } from '../support/prober.ts';
import { type Product, people, startProduct } from '../support/product.ts';
import { freshFleet, offerRelease, onNode, type RealNode, sayWhyNot, starts } from '../support/real-fleet.ts';

const reason = sayWhyNot('Changes of the environment file on the real fleet');

const binary = '/usr/local/bin/zeitwork-operator';
const env = '/etc/zeitwork/operator.env';
const quick = {
  soak: '1s',
  canarySoak: '1s',
  pause: '200ms',
  bake: '1s',
  watch: '500ms',
  healthDeadline: '20s',
  retryDelay: '500ms',
};

describe.skipIf(reason !== null)('environment files on real systemd nodes', () => {
  let nodes: RealNode[] = [];
  let names: string[] = [];
  let first = '';
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-config-'));
  let product: Product;
  let talk: Conversation;
  let prober: Prober;

  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const pairOf = async (node: string) =>
    (await onNode(node, `sha256sum ${binary} ${env}; stat -c '%U:%G %a' ${env}`)).trim();
  const pairs = () => Promise.all(names.map(pairOf));
  const counts = () => Promise.all(names.map(async (node) => (await starts(node)).length));
  const ofProcess = (node: string, key: string) =>
    onNode(
      node,
      `tr '\\0' '\\n' </proc/$(systemctl show zeitwork-operator -p MainPID --value)/environ | grep '^${key}=' || :`,
    );
  const approveAll = () =>
    setInterval(() => {
      const blocks = JSON.stringify(product.slack.messages().map((message) => message.blocks));
      const asked = /"text":"(Approve [^"]+)"/.exec(blocks);
      if (asked?.[1]) void talk.click(asked[1], people.ines.id, 500).catch(() => undefined);
    }, 1_000);

  beforeAll(async () => {
    mkdirSync(versions, { recursive: true });
    offerRelease(versions, 'v1.0.0');
    offerRelease(versions, 'v2.1.0', join('faulty', 'needs-param'));
    nodes = await freshFleet();
    names = nodes.map(({ name }) => name);
    first = names[0] ?? '';
    prober = startProber(nodes);
    const config = {
      values: { MAX_CONNECTIONS: 'integer' },
      changes: [{ version: 'v2.1.0', ensure: { NEW_PARAM: 'enabled' } }],
    };
    product = await startProduct({ releases: versions, policy: quick, nodes, settings: { config } });
    talk = new Conversation(product);
  });
  afterAll(async () => {
    prober?.stop();
    await product?.close();
    rmSync(versions, { recursive: true, force: true });
  });

  it('are changed by key and brought back byte for byte, with one restart each way', async () => {
    const [before, begun] = [await pairs(), await counts()];
    const shown = await talk.type('config ensure MAX_CONNECTIONS=200 --strategy rolling');
    expect(shown).toMatch(/MAX_CONNECTIONS/);
    const approving = approveAll();
    await talk.click('Start');
    await talk.becomes('done', 600_000);
    clearInterval(approving);
    for (const node of names) expect(await ofProcess(node, 'MAX_CONNECTIONS')).toBe('MAX_CONNECTIONS=200\n');
    expect(await counts()).toEqual(begun.map((count) => count + 1));
    await talk.type('rollback all', people.ines.id);
    await talk.becomes('rolled-back', 600_000);
    expect(await pairs()).toEqual(before);
    expect(await counts()).toEqual(begun.map((count) => count + 2));
    expect(await ofProcess(first, 'MAX_CONNECTIONS')).toBe('');
  });

  it('go with the release that needs them, in one restart, and back as a pair', async () => {
    const [before, begun] = [await pairs(), await counts()];
    const plan = await talk.type('upgrade v2.1.0 --strategy rolling');
    expect(plan).toMatch(/With it, in the same restart, .*NEW_PARAM\*? absent/);
    const approving = approveAll();
    await talk.click('Start');
    await talk.becomes('done', 600_000);
    clearInterval(approving);
    for (const node of names) {
      expect(await ofProcess(node, 'NEW_PARAM')).toBe('NEW_PARAM=enabled\n');
      expect((await onNode(node, `sha256sum <${env}`)).slice(0, 64)).toBe(hash(await onNode(node, `cat ${env}`)));
    }
    expect(await counts()).toEqual(begun.map((count) => count + 1));
    expect(await talk.type('drift')).toMatch(/Nothing differs/);
    await talk.type('rollback all', people.ines.id);
    await talk.becomes('rolled-back', 600_000);
    expect(await pairs()).toEqual(before);
    expect(await counts()).toEqual(begun.map((count) => count + 2));
    for (const [region, fewest] of Object.entries(prober.fewest()))
      expect(fewest, `fewest healthy in ${region}`).toBeGreaterThanOrEqual(2);
  });
});
