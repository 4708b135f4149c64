import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { startSlack } from '../../sandbox/slack/start.ts';
import { createStore } from '../../src/jobs/index.ts';
import { beliefIn } from '../support/belief.ts';
import { answersIn, wordsOf } from '../support/conversation.ts';
import { people, quick, shown, until } from '../support/product.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

type Slack = Awaited<ReturnType<typeof startSlack>>;

const root = resolve(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'zw-two-'));
const at = (...names: string[]) => join(directory, ...names);
const channels = { staging: 'C0STAGING', production: 'C0PRODUCTION' };
type Name = keyof typeof channels;

let fleets: Record<Name, SimulatedFleet>;
let redis: TestRedis;
let slack: Slack;
let process_: ChildProcess;
let log = '';
let env: NodeJS.ProcessEnv;

/** Rosa begins upgrades on staging, and Ines on production. */
function settingsOf(name: Name): object {
  const { nodes, service } = fleets[name];
  const requesters = { users: [name === 'staging' ? people.rosa.id : people.ines.id] };
  return {
    ...{ fleet: name, channel: channels[name], team: 'T0SANDBOX', stateDir: at('state', name) },
    releases: { directory: fleets.staging.releasesDirectory, unsigned: 'allowed' },
    service,
    metrics: { listen: '127.0.0.1:0' },
    ...(name === 'production' ? { proven: { fleet: 'staging', for: '1s', otherwise: 'refused' } } : {}),
    roles: { requesters, breakers: requesters, stoppers: requesters },
    policy: {
      oneMayBegin: 'anywhere',
      rehearse: 'never',
      waking: [],
      majors: { approvers: 1, canaryApproval: false, notice: '0s' },
      ...quick,
    },
    regions: [
      {
        name: 'us-east',
        zone: 'Etc/UTC',
        windows: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '00:00' }],
        approvers: requesters,
        nodes: nodes.map(({ region: _, keyFile: key, knownHostsFile: knownHosts, ...node }) => ({
          ...node,
          key,
          knownHosts,
        })),
      },
    ],
  };
}

const words = ['--import', 'tsx', join(root, 'src/main.ts')];
const shell = (...typed: string[]) => shown(spawn(process.execPath, [...words, ...typed], { cwd: root, env }));

