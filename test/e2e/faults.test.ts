import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { Conversation } from '../support/conversation.ts';
import { isAsked } from '../support/parts.ts';
import { type Product, people, quick, startProduct } from '../support/product.ts';

const policy = { ...quick, healthDeadline: '20s' };

describe('the whole product, while what it rests on fails', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-faults-'));
  let fleet: SimulatedFleet;
  let product: Product;
  let talk: Conversation;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet'), regions: ['us-east', 'eu-west'] });
    const { nodes, releasesDirectory: releases, service } = fleet;
    product = await startProduct({ nodes, releases, policy, service });
    talk = new Conversation(product);
  });
  afterAll(async () => {
    await product?.close();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const starts = () => fleet.nodes.map(({ name }) => fleet.starts(name));
  /** Each of the first nodes was restarted once since, and no other one. */
  const restartedOnce = (before: number[], count: number) =>
    expect(starts().map((now, index) => now - (before[index] ?? 0))).toEqual(
      before.map((_, index) => Number(index < count)),
    );
  beforeEach(() => fleet.reset());
  const begin = async (version: string, count: number) => {
    const former = await talk.newest();
    await talk.type(`upgrade ${version} --strategy rolling --nodes ${count}`);
    await talk.click('Start');
    await talk.until('it is begun', async () => (await talk.newest())?.id !== former?.id, 20_000);
  };
  const stepOf = async (node: string) => {
    const state = (await talk.newest())?.nodes[node]?.state;
    return state?.is === 'working' ? state.step : state?.is;
  };
  /** The live message of the newest rollout, on which nothing can be pressed any more but the way back. */
  const saysTheEnd = async () => {
    const id = (await talk.newest())?.id ?? '';
    const says = () => talk.everything().some(({ text }) => text.includes(`Rollout ${id}`) && isOver(text));
    await talk.until('the live message has its last state', says, 150_000);
    await talk.until('the bot is heard', () => product.slack.connections() === 1, 60_000);
  };
  const isOver = (text: string) => /Finished at/.test(text);
  const inMidNode = (node = 'us-east-op-1') =>
    talk.until(`${node} is being switched`, async () => /switch|verify/.test((await stepOf(node)) ?? ''), 60_000);

  it('Redis is killed and comes back while an approval is awaited: the question stands, and its button works', async () => {
    const before = starts();
    await talk.type('upgrade v2.0.0');
    await talk.click('Start');
    const asked = async () => {
      const rollout = await talk.newest();
      return rollout !== undefined && isAsked(rollout, 'eu-west');
    };
    await talk.until('eu-west is asked for', asked, 120_000);
    await talk.sees(/may \*eu-west\*/);
    const journal = await talk.journal();
    await product.redis.crash();
    await talk.until('Redis is back', () => asked().catch(() => false), 30_000);
    expect((await talk.journal()).slice(0, journal.length)).toEqual(journal);
    await talk.click('Approve eu-west', people.ines.id);
    await talk.becomes('done');
    const questions = talk.everything().filter(({ text }) => /may \*eu-west\*/.test(text));
    expect(new Set(questions.map(({ ts }) => ts)).size).toBe(1);
    restartedOnce(before, 6);
  });

  it('Redis does not answer for long while a node restarts: the node is finished, and restarted once', async () => {
    const before = starts();
    await begin('v2.0.0', 2);
    await inMidNode();
    await product.redis.signal('SIGSTOP');
    // Longer than any lock, and than any sign of life.
    await pause(25_000);
    restartedOnce(before, starts()[0] === before[0] ? 0 : 1);
    await product.redis.signal('SIGCONT');
    await talk.becomes('done');
    restartedOnce(before, 2);
  });

  it('Redis is full: no further node is begun, the channel is told, and all goes on once there is room', async () => {
    const before = starts();
    await begin('v2.0.0', 3);
    await inMidNode();
    await product.redis.handle.caller.config('SET', 'maxmemory', 1);
    await talk.sees(/The store takes no writes.*OOM/s, 60_000);
    expect(await talk.type('pause')).toMatch(/store/i);
    expect(starts().slice(1)).toEqual(before.slice(1));
    await product.redis.handle.caller.config('SET', 'maxmemory', 0);
    await talk.sees(/The store takes writes again/, 60_000);
    await talk.becomes('done');
    restartedOnce(before, 3);
  });

  it('bot and worker are asked to end in the middle of a node: both end with 0, and the next ones finish it', async () => {
    const before = starts();
    await begin('v2.0.0', 2);
    await inMidNode();
    const began = performance.now();
    expect(await Promise.all([product.end('bot'), product.end('worker')])).toEqual([0, 0]);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect((await talk.newest())?.status.is).toBe('running');
    product.startBot();
    product.startWorker();
    await talk.becomes('done');
    restartedOnce(before, 2);
  });

  it('the tokens of Slack are revoked in the middle of a node: the worker finishes it, and the channel learns it later', async () => {
    const before = starts();
    await begin('v2.0.0', 2);
    await inMidNode();
    const ended = product.logs().split('ended with').length;
    product.slack.faults.revokeTokens(true);
    await talk.becomes('done');
    restartedOnce(before, 2);
    await talk.until('the bot says why', () => /token_revoked/.test(product.logs()), 60_000);
    expect(product.logs().split('ended with')).toHaveLength(ended);
    product.slack.faults.revokeTokens(false);
    await saysTheEnd();
  });

  it('Slack asks to wait a minute: the rollout does not, and its last state is painted', async () => {
    const before = starts();
    await begin('v2.0.0', 1);
    product.slack.faults.rateLimitNext('chat.update', 60);
    const limited = performance.now();
    await talk.until('it was refused', () => product.slack.calls.some(({ error }) => error === 'ratelimited'), 60_000);
    await talk.becomes('done');
    expect(performance.now() - limited).toBeLessThan(55_000);
    restartedOnce(before, 1);
    await saysTheEnd();
  });
});
