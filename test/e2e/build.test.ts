import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { makeSource, unbuilt } from '../../sandbox/source.ts';
import { Conversation } from '../support/conversation.ts';
import { type Product, people, quick, startProduct } from '../support/product.ts';

const { good, bad } = unbuilt;

describe('a release that is built, in the whole product', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-build-'));
  let fleet: SimulatedFleet;
  let product: Product;
  let talk: Conversation;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet'), regions: ['us-east'] });
    const repository = await makeSource(join(directory, 'source'));
    const { nodes, releasesDirectory: releases, service } = fleet;
    const build = { on: 'local', repository, command: ['sh', 'build.sh'], network: true };
    product = await startProduct({ nodes, releases, policy: quick, service, settings: { build } });
    talk = new Conversation(product);
  });
  afterAll(async () => {
    await product?.close();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const home = () => join(product.redis.dir, 'build');
  const archives = () => readdirSync(fleet.releasesDirectory).filter((name) => name.includes(good));

  it('is offered instead of a plan, goes on when its worker is killed, and is rolled out', async () => {
    expect(await talk.type(`upgrade ${good}`)).toContain(`there is no zeitwork-operator-${good}.tar.gz`);
    await talk.click(`Build ${good} first`);
    await talk.sees(new RegExp(`${good} = commit .*; building`));
    await product.kill('worker');
    expect(archives()).toEqual([]);
    product.startWorker();
    await talk.sees(new RegExp(`${good} is built`));
    expect(archives().sort()).toEqual(
      ['', '.provenance.json', '.provenance.json.sig', '.sha256', '.sig'].map(
        (ending) => `zeitwork-operator-${good}.tar.gz${ending}`,
      ),
    );
    // Its log stands in the thread, whole and once.
    const said = talk.words();
    expect(said.match(/cc -O2 -c cmd\/lease\.c/g)?.length).toBe(2);
    expect(said).toContain('ld -o build/zeitwork-operator');
    const logs = readdirSync(join(home(), 'logs'));
    expect(logs).toHaveLength(1);
    expect(readFileSync(join(home(), 'logs', logs[0] ?? ''), 'utf8').match(/cmd\/lease\.c/g)).toHaveLength(1);
    await talk.click('Plan upgrade');
    await talk.click('Start');
    await talk.becomes('done');
    expect(fleet.source.nodes().every(({ version }) => version === good)).toBe(true);
  });

  it('that fails is told with its last lines, on a shell by its exit code too', async () => {
    const asked = await product.shell('build', bad, '--json');
    expect([asked.code, JSON.parse(asked.out)]).toMatchObject([
      0,
      { verb: 'build', build: { version: bad, is: 'asked' } },
    ]);
    await talk.sees(/lease_v2\.h: No such file/);
    await talk.sees(new RegExp(`${bad} was not built`));
    const looked = await product.shell('build');
    expect(looked.code).toBe(1);
    expect(looked.out).toContain('lease_v2.h');
    expect(readdirSync(home()).filter((name) => name.startsWith('zw-build-'))).toEqual([]);
  });

  it('is stopped by a button, and leaves nothing', async () => {
    await talk.type(`build ${bad}`);
    await talk.sees(/building, 0:/);
    await talk.click('Stop build', people.ines.id);
    await talk.sees(/Stopped/);
    expect(readdirSync(home()).filter((name) => name.startsWith('zw-build-'))).toEqual([]);
  });
});
