import { WebClient } from '@slack/web-api';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSlack } from '../../sandbox/slack/start.ts';
import type { ChannelMessage, Outcome } from '../../sandbox/slack/types.ts';
import { systemClock } from '../../src/app/clock.ts';
import { type Bot, startBot } from '../../src/bot/index.ts';
import { addressed } from '../../src/bot/parse/fleet.ts';
import { sealedBlocks } from '../../src/bot/sealed.ts';
import { promoteButtons } from '../../src/bot/views/buttons.ts';
import { homeActions } from '../../src/bot/views/home.ts';
import type { Release, Rollout } from '../../src/upgrade/rollout/types.ts';
import { wordsOf } from '../support/conversation.ts';
import { until } from '../support/product.ts';
import { planned, release } from '../support/rollouts.ts';
import { seals, type Trial, trial, trialFleet } from './support.ts';

type Slack = Awaited<ReturnType<typeof startSlack>>;

let slack: Slack;
let staging: Trial;
let production: Trial;
let bot: Bot;
let thief: WebClient;

const person = (id: string) => ({ id, name: id.toLowerCase(), realName: id });
const users = (...ids: string[]) => ({ users: ids, groups: [] });

/** A fleet with its channel, where one person may begin something. The key of the seals is one for both, as SEAL_KEY makes it. */
function fleetOf(name: string, channel: string, requester: string, known: Release[] = [release]): Trial {
  const own = trial({ fleet: { ...trialFleet(), name }, known });
  const { roles } = own.context.access;
  own.context.access = {
    ...own.context.access,
    channel,
    roles: { ...roles, requesters: users(requester), breakers: users(), stoppers: users(requester) },
  };
  return own;
}

async function begin(known?: Release[]): Promise<void> {
  slack = await startSlack({
    people: ['U0ROSA', 'U0INES'].map(person),
    channel: { id: 'C0', name: 'staging' },
    others: [
      { id: 'C1', name: 'production' },
      { id: 'C9', name: 'lunch' },
    ],
    team: { id: 'T0', name: 'Trial' },
    groups: [{ id: 'S0APPROVERS', handle: 'approvers', users: ['U0INES'] }],
  });
  staging = fleetOf('staging', 'C0', 'U0ROSA');
  staging.context.promotesTo = ['production'];
  production = fleetOf('production', 'C1', 'U0INES', known);
  const log = pino({ level: 'silent' });
  const { botToken, appToken, apiUrl } = slack;
  const of = ({ context }: Trial) => ({ ...context, sealer: seals, log });
  const connection = { team: null, slack: { botToken, appToken, apiUrl }, clock: systemClock(), log };
  bot = await startBot(connection, [of(staging), of(production)]);
  await bot.connected;
  thief = new WebClient(botToken, { slackApiUrl: apiUrl, retryConfig: { retries: 0 } });
}

beforeEach(() => begin());
afterEach(async () => {
  await bot.close();
  await slack.close();
});

async function soon<T>(what: string, look: () => T | undefined): Promise<T> {
  let found: T | undefined;
  const seen = () => {
    found = look();
    return found !== undefined;
  };
  await until(what, seen, { timeoutMs: 20_000 });
  if (found === undefined) throw new Error(what);
  return found;
}

const answerOf = (outcome: Outcome): Promise<string> =>
  soon('an answer', () => outcome.responses.find((each) => !/^Looking at/.test(wordsOf(each)))).then(wordsOf);
const type = async (who: string, text: string, channel: string) =>
  answerOf(await slack.command(who, `/zeitwork ${text}`, channel));
const press = async (who: string, message: ChannelMessage, label: string) =>
  answerOf(await slack.click(who, message.ts, label, { confirm: true }));
const shownTo = (who: string, channel: string): ChannelMessage | undefined =>
  slack.ephemerals(who).find((each) => each.channel === channel && JSON.stringify(each.blocks).includes('zw:start'));
const begun = ({ control }: Trial) => [...control.rollouts.keys()];
const planned_ = ({ control }: Trial) => [...control.drafts.keys()];
const denied = ({ control }: Trial) => control.notes.map(({ type }) => type).filter((each) => each === 'denied');

