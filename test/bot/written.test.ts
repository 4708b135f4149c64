import { randomUUID } from 'node:crypto';
import { WebClient } from '@slack/web-api';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSlack } from '../../sandbox/slack/start.ts';
import { systemClock } from '../../src/app/clock.ts';
import { heard } from '../../src/bot/written.ts';
import { next, plan } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { isAsked } from '../support/parts.ts';
import { until } from '../support/product.ts';
import { inputOf, tuesday } from '../support/rollouts.ts';
import { drive, type World, worldOf } from '../support/simulation.ts';
import { directoryOf, seals, startBot, type Trial, trial } from './support.ts';

const events = ['app_home_opened', 'app_mention', 'message.channels'];

let slack: Awaited<ReturnType<typeof startSlack>>;
let here: Trial;
let bot: Awaited<ReturnType<typeof startBot>>;
let logged: string[];
let at: { rollout: Rollout; now: number; world: World };

const person = (id: string) => ({ id, name: id.toLowerCase(), realName: id });

/** A rollout that waits for eu-west, as it stands in the channel. */
async function open(approvals: 'button' | 'signed' = 'button'): Promise<void> {
  here = trial();
  here.context.access.approvals = approvals;
  logged = [];
  slack = await startSlack({
    people: [person('U0ROSA'), person('U0INES'), person('U0OTTO')],
    channel: { id: 'C0', name: 'upgrades' },
    team: { id: 'T0', name: 'Trial' },
    groups: [{ id: 'S0APPROVERS', handle: 'approvers', users: ['U0INES'] }],
    events,
  });
  bot = await startBot({
    ...here.context,
    newId: randomUUID,
    playsUpTo: 40,
    clock: systemClock(),
    sealer: seals,
    team: null,
    slack: { botToken: slack.botToken, appToken: slack.appToken, apiUrl: slack.apiUrl },
    log: pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) }),
  });
  await bot.connected;
  const start = plan(inputOf(here.context.fleet, { strategy: 'regions', requester: 'U0ROSA' }));
  const world = worldOf(start);
  at = { ...drive(start, world, { from: tuesday, until: (each) => isAsked(each, 'eu-west') }), world };
  await show(at.rollout);
}

async function show(rollout: Rollout): Promise<void> {
  here.control.rollouts.set(rollout.id, rollout);
  await bot.announcer.show(rollout);
}

const main = () => slack.messages().find(({ threadTs }) => threadTs === null)?.ts ?? '';
const told = (user: string) => slack.ephemerals(user);

async function soon(count: number, user = 'U0INES'): Promise<string[]> {
  const options = { timeoutMs: 8_000, logs: () => logged.join('') };
  await until(`${count} answers to ${user}`, () => told(user).length >= count, options);
  return told(user).map(({ text }) => text);
}

/** What a person is answered to this, heard from beginning to end. */
async function answerTo(
  user: string,
  thread: string | null,
  isMention = false,
  ts: string = randomUUID(),
): Promise<string[]> {
  const sent: URLSearchParams[] = [];
  const client = new WebClient('xoxb', {
    fetch: async (_url, options) => {
      sent.push(new URLSearchParams(String(options?.body)));
      return new Response(JSON.stringify({ ok: true }));
    },
  });
  await heard(here.context, client, { user, channel: 'C0', ts, thread, isMention });
  return sent.map((body) => body.get('text') ?? '');
}

beforeEach(() => open());
afterEach(async () => {
  await bot.close();
  await slack.close();
});

describe('"lgtm" in the thread', () => {
  it('approves nothing, and is answered in the thread, to that person alone, with what does', async () => {
    await slack.say('U0INES', 'lgtm', main());
    const [text] = await soon(1);
    expect(text).toMatch(
      /^\*Nothing that is written here counts\*, and nothing was approved\.\n\*eu-west\* waits for its approvers: press “Approve eu-west” below <http\S+\/archives\/C0\/p\d+\|its question>, or type `\/zeitwork approve eu-west`$/,
    );
    expect(told('U0INES')[0]?.threadTs).toBe(main());
    expect(here.control.journals.get(at.rollout.id) ?? []).toEqual([]);
  });

  it('leads to the command where a signature alone counts', async () => {
    await bot.close();
    await slack.close();
    await open('signed');
    await slack.say('U0INES', 'lgtm', main());
    const [text] = await soon(1);
    expect(text).toMatch(/sign with your own key, on a shell with the settings: `zeitwork approve eu-west`$/);
    expect(text).not.toContain('press');
  });

  it('is answered once to a person for each question, so that people can talk there', async () => {
    expect(await answerTo('U0INES', main())).toHaveLength(1);
    expect(await answerTo('U0INES', main())).toEqual([]);
    expect(await answerTo('U0OTTO', main())).toHaveLength(1);
    const { rollout, now, world } = at;
    const approved = next(rollout, { type: 'approved', at: now, phase: 'approval/eu-west', by: 'U0INES' });
    const again = drive(approved, world, { from: now, until: (each) => isAsked(each, 'ap-south') });
    await show(again.rollout);
    expect(await answerTo('U0INES', main())).toEqual([expect.stringContaining('*ap-south* waits for its approvers')]);
  });

  it('is answered to nobody elsewhere in the channel, to no stranger, and not where nothing is asked', async () => {
    here.context.directory = directoryOf({ U0INES: {}, U0FAR: { teams: ['T9'] } });
    expect(await answerTo('U0INES', null)).toEqual([]);
    expect(await answerTo('U0INES', '1.2')).toEqual([]);
    expect(await answerTo('U0FAR', main())).toEqual([]);
    const paused = next(at.rollout, { type: 'paused', at: at.now, by: 'U0ROSA' });
    await show(next(paused, { type: 'stopped', at: at.now, by: 'U0ROSA' }));
    expect(await answerTo('U0INES', main())).toEqual([]);
  });

  it('is not answered while the store is silent; a mention is, all the same', async () => {
    const away = () => Promise.reject(new Error('ECONNREFUSED'));
    Object.assign(here.control.store, { open: away, firstTime: away });
    expect(await answerTo('U0INES', main())).toEqual([]);
    expect(await answerTo('U0INES', main(), true)).toEqual([expect.stringContaining('See `/zeitwork help`')]);
  });
});

describe('a mention', () => {
  it('is answered each time, once, in a thread too', async () => {
    await slack.say('U0INES', '@zeitwork lgtm', main());
    await soon(1);
    await slack.say('U0INES', '@zeitwork lgtm!', main());
    await soon(2);
    expect(told('U0INES').map(({ threadTs }) => threadTs)).toEqual([main(), main()]);
  });

  it('is answered once although it is delivered as a message, too, whichever comes first', async () => {
    const [mention, message] = [true, false];
    expect(await answerTo('U0INES', main(), mention, '9.1')).toHaveLength(1);
    expect(await answerTo('U0INES', main(), message, '9.1')).toEqual([]);
    expect(await answerTo('U0OTTO', main(), message, '9.2')).toHaveLength(1);
    expect(await answerTo('U0OTTO', main(), mention, '9.2')).toEqual([]);
  });

  it('while nothing is asked leads to help', async () => {
    await show(next(at.rollout, { type: 'stopped', at: at.now, by: 'U0ROSA' }));
    await slack.say('U0INES', '@zeitwork hello');
    expect(await soon(1)).toEqual([
      '*Nothing that is written here counts*: I listen to `/zeitwork` and to buttons. See `/zeitwork help`.',
    ]);
  });
});
