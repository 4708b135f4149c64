import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { Conversation } from '../support/conversation.ts';
import { type Product, people, quick, startProduct } from '../support/product.ts';

const broken = 'us-east-op-2';
const peer = 'us-east-op-1';

describe('a node that lost binary and environment file, in the whole product', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-recovery-'));
  let fleet: SimulatedFleet;
  let product: Product;
  let talk: Conversation;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet') });
    const { nodes, releasesDirectory: releases, service } = fleet;
    product = await startProduct({ nodes, releases, policy: quick, service });
    talk = new Conversation(product);
    await talk.type('upgrade v2.0.0 --strategy rolling --nodes 3');
    await talk.click('Start');
    await talk.becomes('done');
  });
  afterAll(async () => {
    await product?.close();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const fileOf = (node: string, path: string) => join(directory, 'fleet', 'nodes', node, 'tree', path);
  const env = (node: string) => readFileSync(fileOf(node, 'etc/zeitwork/operator.env'), 'utf8');
  const modeOf = (node: string) => statSync(fileOf(node, 'etc/zeitwork/operator.env')).mode & 0o777;
  const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
  /** Binary, environment file and backups of a node, byte for byte. */
  const kept = (node: string): string[] =>
    ['usr/local/bin', 'etc/zeitwork', 'var/lib/zeitwork-upgrades/zeitwork-operator/backups'].flatMap((folder) =>
      readdirSync(fileOf(node, folder), { recursive: true, withFileTypes: true })
        .filter((each) => each.isFile())
        .map(({ parentPath, name }) => `${parentPath}/${name} ${sha256(join(parentPath, name))}`)
        .sort(),
    );
  const nodeNow = () => fleet.source.nodes().find(({ name }) => name === broken);

  async function recovered(typed: string, meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
    const [own, mode] = [env(broken), modeOf(broken)];
    const [others, started] = [kept(peer), fleet.starts(peer)];
    const backups = kept(broken).filter((line) => line.includes('/backups/'));
    await fleet.source.inject(broken, 'lose-files');
    await talk.until('it is down', () => nodeNow()?.status !== 'healthy', 20_000);
    expect(await talk.type(typed)).toMatch(/gets v2\.0\.0 back[\s\S]*hash as in the ledger/);
    expect(await talk.click('Recover')).toMatch(/gets v2\.0\.0 back/);
    await meanwhile();
    await talk.becomes('done');
    await talk.until('it serves', () => nodeNow()?.status === 'healthy' && nodeNow()?.version === 'v2.0.0', 20_000);
    expect(sha256(fileOf(broken, 'usr/local/bin/zeitwork-operator'))).toBe(
      sha256(fileOf(peer, 'usr/local/bin/zeitwork-operator')),
    );
    expect(env(broken)).toBe(own);
    expect(own).toContain(`s3cret-${broken}`);
    expect(modeOf(broken)).toBe(mode);
    expect(kept(peer)).toEqual(others);
    expect(fleet.starts(peer)).toBe(started);
    expect(kept(broken)).toEqual(expect.arrayContaining(backups));
  }

  it('has both back, its own, proven; its peers are untouched byte for byte', async () => {
    await recovered(`recover ${broken}`);
    await talk.sees(new RegExp(`${broken} has v2\\.0\\.0 back`));
  });

  it('has both back although the worker is killed while it goes on', async () => {
    await recovered(`recover ${broken}`, async () => {
      await talk.until(
        'it was begun',
        async () => (await talk.newest())?.nodes[broken]?.state.is === 'working',
        60_000,
      );
      await product.kill('worker');
      product.startWorker();
    });
  });

  it('is upgraded afterwards as any other, and rolled back', async () => {
    await talk.type('upgrade v2.1.0 --strategy rolling --nodes 3');
    await talk.click('Start');
    await talk.becomes('done');
    expect(nodeNow()?.version).toBe('v2.1.0');
    await talk.type('rollback all');
    await talk.becomes('rolled-back', 240_000);
    await talk.until('it serves', () => nodeNow()?.status === 'healthy' && nodeNow()?.version === 'v2.0.0', 20_000);
  });

  it('has both back with the binary of a peer, which is only read', async () => {
    await recovered(`recover ${broken} --from ${peer}`);
    await talk.sees(new RegExp(`Its binary came from ${peer}, hash as in the ledger`));
  });

  it('is recovered by nobody who may not start upgrades, and no secret of it is ever told', async () => {
    expect(await talk.type(`recover ${broken}`, people.visitor.id)).toMatch(/may not/);
    expect(talk.words()).not.toContain('s3cret');
    expect(product.logs()).not.toContain('s3cret');
    const redis = product.redis.handle.caller;
    for (const key of await redis.keys('*')) {
      const dumped = await redis.dumpBuffer(key);
      expect(dumped?.includes('s3cret') ?? false).toBe(false);
    }
  });
});