/** An upgrade that staging has seen through, as its channel tells of it. */
async function finished(): Promise<{ rollout: Rollout; message: ChannelMessage }> {
  const began = planned();
  const rollout: Rollout = {
    ...began,
    fleet: 'staging',
    startedAt: began.createdAt,
    status: { is: 'done', at: began.createdAt },
  };
  staging.control.rollouts.set(rollout.id, rollout);
  await bot.announcers[0]?.show(rollout);
  const message = await soon('what it came to', () =>
    slack.state
      .all()
      .find((each) => each.channel === 'C0' && JSON.stringify(each.blocks).includes('Promote to production')),
  );
  return { rollout, message };
}

describe('a bot of two fleets', () => {
  it('takes each channel for its own fleet, and no other channel', async () => {
    expect(await type('U0ROSA', 'upgrade v2.0.0', 'C0')).toMatch(/Plan:/);
    expect([planned_(staging).length, planned_(production).length]).toEqual([1, 0]);
    expect(await type('U0ROSA', 'upgrade v2.0.0', 'C1')).toMatch(/You may not start upgrades/);
    expect(await type('U0INES', 'upgrade v2.0.0', 'C1')).toMatch(/Plan:/);
    expect([planned_(staging).length, planned_(production).length]).toEqual([1, 1]);
    expect(await type('U0ROSA', 'status', 'C9')).toContain(
      'This bot is heard in <#C0> (staging), <#C1> (production) only.',
    );
    expect(await type('U0ROSA', 'stop --fleet staging', 'C9')).toMatch(/heard in/);
  });

  it('looks at the fleet that is named, and says which it is', async () => {
    const told = await type('U0ROSA', '--fleet production windows', 'C0');
    expect(told).toMatch(/^Fleet production/);
    expect(await type('U0ROSA', 'windows', 'C0')).not.toMatch(/Fleet production/);
    expect(await type('U0ROSA', 'windows --fleet mars', 'C0')).toMatch(
      /no such fleet here. There are: staging, production/,
    );
  });

  it('lets nobody act in another fleet than their own by naming it', async () => {
    expect(await type('U0ROSA', 'upgrade v2.0.0 --fleet production', 'C0')).toMatch(/You may not start upgrades/);
    expect(await type('U0ROSA', 'freeze all --until 2031-01-01 00:00 --reason x --fleet=production', 'C0')).toMatch(
      /You may not/,
    );
    expect([planned_(staging), planned_(production), denied(production)]).toEqual([[], [], ['denied', 'denied']]);
    expect(denied(staging)).toEqual([]);
  });

  it('shows what can be decided in the channel of its fleet alone, where it counts', async () => {
    expect(await type('U0INES', 'upgrade v2.0.0 --fleet production', 'C0')).toMatch(/Answered in <#C1>, for you alone/);
    const plan = await soon('the plan', () => shownTo('U0INES', 'C1'));
    expect(await press('U0INES', plan, 'Start')).toMatch(/under way|Scheduled/);
    expect([begun(staging).length, begun(production).length]).toEqual([0, 1]);
  });

  it('lets no button of one fleet do anything in the channel of the other', async () => {
    await type('U0INES', 'upgrade v2.0.0', 'C1');
    const plan = await soon('the plan', () => shownTo('U0INES', 'C1'));
    // With the bot's own token, as it is and as if it were of the other fleet.
    for (const blocks of [
      plan.blocks,
      JSON.parse(JSON.stringify(plan.blocks).replaceAll('\\"n\\":\\"production\\"', '\\"n\\":\\"staging\\"')),
    ]) {
      for (const user of ['U0INES', 'U0ROSA']) {
        await thief.chat.postEphemeral({ channel: 'C0', user, text: 'Lunch?', blocks });
        const copy = await soon('the copy', () =>
          slack.ephemerals(user).findLast((each) => each.channel === 'C0' && each.text === 'Lunch?'),
        );
        expect(await press(user, copy, 'Start')).toMatch(/Outdated or copied button, nothing was done/);
      }
    }
    expect([begun(staging), begun(production)]).toEqual([[], []]);
    expect(JSON.stringify(plan.blocks)).toContain('\\"n\\":\\"production\\"');
  });

  it('shows every fleet in the home tab, and none of its buttons decides', async () => {
    const home = async (): Promise<string> => {
      await slack.openHome('U0ROSA');
      return soon('the home tab', () => {
        const view = JSON.stringify(slack.state.homes.get('U0ROSA') ?? null);
        return view.includes('Fleet production') ? view : undefined;
      });
    };
    const view = await home();
    expect(view).toContain('Fleet staging');
    expect(view).toMatch(/<#C0>.*<#C1>/);
    const pressed = [...view.matchAll(/"action_id":"([^"]+)"/g)].map(([, action]) => action);
    expect(pressed.filter((action) => action !== homeActions.upgrade && action !== homeActions.look)).toEqual([]);
    expect(view).toContain('"value":"staging"');
    expect(view).toContain('"value":"production"');
  });
});

describe('a release that is done on staging', () => {
  it('is planned in the channel of production, for whoever may begin it there, and for nobody else', async () => {
    const { message } = await finished();
    expect(await press('U0ROSA', message, 'Promote to production')).toMatch(/You may not start upgrades.*U0INES/);
    expect([planned_(production), denied(production)]).toEqual([[], ['denied']]);
    expect(await press('U0INES', message, 'Promote to production')).toMatch(/Answered in <#C1>, for you alone/);
    const plan = await soon('the plan', () => shownTo('U0INES', 'C1'));
    expect(wordsOf(plan)).toMatch(/to v2\.0\.0/);
    expect(begun(production)).toEqual([]);
    expect(await press('U0INES', plan, 'Start')).toMatch(/under way|Scheduled/);
    expect([begun(staging).length, begun(production).length]).toEqual([1, 1]);
  });

  it('is not promoted where the same name stands for another archive', async () => {
    await bot.close();
    await slack.close();
    await begin([{ ...release, archiveSha256: 'f'.repeat(64) }]);
    const { message } = await finished();
    expect(await press('U0INES', message, 'Promote to production')).toMatch(
      /archive of v2\.0\.0 here has the hash ffffffffffff….*another one/,
    );
    expect(planned_(production)).toEqual([]);
  });

  it('is promoted by no button that says another fleet, version or archive than it was sealed with', async () => {
    const { message } = await finished();
    const blocks = JSON.stringify(message.blocks);
    for (const [from, to] of [
      ['production v2.0.0', 'staging v2.0.0'],
      ['production v2.0.0', 'production v1.0.0'],
      [release.archiveSha256, 'f'.repeat(64)],
    ]) {
      const forged = JSON.parse(blocks.replace(from ?? '', to ?? ''));
      await thief.chat.update({ channel: 'C0', ts: message.ts, text: 'x', blocks: forged });
      expect(await press('U0INES', message, 'Promote to production')).toMatch(/Outdated or copied button/);
    }
    expect([planned_(staging), planned_(production)]).toEqual([[], []]);
  });

  it('has no such button while it runs, when it went back, or when another came after it', () => {
    const began = planned();
    const done: Rollout = { ...began, promotesTo: ['production'], status: { is: 'done', at: 1 } };
    const [button] = promoteButtons(done);
    expect(button?.typed).toBe('upgrade v2.0.0 --fleet production');
    const none: Partial<Rollout>[] = [
      { status: { is: 'running' } },
      { status: { is: 'rolled-back', scope: { is: 'all' }, at: 1 } as Rollout['status'] },
      { status: { is: 'stopped', by: 'U1', at: 1 } },
      { change: { is: 'restart' } as NonNullable<Rollout['change']> },
      { unsigned: true },
      { onlyBack: true },
      { promotesTo: [] },
    ];
    for (const changes of none) expect(promoteButtons({ ...done, ...changes })).toEqual([]);
    expect(sealedBlocks([], seals, { fleet: 'a', channel: 'C0' })).toEqual([]);
  });
});

describe('--fleet in what is typed', () => {
  it.each<[string, unknown]>([
    ['upgrade v2.0.0', { fleet: null, text: 'upgrade v2.0.0' }],
    ['--fleet production status', { fleet: 'production', text: 'status' }],
    ['upgrade v2.0.0 --fleet=Production --dry-run', { fleet: 'production', text: 'upgrade v2.0.0 --dry-run' }],
    [
      'freeze all --reason "the --fleet staging is down" --until 06:00',
      { fleet: null, text: 'freeze all --reason "the --fleet staging is down" --until 06:00' },
    ],
    ['decline a --reason "b  c" --fleet x', { fleet: 'x', text: 'decline a --reason "b  c"' }],
    ['status —fleet “production”', { fleet: 'production', text: 'status' }],
    ['status --fleet', { problem: '--fleet needs a value: --fleet NAME' }],
    ['status --fleet --dry-run', { problem: '--fleet needs a value: --fleet NAME' }],
    ['status --fleet a --fleet b', { problem: 'one fleet is expected: --fleet is given twice' }],
  ])('%s', (text, expected) => {
    expect(addressed(text)).toEqual(expected);
  });
});
