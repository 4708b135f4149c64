import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { Conversation } from './conversation.ts';
import { buildNext, settingOfNext } from './next-version.ts';
import { isAsked } from './parts.ts';
import { type Product, startProduct } from './product.ts';

const policy = {
  soak: '1s',
  canarySoak: '1s',
  pause: '100ms',
  bake: '1s',
  watch: '300ms',
  healthDeadline: '10s',
  retryDelay: '300ms',
};

export const alarms = /cannot be believed|Somebody or something wrote|No node is touched/;

/** Brings the product up with this build, begins a rollout, and updates its programs in the middle of it; hooks for one `describe`. */
export function updating() {
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

  /** The settings get a key that only the next build knows. */
  const writeNewSetting = () => {
    const settings = parse(readFileSync(product.settingsFile, 'utf8'));
    writeFileSync(product.settingsFile, stringify({ ...settings, policy: { ...settings.policy, ...settingOfNext } }));
  };
  const failures = () => fleet.source.counter().failures;
  return {
    talk: () => talk,
    product: () => product,
    next: () => next,
    ...{ versions, all, log, updateBot, updateWorker, inFlight, atGate, finished, writeNewSetting, failures },
  };
}
