import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { Conversation } from '../support/conversation.ts';
import { buildNext, settingOfNext } from '../support/next-version.ts';
import { isAsked } from '../support/parts.ts';
import { type Product, people, startProduct } from '../support/product.ts';

const policy = {
  soak: '1s',
  canarySoak: '1s',
  pause: '100ms',
  bake: '1s',
  watch: '300ms',
  healthDeadline: '10s',
  retryDelay: '300ms',
};

const alarms = /cannot be believed|Somebody or something wrote|No node is touched/;

describe('an update of the product in mid-rollout', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-update-'));
  let fleet: SimulatedFleet;
  let next: string;
  let product: Product;
  let talk: Conversation;

  beforeAll(async () => {
    next = buildNext(directory);
    fleet = await startFleet({
      directory: join(directory, 'fleet'),
      regions: ['us-east', 'eu-west'],
    });
  });
  beforeEach(async () => {
    await fleet.reset();
    product = await startProduct({
      nodes: fleet.nodes,
      releases: fleet.releasesDirectory,
      policy,
      service: fleet.service,
    });
    talk = new Conversation(product);
    await talk.type('upgrade v2.0.0');
    await talk.click('Start');
  });
  afterEach(() => product?.close());
  afterAll(async () => {
    await fleet?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const versions = () => fleet.source.nodes().map(({ version, status }) => `${version} ${status}`);
  const all = (version: string) => Array(6).fill(`${version} healthy`);
  const log = (line: RegExp) => line.test(product.logs());

  const updateBot = async () => {
    await product.kill('bot');
    await talk.until('the bot is gone', () => product.slack.connections() === 0, 20_000);
    product.startBot(next);
    await talk.until('the next one is there', () => product.slack.connections() > 0, 60_000);
  };
  const updateWorker = async () => {
    await product.kill('worker');
    product.startWorker(undefined, next);
  };

  /** Read by this build, so before the next one wrote anything. */
  const inFlight = async () => {
    const isSwitching = (rollout: Rollout | undefined) =>
      Object.values(rollout?.nodes ?? {}).some(
        ({ state, begun, attempt }) => state.is === 'working' && state.step === 'switch' && begun === attempt,
      );
    await talk.until('a node is switched', async () => isSwitching(await talk.newest()), 60_000);
  };
  const atGate = async () => {
    const isWaiting = (rollout: Rollout | undefined) => rollout !== undefined && isAsked(rollout, 'eu-west');
    await talk.until('eu-west is asked for', async () => isWaiting(await talk.newest()), 120_000);
  };

  const finished = async () => {
    await talk.until('every node runs it', () => versions().join() === all('v2.0.0').join(), 120_000);
    await talk.sees(/v2\.0\.0 is on all 6 nodes/);
    expect(talk.words()).not.toMatch(alarms);
    expect(product.logs()).not.toMatch(alarms);
    expect(fleet.source.counter().failures).toBe(0);
    for (const { name } of fleet.nodes) expect([name, fleet.starts(name)]).toEqual([name, 2]);
  };

  it('while a node is in flight, the bot first: the worker before it waits, it is said, and the new one goes on', async () => {
    await inFlight();
    await updateBot();
    await talk.sees(/No living worker serves us-east.*older than the bot counts when it is updated/s);
    await updateWorker();
    await talk.click('Approve eu-west', people.ines.id);
    await finished();
  });

  it('while a node is in flight, the worker first: the rollout goes on, the bot says that it is too old to follow', async () => {
    await inFlight();
    await updateWorker();
    await talk.sees(/newer version/);
    expect(await talk.type('status')).toMatch(/newer version.*update/is);
    expect(await talk.type('rollback all')).toMatch(/newer version.*update/is);
    await updateBot();
    await talk.click('Approve eu-west', people.ines.id);
    await finished();
  });

  it('at a gate, the bot first: an approval counts when the worker is updated too, and all goes back', async () => {
    await atGate();
    await updateBot();
    await talk.click('Approve eu-west', people.ines.id);
    await talk.sees(/No living worker serves eu-west/);
    expect(versions().filter((each) => each === 'v2.0.0 healthy')).toHaveLength(3);
    await updateWorker();
    await finished();
    await talk.type('rollback all');
    await talk.until('every node is back', () => versions().join() === all('v1.0.0').join(), 120_000);
    expect(fleet.source.counter().failures).toBe(0);
  });

  it('at a gate, the worker first: nothing is approved by a bot that cannot follow, and all goes back after it', async () => {
    await atGate();
    await updateWorker();
    await talk.sees(/newer version/);
    expect(await talk.click('Approve eu-west', people.ines.id)).toMatch(/newer version.*update/is);
    await updateBot();
    await talk.until('it answers', async () => !/newer version/.test(await talk.type('status')), 60_000);
    await talk.type('rollback all');
    await talk.until('every node is back', () => versions().join() === all('v1.0.0').join(), 120_000);
    expect(talk.words()).not.toMatch(alarms);
    expect(fleet.source.counter().failures).toBe(0);
  });

  it('with a setting that only the new one knows: the old one says which, and ends', async () => {
    await atGate();
    const settings = parse(readFileSync(product.settingsFile, 'utf8'));
    writeFileSync(product.settingsFile, stringify({ ...settings, policy: { ...settings.policy, ...settingOfNext } }));
    await product.kill('worker');
    product.startWorker();
    await talk.until('it says why it ends', () => log(/policy\.weather/), 60_000);
    await talk.until('it ends', () => log(/worker: ended with [1-9]/), 20_000);
    await talk.sees(/No living worker serves/);
    product.startWorker(undefined, next);
    await updateBot();
    await talk.click('Approve eu-west', people.ines.id);
    await finished();
  });
});
