import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { startSlack } from '../../sandbox/slack/start.ts';
import type { ChannelMessage } from '../../sandbox/slack/types.ts';
import { systemClock } from '../../src/app/clock.ts';
import { seals, startBot, type Trial } from './support.ts';

export type OneBot = Awaited<ReturnType<typeof startBot>>;

export type Slack = Awaited<ReturnType<typeof startSlack>>;

const person = (id: string) => ({ id, name: id.toLowerCase(), realName: id });

/** The bot over real Socket Mode, in a workspace with Rosa, Ines who approves, Otto who stops, and Gil, a guest. */
export async function inSlack(here: Trial): Promise<{ slack: Slack; bot: OneBot; close(): Promise<void> }> {
  const slack = await startSlack({
    people: [person('U0ROSA'), person('U0INES'), person('U0OTTO'), { ...person('U0GIL'), guest: true }],
    channel: { id: 'C0', name: 'upgrades' },
    team: { id: 'T0', name: 'Trial' },
    groups: [{ id: 'S0APPROVERS', handle: 'approvers', users: ['U0INES'] }],
  });
  const bot = await startBot({
    ...here.context,
    sealer: seals,
    team: 'T0',
    newId: randomUUID,
    playsUpTo: 40,
    clock: systemClock(),
    slack: { botToken: slack.botToken, appToken: slack.appToken, apiUrl: slack.apiUrl },
    log: pino({ level: 'silent' }),
  });
  await bot.connected;
  return {
    slack,
    bot,
    async close() {
      await bot.close();
      await slack.close();
    },
  };
}

export async function until<T>(what: string, look: () => T | undefined | null | false, timeoutMs = 20_000): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** The answer that only this person sees. */
export async function typeIn(slack: Slack, user: string, text: string): Promise<ChannelMessage> {
  const outcome = await slack.command(user, `/zeitwork ${text}`);
  if (!outcome.acked || outcome.error !== null) throw new Error(`/zeitwork ${text}: ${outcome.error}`);
  return until(`an answer to ${text}`, () => outcome.responses.at(-1));
}
