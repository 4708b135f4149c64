import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { Conversation } from '../support/conversation.ts';
import { type Product, people, quick, startProduct } from '../support/product.ts';
import { hasPrometheus, type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { freePort } from '../support/redis-server.ts';

const there = hasPrometheus();
if (!there) console.log('alerts are not fired: Prometheus is not installed (Debian: prometheus)');

/** What takes hours in production and has nothing to do with whether it is seen. */
const impatient: Record<string, [string, string]> = {
  ZeitworkApprovalOld: ['> 14400', '> 5'],
  ZeitworkStandsStill: ['> 900', '> 5'],
  ZeitworkMessagesLate: ['> 120', '> 5'],
};

describe.runIf(there)('each example alert, scraped by a real Prometheus, is fired by what it is for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-alerts-'));
  const seen = new Set<string>();
  let fleet: SimulatedFleet;
  let product: Product;
  let talk: Conversation;
  let prometheus: Prometheus;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet'), regions: ['us-east', 'eu-west'] });
    const { nodes, releasesDirectory: releases, service } = fleet;
    const metrics = { bot: await freePort(), worker: await freePort() };
    product = await startProduct({ nodes, releases, policy: quick, service, metrics });
    talk = new Conversation(product);
    prometheus = await startPrometheus(Object.values(metrics), impatient);
  });
  afterAll(async () => {
    await prometheus?.close();
    await product?.close();
    await fleet?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const until = async (what: string, check: (firing: string[]) => boolean, ms: number) => {
    let last: string[] = [];
    const look = async () => {
      last = await prometheus.firing();
      return check(last);
    };
    await talk.until(what, look, ms).catch((error: unknown) => {
      throw new Error(`${last}\n${error instanceof Error ? error.message : error}\n${prometheus.logs().slice(-1_000)}`);
    });
  };
  const fires = async (name: string, ms = 60_000) => {
    await until(`${name} fires`, (firing) => firing.includes(name), ms);
    seen.add(name);
  };
  /** That something stood still is told for ten minutes. */
  const isQuiet = (ms = 90_000) =>
    until('nothing fires', (firing) => firing.every((name) => name === 'ZeitworkStoodStill' && seen.has(name)), ms);

  it('none while all is well', async () => {
    await talk.until('both are scraped', async () => (await prometheus.query('min(up)'))[0] === 1, 60_000);
    await talk.until('both are ready', async () => (await prometheus.query('min(zeitwork_ready)'))[0] === 1, 60_000);
    await isQuiet();
  });

  it('ZeitworkApprovalOld: nobody answers; ZeitworkWorkerAway and ZeitworkQueueStuck: then the worker is gone', async () => {
    await talk.type('upgrade v2.0.0');
    await talk.click('Start');
    await fires('ZeitworkApprovalOld', 120_000);
    expect(await prometheus.query('max(zeitwork_approvals_pending)')).toEqual([1]);
    await product.end('worker');
    await talk.type('pause');
    await Promise.all(['ZeitworkWorkerAway', 'ZeitworkQueueStuck'].map((name) => fires(name)));
    product.startWorker();
    await until('one lives', (firing) => !firing.includes('ZeitworkWorkerAway'), 60_000);
    await talk.type('resume');
    await talk.click('Approve eu-west', people.ines.id);
    await talk.becomes('done');
    await isQuiet();
    // Since the second worker began: what the first had counted went with it.
    expect(await prometheus.query('sum(zeitwork_works_total{step="switch",outcome="succeeded"})')).toEqual([3]);
  });

  it('ZeitworkStoodStill: a bot is frozen', async () => {
    product.signal('bot', 'SIGSTOP');
    await pause(6_000);
    product.signal('bot', 'SIGCONT');
    await fires('ZeitworkStoodStill');
  });

  it('ZeitworkBotAway: it is killed', async () => {
    await product.kill('bot');
    await fires('ZeitworkBotAway');
    product.startBot();
    await isQuiet(120_000);
  });

  it('ZeitworkSlackAway, ZeitworkNotReady and ZeitworkMessagesLate: Slack is away while something happens', async () => {
    await talk.type('upgrade v2.1.0-never-healthy --strategy rolling --nodes 1');
    await talk.click('Start');
    await talk.until('it is begun', async () => (await talk.newest())?.status.is === 'running', 30_000);
    product.slack.faults.down(true);
    await Promise.all(['ZeitworkSlackAway', 'ZeitworkNotReady', 'ZeitworkMessagesLate'].map((name) => fires(name)));
    product.slack.faults.down(false);
  });

  it('ZeitworkRolloutHeld: a node failed', async () => {
    await fires('ZeitworkRolloutHeld', 120_000);
    await until('Slack is back', (firing) => !firing.includes('ZeitworkMessagesLate'), 120_000);
    await talk.type('stop');
    await isQuiet(120_000);
  });

  it('ZeitworkStandsStill: a worker is killed in the middle of a node, and none is left', async () => {
    await talk.type('restart --regions us-east');
    await talk.click('Start');
    const isSwitching = async () =>
      Object.values((await talk.newest())?.nodes ?? {}).some(({ state }) => state.is === 'working');
    await talk.until('a node is at work', isSwitching, 60_000);
    await product.kill('worker');
    await fires('ZeitworkStandsStill', 180_000);
    product.startWorker();
    await talk.becomes('done');
  });

  it('ZeitworkRedisAway: Redis does not answer, which is told once and not as a program that is not ready', async () => {
    await isQuiet(120_000);
    await product.redis.signal('SIGSTOP');
    try {
      await fires('ZeitworkRedisAway');
      expect(await prometheus.firing()).not.toContain('ZeitworkNotReady');
    } finally {
      await product.redis.signal('SIGCONT');
    }
    await until('it is back', (firing) => !firing.includes('ZeitworkRedisAway'), 60_000);
  });

  it('ZeitworkDrift: the night finds a node that somebody changed', async () => {
    await fleet.source.inject('us-east-op-2', 'by-hand');
    const settings = parse(readFileSync(product.settingsFile, 'utf8'));
    const at = new Date(Date.now() - 60_000).toISOString().slice(11, 16);
    for (const role of ['bot', 'worker'] as const) await product.end(role);
    writeFileSync(product.settingsFile, stringify({ ...settings, drift: { at } }));
    product.startWorker();
    product.startBot();
    await fires('ZeitworkDrift', 120_000);
  });

  it('ZeitworkJournalNotBelieved: somebody writes to Redis', async () => {
    const newest = await talk.newest();
    await product.redis.handle.caller.hset(keysOf('trial').rollout(newest?.id ?? ''), 'hash', 'made up');
    await fires('ZeitworkJournalNotBelieved', 120_000);
  });

  it('that is all of them', () => {
    const all = parse(readFileSync(resolve(import.meta.dirname, '../../ops/alerts.yaml'), 'utf8'));
    const names = all.groups.flatMap(({ rules }: { rules: { alert: string }[] }) => rules.map(({ alert }) => alert));
    expect([...seen].sort()).toEqual(names.sort());
  });
});
