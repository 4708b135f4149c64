import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import {
  ask,
  balancerHost,
  type Place,
  type RealBalancer,
  startLoad,
  startRealHaproxy,
  startRealNginx,
} from '../support/balancers.ts';
import { Conversation } from '../support/conversation.ts';
import { type Product, people, startProduct } from '../support/product.ts';

const policy = {
  ...{ soak: '500ms', canarySoak: '500ms', pause: '100ms', bake: '1s', watch: '300ms' },
  ...{ healthDeadline: '5s', retryDelay: '300ms' },
};
const region = 'us-east';

const portOf = (url: string) => Number(new URL(url).port);

type Starts = (pair: { blue: Place[]; green: Place[] }) => Promise<Started>;
type Started = RealBalancer & { say?(command: string): string };

async function world(start: Starts, warm: string) {
  const directory = mkdtempSync(join(tmpdir(), 'zw-blue-green-'));
  const fleet: SimulatedFleet = await startFleet({ directory: join(directory, 'fleet'), regions: [region] });
  const balancer = await start({
    blue: fleet.nodes.map(({ name, healthUrl }) => ({ name, port: portOf(healthUrl) })),
    green: fleet.nodes.map(({ name, besideUrl = '' }) => ({ name: `${name}-green`, port: portOf(besideUrl) })),
  });
  const machine = await balancerHost(balancer.folder);
  const { address, port, user, keyFile, knownHostsFile } = machine.host;
  const { probe, ...its } = balancer.balancer;
  const product: Product = await startProduct({
    nodes: fleet.nodes,
    releases: fleet.releasesDirectory,
    policy,
    service: { ...fleet.service, slots: { port: 8081, warm } },
    settings: { hosts: { 'lb-1': { address, port, user, key: keyFile, knownHosts: knownHostsFile } } },
    balancers: { [region]: { ...its, drain: '5s', probe } },
  });
  const talk = new Conversation(product);
  const close = async () => {
    await product.close();
    await machine.stop();
    await balancer.stop();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  };
  const versions = async () => [
    ...new Set(await Promise.all(Array.from({ length: 30 }, () => ask(`${balancer.url}/health`)))),
  ];
  const upgrade = async (version: string) => {
    await talk.type(`upgrade ${version} --strategy blue-green`);
    expect(await talk.click('Start')).toMatch(/under way/);
    await talk.until(
      'the switch is asked for',
      async () =>
        (await talk.newest())?.phases.some(({ id, state }) => id === `approval/${region}` && state.is === 'active') ===
        true,
      120_000,
    );
  };
  const approve = () => talk.type(`approve ${region}`, people.ines.id);
  return { fleet, balancer, product, talk, close, versions, upgrade, approve };
}

describe.each([
  ['HAProxy', startRealHaproxy as Starts],
  ['nginx', startRealNginx as Starts],
])('blue-green behind a real %s', (kind, start) => {
  let here: Awaited<ReturnType<typeof world>>;
  beforeAll(async () => {
    here = await world(start, '2s');
  }, 120_000);
  afterAll(() => here?.close());

  const homeIs = (version: string) => here.fleet.source.nodes().every((node) => node.version === version);

  it('twice, and then by rolling: no new connection fails, and clients get nothing but what was meant', {
    timeout: 400_000,
  }, async () => {
    const { balancer, talk, versions, upgrade, approve } = here;
    const load = startLoad(`${balancer.url}/health`, 100);
    await upgrade('v1.1.0');
    expect(await versions()).toEqual(['v1.0.0']);
    const starts = here.fleet.nodes.map(({ name }) => here.fleet.starts(name));
    expect(starts).toEqual([1, 1, 1]);
    await approve();
    await talk.becomes('done', 180_000);
    expect(await versions()).toEqual(['v1.1.0']);
    expect(homeIs('v1.1.0')).toBe(true);
    await upgrade('v2.0.0');
    await approve();
    await talk.becomes('done', 180_000);
    expect(await versions()).toEqual(['v2.0.0']);
    const got = await load.stop();
    expect(got.filter((each) => each === null)).toEqual([]);
    expect(new Set(got)).toEqual(new Set(['v1.0.0', 'v1.1.0', 'v2.0.0']));
    await talk.type('upgrade v2.1.0 --strategy rolling');
    expect(await talk.click('Start')).toMatch(/under way/);
    await talk.until('it is the third', async () => (await talk.newest())?.release.version === 'v2.1.0', 30_000);
    await talk.becomes('done', 180_000);
    await talk.until('clients get it', async () => (await versions()).join() === 'v2.1.0', 30_000);
    expect(kind).toBeTruthy();
  });
});

