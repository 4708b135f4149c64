import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/app/cli/exit.ts';
import { scratch, writeSettings } from '../doctor/support.ts';
import { shown, until } from '../support/product.ts';

const stateDir = scratch();
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

const node = (name: string) => ({
  name,
  region: 'us-east',
  address: '127.0.0.1',
  port: 2,
  user: 'ops',
  keyFile: join(stateDir, 'none'),
  knownHostsFile: join(stateDir, 'none'),
  healthUrl: 'http://127.0.0.1:2/health',
});
const nodes = ['us-east-op-1', 'us-east-op-2', 'us-east-op-3'].map(node);
const file = writeSettings({ nodes, releases: stateDir, stateDir });

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

function run(...words: string[]) {
  const env = {
    PATH: process.env.PATH,
    ZEITWORK_CONFIG: file,
    SLACK_BOT_TOKEN: 'xoxb-none',
    SLACK_APP_TOKEN: 'xapp-none',
    SLACK_API_URL: 'http://127.0.0.1:2/api/',
  };
  const main = resolve(import.meta.dirname, '../../src/main.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...words], { env });
  running.push(child);
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  return { child, end: shown(child), log: () => log };
}

/** Command lines of all processes that work in the state directory. */
const leftBehind = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        return [];
      }
    })
    .filter((line) => line.includes(stateDir));

describe('a role as a process', () => {
  it('is not ready as a bot while Slack is away: it says why, and ends when it is asked to', async () => {
    const { child, end, log } = run('bot');
    await until('two tries', () => log().split('cannot hear Slack').length > 2, { timeoutMs: 30_000, logs: log });
    child.kill('SIGTERM');
    expect((await end).code).toBe(0);
    expect(log()).not.toMatch(/"ready"|"stack"|^\s+at /m);
    expect(log()).toContain('ECONNREFUSED');
    expect(leftBehind()).toEqual([]);
  });

  it('says as both in one which of them is ready', async () => {
    const { child, end, log } = run('all');
    await until('the worker', () => /"ready":"worker"/.test(log()), { timeoutMs: 30_000, logs: log });
    child.kill('SIGINT');
    await pause(50);
    child.kill('SIGINT');
    expect((await end).code).toBe(0);
    expect(log()).not.toMatch(/"ready":"bot"/);
    expect(leftBehind()).toEqual([]);
  });

  it('leaves no Redis when it is stopped before it is ready', async () => {
    for (const ms of [600, 1_200, 1_800, 2_400]) {
      const { child, end } = run('worker');
      await pause(ms);
      child.kill('SIGTERM');
      await end;
      // Either nothing had begun and the signal ended it, or what had begun was undone.
      expect([child.signalCode, child.exitCode]).toSatisfy(([signal, code]) => signal === 'SIGTERM' || code === 0);
      expect(leftBehind()).toEqual([]);
    }
  });

  it('names the regions that there are', async () => {
    const { code, err } = await run('worker', '--region', 'mars').end;
    expect(code).toBe(exitCodes.usage);
    expect(err).toMatch(/--region mars: the fleet has us-east/);
  });
});
