import { rmSync, writeFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import type { Settings } from '../../src/config/index.ts';
import { examineBalancers } from '../../src/doctor/balancers.ts';
import { createBalancer } from '../../src/upgrade/balancer/index.ts';
import { createProbe } from '../../src/upgrade/http/index.ts';
import {
  type Backend,
  balancerShell,
  type RealBalancer,
  read,
  startBackend,
  startRealHaproxy,
  startRealNginx,
} from '../support/balancers.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function world<B extends RealBalancer>(start: (pair: { blue: Backend[]; green: Backend[] }) => Promise<B>) {
  const [blue, green] = await Promise.all(
    ['', '-green'].map((suffix) =>
      Promise.all(['op-1', 'op-2'].map((name) => startBackend(`${name}${suffix}`, 'v1.1.0'))),
    ),
  );
  const all = { blue: blue ?? [], green: green ?? [] };
  const started = await start(all);
  closing.push(
    () => Promise.all([...all.blue, ...all.green].map((each) => each.close())),
    () => started.stop(),
  );
  const nodes = ['op-1', 'op-2'].map((name) => ({ name, region: 'eu-west' }));
  const fleet = {
    service: { slots: { server: '{name}-green' } },
    regions: [{ name: 'eu-west', nodes }],
  } as unknown as Settings['fleet'];
  const { balancer } = started;
  const look = () =>
    examineBalancers(
      { balancers: { 'eu-west': balancer }, fleet },
      (region) =>
        createBalancer({ balancer, fleet: 'trial', region, shell: balancerShell(started.folder), timeoutMs: 20_000 }),
      createProbe({ 'eu-west': balancer.probe }),
    );
  const texts = async () => (await look()).map(({ is, text }) => `${is}: ${text}`);
  return { ...started, all, texts };
}

it('finds a HAProxy that is as it should be, and what is not', { timeout: 30_000 }, async () => {
  const { say, texts, balancer, all } = await world((pair) => startRealHaproxy(pair));
  await expect
    .poll(texts, { timeout: 5_000 })
    .toEqual([expect.stringMatching(/^right: haproxy on lb-1: 2 servers in, 2 in waiting/)]);
  say('set server operators/op-1-green state ready');
  say('set server operators/op-2-green state drain');
  expect(await texts()).toEqual([
    'wrong: lb-1: op-1-green gets traffic',
    expect.stringContaining('op-2-green is drained, and should stand in maintenance'),
  ]);
  for (const { name } of all.green) say(`set server operators/${name} state maint`);
  if (balancer.kind !== 'haproxy') throw new Error('no HAProxy');
  writeFileSync(balancer.config, read(balancer.config).replace(/load-server-state-from-file.*/, ''));
  expect(await texts()).toEqual([
    expect.stringContaining('a reload would undo a switch: write load-server-state-from-file global'),
  ]);
  rmSync(balancer.socket);
  expect(await texts()).toContainEqual(expect.stringContaining("HAProxy's socket does not answer"));
});

it('finds an nginx that is as it should be, and what is not', { timeout: 30_000 }, async () => {
  const { texts, file, all } = await world((pair) => startRealNginx(pair));
  expect(await texts()).toEqual([expect.stringMatching(/^right: nginx on lb-1/)]);
  for (const each of all.blue) each.isWell = false;
  expect(await texts()).toEqual([expect.stringMatching(/\(probe\) says: 503/)]);
  writeFileSync(file, read(file).replaceAll('#', '##'));
  expect(await texts()).toContainEqual(expect.stringContaining('has no lines like "server 10.0.1.11:8080; # NAME"'));
});