describe('while the old one is warm', () => {
  let here: Awaited<ReturnType<typeof world>>;
  beforeAll(async () => {
    here = await world(startRealHaproxy, '1h');
  }, 120_000);
  afterAll(() => here?.close());

  const isSwitched = () =>
    here.talk.until(
      'the old one is warm',
      async () =>
        (await here.talk.newest())?.phases.some(
          ({ id, state }) => id === `watch/${region}-lb` && state.is === 'active',
        ) === true,
      120_000,
    );

  it('traffic is back within seconds, and nothing was restarted', { timeout: 300_000 }, async () => {
    const { balancer, talk, versions, upgrade, approve, fleet } = here;
    await upgrade('v2.0.0');
    const load = startLoad(`${balancer.url}/health`, 200);
    await approve();
    await isSwitched();
    expect(await versions()).toEqual(['v2.0.0']);
    const asked = performance.now();
    await talk.type(`rollback ${region}`);
    await talk.until('clients get the old one', async () => (await versions()).join() === 'v1.0.0', 60_000);
    expect(performance.now() - asked).toBeLessThan(20_000);
    await talk.becomes('held', 60_000);
    expect((await load.stop()).filter((each) => each === null)).toEqual([]);
    expect(fleet.nodes.map(({ name }) => fleet.starts(name))).toEqual([1, 1, 1]);
    await talk.type('stop');
    await talk.becomes('stopped');
  });

  it('a reload by hand that forgot the switch is told within a minute, and all goes back', {
    timeout: 300_000,
  }, async () => {
    const { balancer, talk, versions, upgrade, approve } = here;
    await upgrade('v2.0.0');
    await approve();
    await isSwitched();
    // As a reload that reads no state file leaves it.
    for (const { name } of here.fleet.nodes) balancer.say?.(`set server operators/${name} state ready`);
    const since = performance.now();
    await talk.becomes('held', 60_000);
    expect(performance.now() - since).toBeLessThan(60_000);
    await talk.sees(/the balancer is not as it was left, on lb-1: us-east-op-1 gets traffic/, 30_000);
    await talk.type(`rollback ${region}`);
    await talk.until('clients get the old one', async () => (await versions()).join() === 'v1.0.0', 60_000);
    await talk.type('stop');
    await talk.becomes('stopped');
  });

  it.each(['beside', 'lb-switch', 'lb-back'])(
    'a worker that is killed at %s is followed by one that looks, and does what is lacking',
    { timeout: 300_000 },
    async (step) => {
      const { balancer, product, talk, versions, upgrade, approve } = here;
      const load = startLoad(`${balancer.url}/health`, 50);
      const kill = async () => {
        await talk.until(
          `${step} was begun`,
          async () => (await talk.journal()).some(({ event }) => event.type === 'begun' && event.step === step),
          120_000,
        );
        await product.kill('worker');
        product.startWorker();
      };
      const killed = kill();
      await upgrade('v2.0.0');
      await approve();
      await isSwitched();
      expect(await versions()).toEqual(['v2.0.0']);
      await talk.type(`rollback ${region}`);
      await killed;
      await talk.until('clients get the old one', async () => (await versions()).join() === 'v1.0.0', 120_000);
      await talk.becomes('held', 60_000);
      expect((await load.stop()).filter((each) => each === null)).toEqual([]);
      await talk.type('stop');
      await talk.becomes('stopped');
    },
  );
});