beforeAll(async () => {
  const make = (name: Name) => startFleet({ directory: at(name), regions: ['us-east'] });
  fleets = { staging: await make('staging'), production: await make('production') };
  redis = await startTestRedis();
  slack = await startSlack({
    people: Object.values(people),
    channel: { id: channels.staging, name: 'staging' },
    others: [{ id: channels.production, name: 'production' }],
    team: { id: 'T0SANDBOX', name: 'Sandbox' },
    groups: [],
  });
  mkdirSync(at('fleets'));
  for (const name of ['staging', 'production'] as const)
    writeFileSync(at('fleets', `${name}.yaml`), stringify(settingsOf(name)));
  env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    ZEITWORK_CONFIG: at('fleets'),
    REDIS_URL: join(redis.dir, 'redis', 'redis.sock'),
  };
  const tokens = { SLACK_API_URL: slack.apiUrl, SLACK_BOT_TOKEN: slack.botToken, SLACK_APP_TOKEN: slack.appToken };
  process_ = spawn(process.execPath, [...words, 'all'], {
    cwd: root,
    env: { ...env, ...tokens },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process_.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await wait('both are ready', () =>
    ['staging', 'production'].every((name) => log.includes(`"ready":"bot","fleet":"${name}"`)),
  );
}, 180_000);
afterAll(async () => {
  process_?.kill('SIGTERM');
  await slack?.close();
  await redis?.stop();
  for (const fleet of Object.values(fleets ?? {})) await fleet.close();
  rmSync(directory, { recursive: true, force: true });
});

const wait = (what: string, check: () => boolean | Promise<boolean>) =>
  until(what, check, { timeoutMs: 180_000, logs: () => log });
const storeOf = async (name: Name) => createStore(redis.handle.caller, name, await beliefIn(at('state', name)));
const newest = async (name: Name) => (await (await storeOf(name)).latest(1))[0];
const allRun = (name: Name, version: string) => fleets[name].source.nodes().every((node) => node.version === version);

async function type(who: string, text: string, name: Name): Promise<string> {
  const outcome = await slack.command(who, `/zeitwork ${text}`, channels[name]);
  await wait(`an answer to ${text}`, () => answersIn(outcome).length > 0);
  return answersIn(outcome).map(wordsOf).join('\n');
}

async function click(who: string, label: string, name: Name): Promise<string> {
  const find = () =>
    slack.state
      .all()
      .findLast(
        ({ channel, blocks, visibleTo }) =>
          channel === channels[name] &&
          (visibleTo ?? who) === who &&
          JSON.stringify(blocks).includes(`"text":"${label}"`),
      );
  await wait(`a button ${label}`, () => find() !== undefined);
  const outcome = await slack.click(who, find()?.ts ?? '', label, { confirm: true });
  await wait(`an answer to ${label}`, () => answersIn(outcome).length > 0);
  return answersIn(outcome).map(wordsOf).join('\n');
}

it('serves two fleets, and begins on one what was proven on the other, by those who may begin it there', async () => {
  expect(await type(people.ines.id, 'upgrade v2.0.0', 'production')).toMatch(
    /v2\.0\.0 is not proven on staging: it was not rolled out there/,
  );
  expect(await type(people.rosa.id, 'upgrade v2.0.0 --fleet production', 'staging')).toMatch(
    /You may not start upgrades/,
  );
  expect(await type(people.rosa.id, 'upgrade v2.0.0', 'staging')).toMatch(/Plan:/);
  expect(await click(people.rosa.id, 'Start', 'staging')).toMatch(/under way/);
  await wait('staging is done', async () => (await newest('staging'))?.status.is === 'done');
  expect([allRun('staging', 'v2.0.0'), allRun('production', 'v1.0.0')]).toEqual([true, true]);
  expect(await newest('production')).toBeUndefined();

  expect(await click(people.rosa.id, 'Promote to production', 'staging')).toMatch(/You may not start upgrades/);
  const told = await click(people.ines.id, 'Promote to production', 'staging');
  expect(told).toMatch(/Answered in <#C0PRODUCTION>|long enough/);
  if (/long enough/.test(told)) expect(await type(people.ines.id, 'upgrade v2.0.0', 'production')).toMatch(/Plan:/);
  const rollout = await newest('staging');
  const plan = slack
    .ephemerals(people.ines.id)
    .findLast(({ channel, blocks }) => channel === channels.production && JSON.stringify(blocks).includes('zw:start'));
  expect(plan === undefined ? '' : wordsOf(plan)).toContain(`Proven on staging`);
  expect(plan === undefined ? '' : wordsOf(plan)).toContain(`${rollout?.id}, done`);
  expect(await click(people.ines.id, 'Start', 'production')).toMatch(/under way/);
  await wait('production is done', async () => (await newest('production'))?.status.is === 'done');
  expect(allRun('production', 'v2.0.0')).toBe(true);
  for (const name of ['staging', 'production'] as const) expect(fleets[name].source.counter().failures).toBe(0);
  const looks = Object.values((await newest('production'))?.looks ?? {});
  expect(looks[0]?.elsewhere).toMatchObject({
    is: 'proven',
    fleet: 'staging',
    rollout: rollout?.id,
    head: expect.stringMatching(/^[0-9a-f]{16}/),
  });

  const url = /"url":"(http[^"]+)"/.exec(log)?.[1] ?? '';
  const numbers = await (await fetch(`${url}/metrics`)).text();
  for (const name of ['staging', 'production']) {
    expect(numbers).toMatch(
      new RegExp(
        `^zeitwork_works_total\\{fleet="${name}",step="switch",outcome="succeeded",region="us-east"\\} 3$`,
        'm',
      ),
    );
    expect(numbers).toMatch(new RegExp(`^zeitwork_workers\\{fleet="${name}",region="us-east"\\} 1$`, 'm'));
  }
}, 400_000);

it('is asked on a shell with the name of a fleet, also while the file of another cannot be used', async () => {
  const which = await shell('status');
  expect([which.code, which.err]).toEqual([
    2,
    expect.stringMatching(/Which fleet\? Add --fleet NAME.* production, staging/),
  ]);
  expect((await shell('history', '--fleet', 'production')).out).toMatch(/v2\.0\.0/);
  writeFileSync(at('fleets', 'broken.yaml'), 'fleet: Broken\n');
  const beside = await shell('--fleet', 'production', 'history');
  expect([beside.code, beside.err]).toEqual([0, expect.stringMatching(/beside production: .*broken\.yaml:1: fleet: /)]);
  const role = await shell('worker');
  expect(role.code).not.toBe(0);
  expect(role.err).toMatch(
    /broken\.yaml:1: fleet: [\s\S]*No fleet is begun before that is mended, or that file is left out: the others are production, staging/,
  );
  rmSync(at('fleets', 'broken.yaml'));
}, 180_000);
