import { rmSync, symlinkSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { openReleases } from '../../src/releases/index.ts';
import { surveyForWork } from '../../src/upgrade/host/index.ts';
import { createProbe } from '../../src/upgrade/http/index.ts';
import { plan } from '../../src/upgrade/rollout/index.ts';
import type { Fleet } from '../../src/upgrade/rollout/types.ts';
import { createShell } from '../../src/upgrade/ssh/index.ts';
import { until } from '../support/product.ts';
import { fleetOf, inputOf, service } from '../support/rollouts.ts';
import { examined, scratch, writeSettings } from './support.ts';

let simulated: SimulatedFleet;
const directory = scratch();
const releases = scratch();
const stateDir = scratch();
const [name, region] = ['us-east-op-1', 'us-east'];
const tree = (path: string) => join(directory, 'nodes', name, 'tree', path);

beforeAll(async () => {
  simulated = await startFleet({ directory, regions: [region], nodesPerRegion: 3 });
  const archive = 'zeitwork-operator-v2.0.0.tar.gz';
  for (const file of [archive, `${archive}.sha256`])
    await cp(join(simulated.releasesDirectory, file), join(releases, file));
});
afterAll(async () => {
  await simulated.close();
  await Promise.all([directory, releases, stateDir].map((each) => rm(each, { recursive: true, force: true })));
});
beforeEach(() => simulated.reset());

interface Settings {
  traffic?: { drain: string[]; undrain: string[] };
  now?: () => number;
}

/** What the doctor says of the node, and why a plan refuses to begin with it; null when it does not. */
async function both({ traffic, now = Date.now }: Settings = {}) {
  const ours = { owner: 'zeitwork:zeitwork', ...(traffic ? { traffic } : {}) };
  const file = writeSettings({ nodes: simulated.nodes, releases, stateDir, changes: { service: ours } });
  const { text } = await examined(file, {}, { now });
  const doctor = text.split('\n').find((line) => line.includes(name)) ?? '';
  const shell = createShell(Object.fromEntries(simulated.nodes.map((node) => [node.name, node])));
  const probe = createProbe(Object.fromEntries(simulated.nodes.map((node) => [node.name, node.healthUrl])));
  const at = { ...service, ...ours, traffic: traffic ? { ...traffic, limit: 60_000 } : null };
  const parts = { service: at, shell, probe, now, helper: () => null };
  try {
    const survey = [await surveyForWork(name, region, parts, 20_000)];
    const release = await openReleases({ directory: releases, signers: [], unsigned: 'allowed' }, at, stateDir).resolve(
      'v2.0.0',
    );
    return { doctor, plan: refusal({ ...fleetOf(), service: at }, { survey, release }), survey: survey[0] };
  } finally {
    await shell.close();
  }
}

function refusal(fleet: Fleet, changes: Parameters<typeof inputOf>[1]): string | null {
  const regions = fleet.regions.slice(0, 1).map((each) => ({ ...each, name: region, nodes: [{ name, region }] }));
  try {
    plan(inputOf({ ...fleet, regions }, changes));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('what a plan asks of a node', () => {
  it('is met by a sound one, which the doctor finds ready', async () => {
    const { doctor, plan } = await both();
    expect(plan).toBeNull();
    expect(doctor).toMatch(/^ok /);
  });

  const broken: [string, () => void | Promise<void>, string, Settings?][] = [
    ['a full disk', () => simulated.source.inject(name, 'fill-disk'), 'the disk is too full: 0 MB free for '],
    ['sudo that asks', () => simulated.source.inject(name, 'break-sudo'), 'sudo asks for a password; give this user'],
    ['another host key', () => simulated.source.inject(name, 'change-hostkey'), 'host key changed: '],
    [
      'no environment file',
      () => rmSync(tree('etc/zeitwork/operator.env')),
      'there is no /etc/zeitwork/operator.env: see service.envFile',
    ],
    [
      'a link in the place of a file',
      () => {
        rmSync(tree('etc/zeitwork/operator.env'));
        symlinkSync(tree('etc/hostname'), tree('etc/zeitwork/operator.env'));
      },
      '/etc/zeitwork/operator.env is a symbolic link to ',
    ],
    [
      'no binary',
      () => rmSync(tree('usr/local/bin/zeitwork-operator')),
      'there is no /usr/local/bin/zeitwork-operator: see service.binary',
    ],
    [
      'a balancer that is not there',
      () => undefined,
      'there is no program /usr/local/bin/no-such-balancer: see service.traffic',
      {
        traffic: {
          drain: ['/usr/local/bin/no-such-balancer', 'out'],
          undrain: ['/usr/local/bin/no-such-balancer', 'in'],
        },
      },
    ],
  ];
  it.each(broken)('is not met with %s, and the doctor says the same', async (_what, breakIt, words, settings) => {
    await breakIt();
    const { doctor, plan } = await both(settings);
    expect(doctor).toMatch(/^FAIL /);
    expect(doctor).toContain(words);
    expect(plan).toMatch(/^Nothing was started: nobody can work on us-east-op-1 \(/);
    expect(plan).toContain(words);
  });

  it('is asked over a fresh connection: a kept one hides no other host key', async () => {
    const shell = createShell(Object.fromEntries(simulated.nodes.map((node) => [node.name, node])));
    const probe = createProbe(Object.fromEntries(simulated.nodes.map((node) => [node.name, node.healthUrl])));
    const parts = { service, shell, probe, now: Date.now, helper: () => null };
    try {
      expect(await surveyForWork(name, region, parts, 20_000)).toMatchObject({ unit: 'active/running' });
      await simulated.source.inject(name, 'change-hostkey');
      expect(await surveyForWork(name, region, parts, 20_000)).toMatchObject({
        unit: null,
        healthy: true,
        detail: expect.stringMatching(/^ssh: host key changed: /),
      });
    } finally {
      await shell.close();
    }
  });

  it('is not the right time, which both tell', async () => {
    const { doctor, plan, survey } = await both({ now: () => Date.now() - 90_000 });
    expect(plan).toBeNull();
    expect(survey?.fitness?.clock?.ahead).toBeGreaterThan(80_000);
    expect(doctor).toMatch(/^FAIL .*clocks are ahead, the first by (89|90)\.\d s: /);
  });

  it('is not that it runs: a stopped one may be worked on first, and the doctor has it started', async () => {
    await simulated.source.inject(name, 'stop-service');
    await until('it is down', () => simulated.source.nodes()[0]?.status !== 'healthy', { timeoutMs: 20_000 });
    const { doctor, plan } = await both();
    expect(plan).toBeNull();
    expect(doctor).toMatch(/^FAIL .*the unit is inactive\/dead/);
  });
});
