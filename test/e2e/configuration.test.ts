import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { Conversation } from '../support/conversation.ts';
import { type Product, people, quick, startProduct } from '../support/product.ts';

const nodes = ['us-east-op-1', 'us-east-op-2', 'us-east-op-3'];
const environment = 'etc/zeitwork/operator.env';
/** Ends at its start without NEW_PARAM. */
const needsParam = 'v2.1.0-needs-param';
/** Stands in no byte that anybody stores or says. */
const marker = 'm4rk3r-of-the-secret';
const address = `postgres://zeitwork:${marker}@db.internal:5432/zeitwork`;

describe('the environment file, in the whole product', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-configuration-'));
  const files = join(directory, 'files');
  let fleet: SimulatedFleet;
  let product: Product;
  let talk: Conversation;

  beforeAll(async () => {
    mkdirSync(files, { mode: 0o700 });
    writeFileSync(join(files, 'database-url'), `${address}\n`, { mode: 0o600 });
    fleet = await startFleet({ directory: join(directory, 'fleet'), regions: ['us-east'] });
    const { nodes: all, releasesDirectory: releases, service } = fleet;
    const changes = [{ version: needsParam, ensure: { NEW_PARAM: 'enabled' }, unset: ['NEW_FLAG'] }];
    const settings = { config: { secret: ['*_SALT'], values: { MAX_CONNECTIONS: 'integer' }, files, changes } };
    product = await startProduct({ nodes: all, releases, policy: quick, service, settings });
    talk = new Conversation(product);
  });
  afterAll(async () => {
    await product?.close();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const fileOf = (node: string) => readFileSync(join(directory, 'fleet', 'nodes', node, 'tree', environment), 'utf8');
  const starts = () => nodes.map((name) => fleet.starts(name));

  /** Everything that Redis holds, as its own file has it when nothing is compressed. */
  async function stored(): Promise<string> {
    const redis = product.redis.handle.caller;
    await redis.call('config', 'set', 'rdbcompression', 'no');
    await redis.call('save');
    const [, dir = ''] = (await redis.call('config', 'get', 'dir')) as string[];
    const [, name = ''] = (await redis.call('config', 'get', 'dbfilename')) as string[];
    return readFileSync(join(dir, name), 'latin1');
  }

  it('is changed on every node with one restart each, and refused where a key was mistyped', async () => {
    expect(await talk.type('config set MAX_CONNECTONS=200')).toMatch(/there is no MAX_CONNECTONS in it/);
    const before = starts();
    const plan = await talk.type('config ensure MAX_CONNECTIONS=100 NEW_FLAG=enabled');
    expect(plan).toMatch(/MAX_CONNECTIONS\*? absent -(?:>|&gt;) 100 on us-east-op-1, us-east-op-2, us-east-op-3/);
    await talk.click('Start');
    await talk.becomes('done');
    expect(starts()).toEqual(before.map((count) => count + 1));
    for (const node of nodes) expect(fileOf(node)).toMatch(/\nMAX_CONNECTIONS=100\nNEW_FLAG=enabled\n$/);
    await talk.sees(/new environment file is on all 3 nodes/);
    expect(await talk.type('config ensure MAX_CONNECTIONS=100')).toMatch(/Nothing to do/);
    expect(await talk.type('drift')).toMatch(/Nothing differs/);
  });

  it('goes back as it was, byte for byte, with one restart each', async () => {
    const [before, own] = [starts(), nodes.map(fileOf)];
    await talk.type('config set MAX_CONNECTIONS=200 --expect MAX_CONNECTIONS=100');
    await talk.click('Start');
    await talk.becomes('done');
    expect(fileOf('us-east-op-2')).toContain('MAX_CONNECTIONS=200');
    await talk.type('rollback all', people.ines.id);
    await talk.becomes('rolled-back');
    expect(nodes.map(fileOf)).toEqual(own);
    expect(starts()).toEqual(before.map((count) => count + 2));
  });

  it('that makes a node sick is put back there by itself', async () => {
    const own = fileOf('us-east-op-1');
    await talk.type('config rename DATABASE_URL DATABASE_ADDRESS');
    await talk.click('Start');
    await talk.becomes('held');
    const isBack = async () => (await talk.newest())?.nodes['us-east-op-1']?.state.is === 'rolled-back';
    await talk.until('it is back', isBack, 60_000);
    expect(fileOf('us-east-op-1')).toBe(own);
    expect(fileOf('us-east-op-2')).toContain('DATABASE_URL=');
    await talk.sees(/us-east-op-1.* with the environment file that it had/);
    await talk.type('stop');
    await talk.becomes('stopped');
  });

  it('gets a secret that stands in no byte of Redis, chat, log or journal', async () => {
    expect(await talk.type(`config set DATABASE_URL=${address}`)).toMatch(
      /is a secret, and what is typed here is kept/,
    );
    const typed = talk.words();
    expect(typed).not.toContain(marker);
    const plan = await talk.type('config set DATABASE_URL=@database-url');
    expect(plan).toMatch(/DATABASE_URL\*? hidden -(?:>|&gt;) hidden/);
    await talk.click('Start');
    await talk.becomes('done');
    for (const node of nodes) expect(fileOf(node)).toContain(`DATABASE_URL=${address}`);
    const exported = await product.shell('export', '--all');
    expect(exported.out).toContain('database-url');
    const everywhere = {
      redis: await stored(),
      chat: JSON.stringify([talk.everything(), product.slack.ephemerals(people.rosa.id)]),
      logs: product.logs(),
      export: exported.out,
      diagnosis: (await product.shell('diagnose', 'us-east-op-1', '--bundle')).out,
    };
    expect(everywhere.redis).toContain('database-url');
    for (const [where, bytes] of Object.entries(everywhere)) expect(bytes.includes(marker), where).toBe(false);
  });

  it('goes with the release that needs it, in one restart, and back with it as a pair', async () => {
    const [before, own] = [starts(), nodes.map(fileOf)];
    const plan = await talk.type(`upgrade ${needsParam} --strategy rolling`);
    expect(plan).toMatch(/With it, in the same restart, .*NEW_FLAG\*? enabled -(?:>|&gt;) absent on us-east-op-1/);
    expect(plan).toMatch(/NEW_PARAM\*? absent -(?:>|&gt;) enabled/);
    await talk.click('Start');
    await talk.becomes('done');
    expect(starts()).toEqual(before.map((count) => count + 1));
    for (const node of nodes) {
      expect(fileOf(node)).toContain('\nNEW_PARAM=enabled\n');
      expect(fileOf(node)).not.toContain('NEW_FLAG');
    }
    expect(await talk.type('drift')).toMatch(/Nothing differs/);
    await talk.type('rollback all', people.ines.id);
    await talk.becomes('rolled-back');
    expect(nodes.map(fileOf)).toEqual(own);
    expect(starts()).toEqual(before.map((count) => count + 2));
  });

  it('is changed by the same verb on a shell, with what it comes to as data', async () => {
    const shown = await product.shell('config', 'set', 'NEW_FLAG=off', '--json');
    expect(JSON.parse(shown.out)).toMatchObject({
      rollout: { change: 'config' },
      environment: nodes.map((node) => ({
        node,
        differences: [{ key: 'NEW_FLAG', from: 'enabled', to: 'off', hidden: false }],
      })),
    });
    const broken = await product.shell('config', 'set', 'NEW_SALT');
    expect(broken).toMatchObject({ code: 2 });
  });
});
