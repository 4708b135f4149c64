import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { binaryOf } from '../../sandbox/fleet/releases.ts';
import { Conversation } from '../support/conversation.ts';
import { type Product, people, quick, startProduct } from '../support/product.ts';

const [one, two, three] = ['us-east-op-1', 'us-east-op-2', 'us-east-op-3'];
const binary = 'usr/local/bin/zeitwork-operator';
const environment = 'etc/zeitwork/operator.env';

describe('nodes that are not as they were left, in the whole product', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-drift-'));
  let fleet: SimulatedFleet;
  let product: Product;
  let talk: Conversation;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet'), regions: ['us-east'] });
    const { nodes, releasesDirectory: releases, service } = fleet;
    product = await startProduct({ nodes, releases, policy: quick, service });
    talk = new Conversation(product);
    expect(await talk.type('drift')).toMatch(/Nothing is recorded of any node yet/);
    await talk.type('upgrade v2.0.0 --strategy rolling');
    await talk.click('Start');
    await talk.becomes('done');
  });
  afterAll(async () => {
    await product?.close();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const fileOf = (node: string, path: string) => join(directory, 'fleet', 'nodes', node, 'tree', path);
  const put = (node: string, path: string, content: string | Buffer) => {
    writeFileSync(fileOf(node, `${path}.put`), content, { mode: 0o755 });
    renameSync(fileOf(node, `${path}.put`), fileOf(node, path));
  };
  const inject = (node: string, fault: string) => fleet.source.inject(node, fault);
  /** Looks are shared for a moment by those who ask, and counted. */
  const says = async (said: RegExp, tries = 10): Promise<void> => {
    const told = await talk.type('drift');
    if (said.test(told) || tries === 0) return expect(told).toMatch(said);
    await wait(3_100);
    return says(said, tries - 1);
  };
  const restart = async (node: string) => {
    await inject(node, 'stop-service');
    await inject(node, 'start-service');
    await talk.until(
      'it serves',
      () => fleet.source.nodes().find(({ name }) => name === node)?.status === 'healthy',
      20_000,
    );
  };
  const mended = async (node: string, own: string) => {
    put(node, binary, binaryOf('v2.0.0'));
    put(node, environment, own);
    await inject(node, 'heal');
    await restart(node);
    await says(new RegExp(`✓ ${node}`));
  };

  it('are named rightly, each kind of them, and a script is told by its exit code', async () => {
    expect(await product.shell('drift')).toMatchObject({ code: 0, out: expect.stringMatching(/^✓ Nothing differs/) });
    const own = readFileSync(fileOf(one, environment), 'utf8');
    const cases: [() => Promise<void> | void, RegExp, object][] = [
      [() => put(one, binary, binaryOf('v1.1.0')), /the next restart would run another binary/, { binary: 'disk' }],
      [() => restart(one), /changed by hand.*v1\.1\.0/, { binary: 'both' }],
      [() => put(one, binary, binaryOf('v2.0.0')), /never restarted.*v1\.1\.0 .* runs/, { binary: 'memory' }],
      [() => restart(one), /✓ us-east-op-1/, { is: 'as-recorded' }],
      [
        () => put(one, environment, `${own}X=1\n`),
        /environment file changed.*is in its backup/,
        { environment: 'changed' },
      ],
      [
        () => put(one, binary, binaryOf('v1.1.0')),
        /would run another binary, and environment file changed/,
        { binary: 'disk', environment: 'changed' },
      ],
    ];
    for (const [change, said, facts] of cases) {
      await change();
      await says(said);
      const { out, code } = await product.shell('drift', '--json');
      const { nodes, outcome } = JSON.parse(out);
      expect(nodes.find(({ node }: { node: string }) => node === one)).toMatchObject(facts);
      expect([code, outcome]).toEqual('is' in facts ? [0, 'done'] : [1, 'wrong']);
    }
    await mended(one, own);
    rmSync(fileOf(one, binary));
    rmSync(fileOf(one, environment));
    await says(/us-east-op-1: .missing: its binary, its environment file/);
    await mended(one, own);
    await inject(one, 'lose-unit');
    await says(/us-east-op-1: .missing: its unit/);
    await mended(one, own);
    await inject(one, 'stop-service');
    await says(/us-east-op-1: .stopped/);
    await mended(one, own);
    await inject(one, 'kill-sshd');
    await says(/us-east-op-1: .not seen.*Nothing is said of what it runs/);
    await mended(one, own);
  }, 300_000);

  it('are told by the night in one message, repaired with a person saying what goes, adopted and snoozed', async () => {
    await inject(one, 'by-hand');
    await inject(two, 'by-hand');
    put(three, environment, `${readFileSync(fileOf(three, environment), 'utf8')}X=1\n`);
    const settings = parse(readFileSync(product.settingsFile, 'utf8'));
    const at = new Date(Date.now() - 60_000).toISOString().slice(11, 16);
    for (const role of ['bot', 'worker'] as const) await product.end(role);
    writeFileSync(product.settingsFile, stringify({ ...settings, drift: { at } }));
    product.startWorker();
    product.startBot();
    await talk.sees(/Drift: 3 nodes are not as recorded/);

    expect(await talk.click(`Adopt… ${two}`)).toMatch(/drift adopt us-east-op-2 --reason/);
    expect(await talk.click(`Adopt… ${two}`, people.ines.id)).toMatch(/You may not/);
    expect(await talk.type(`drift adopt ${two} --reason "a hotfix"`)).toMatch(/is its record now, by/);
    await talk.sees(/us-east-op-2: accepted by .*: a hotfix/);
    await talk.click(`Snooze ${three} for 7 days`);
    await talk.sees(/us-east-op-3: snoozed by/);

    expect(await talk.click(`Repair ${one}`)).toMatch(/us-east-op-1 gets v2\.0\.0 back/);
    await talk.click('Recover');
    await talk.becomes('held');
    await talk.click(`Replace v1.1.0 on ${one}`);
    await talk.becomes('done');
    await talk.sees(/us-east-op-1: v2\.0\.0 was proven on it by rollout/);
    expect(await talk.type('drift')).toMatch(
      /✓ us-east-op-1[\s\S]*✓ us-east-op-2: v1\.1\.0 .*was accepted there by[\s\S]*✗ us-east-op-3: .environment file changed/,
    );
    const told = talk.everything().filter(({ text }) => /that night|not as recorded/.test(text));
    expect(told).toHaveLength(1);
    expect(JSON.stringify(told[0]?.blocks)).not.toContain('zw:recover');
    expect(product.slack.warnings).toEqual([]);
    expect(talk.words()).not.toContain('s3cret');
  }, 300_000);
});
