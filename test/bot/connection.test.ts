import pino from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { type Slack, startSlack } from '../../sandbox/slack/start.ts';
import { until } from '../support/product.ts';
import { workspaceOptions } from '../support/slack-workspace.ts';
import { seals, startBot, trial } from './support.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

interface Line {
  level: number;
  msg: string;
  reason?: string;
}

async function start(slack: Slack | null, changes: { botToken?: string; appToken?: string } = {}) {
  const lines: Line[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const { botToken = 'xoxb-none', appToken = 'xapp-none', apiUrl = 'http://127.0.0.1:2/api/' } = slack ?? {};
  const bot: Awaited<ReturnType<typeof startBot>> = await startBot({
    ...trial().context,
    sealer: seals,
    team: null,
    log,
    slack: { botToken, appToken, apiUrl, ...changes },
  });
  open.push(bot);
  let connected = false;
  void bot.connected.then(() => {
    connected = true;
  });
  return { lines, isConnected: () => connected };
}

async function workspace(): Promise<Slack> {
  const slack = await startSlack(workspaceOptions());
  open.push(slack);
  return slack;
}

/** One line each time, and never a stack trace. */
async function complains(lines: Line[], reason: RegExp): Promise<void> {
  const found = () => lines.filter((line) => reason.test(line.reason ?? ''));
  await until('the second try', () => found().length >= 2, { timeoutMs: 10_000, logs: () => JSON.stringify(lines) });
  expect(found().every(({ level }) => level === 50)).toBe(true);
  expect(lines.filter((line) => !found().includes(line) && line.level > 30)).toEqual([]);
  expect(JSON.stringify(lines)).not.toMatch(/\\n\s+at |"stack"/);
}

describe('a bot without Slack', () => {
  it('says which token is refused, in one line for each try, and is not connected', async () => {
    const slack = await workspace();
    const { lines, isConnected } = await start(slack, { appToken: 'xapp-revoked' });
    await complains(lines, /^SLACK_APP_TOKEN is refused \(invalid_auth\): .*doctor/);
    expect(isConnected()).toBe(false);
  });

  it('is not connected with a revoked bot token, although it would hear everything', async () => {
    const slack = await workspace();
    const { lines, isConnected } = await start(slack, { botToken: 'xoxb-revoked' });
    await complains(lines, /^SLACK_BOT_TOKEN is refused \(invalid_auth\)/);
    expect(slack.connections()).toBe(1);
    expect(isConnected()).toBe(false);
  });

  it('says why Slack cannot be reached', async () => {
    const { lines, isConnected } = await start(null);
    await until('the second try', () => lines.length >= 4, { timeoutMs: 10_000 });
    expect(new Set(lines.map(({ reason }) => reason))).toEqual(
      new Set([expect.stringMatching(/^Slack cannot be reached: .*ECONNREFUSED/)]),
    );
    expect(isConnected()).toBe(false);
  });

  it('goes on trying until Slack is back', async () => {
    const slack = await workspace();
    slack.faults.down(true);
    const { lines, isConnected } = await start(slack);
    await until('a try', () => lines.some(({ level }) => level === 50), { timeoutMs: 10_000 });
    slack.faults.down(false);
    await until('the connection', isConnected, { timeoutMs: 20_000 });
    expect(lines.map(({ msg }) => msg)).toContain('connected to Slack');
  });
});
