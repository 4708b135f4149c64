import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkView } from '../../sandbox/slack/limits-views.ts';
import { readUpgradeForm, saying, upgradeForm, upgradeView } from '../../src/bot/forms/upgrade.ts';
import { readWish, sealedWish } from '../../src/bot/forms/wish.ts';
import { parse, type UpgradeWish, wishIn } from '../../src/bot/parse.ts';
import { tuesday } from '../support/rollouts.ts';
import { inSlack, type Slack, typeIn, until } from './in-slack.ts';
import { seals, type Trial, trial } from './support.ts';

const nothing: UpgradeWish = {
  ...{ version: null, strategy: null, regions: null, limit: null, when: { is: 'windows' }, dryRun: false },
};
const regions = ['us-east', 'eu-west', 'ap-south'];

describe('what a form asks for', () => {
  it.each([
    ['upgrade', {}],
    ['upgrade --strategy rolling --regions us-east,eu-west', { strategy: 'rolling', regions: ['us-east', 'eu-west'] }],
    ['upgrade --nodes 3 --rehearse --dry-run', { limit: 3, rehearse: true, dryRun: true }],
    ['schedule', { when: { is: 'next' } }],
    ['schedule v2.0.0', { version: 'v2.0.0', when: { is: 'next' } }],
    ['schedule --at tomorrow 03:00', { when: { is: 'at', text: 'tomorrow 03:00' } }],
  ])('%s', (typed, given) => {
    expect(wishIn(typed)).toEqual({ ...nothing, ...given });
    // A shell has no forms, and says what is missing.
    expect(parse(typed)).toMatchObject({ is: 'usage', problem: expect.stringMatching(/^(?:which version|for when)/) });
  });

  it.each([
    'upgrade v2.0.0',
    'upgrade --now --reason "certificates expire" --incident https://status.example.com/i/42',
    'schedule v2.0.0 --now --reason x',
    'upgrade --strategy sideways',
    'upgrade v2 v3',
    'status',
    'upgarde',
  ])('is nothing where all is said, where it is wrong, or where windows are overridden: %s', (typed) => {
    expect(wishIn(typed)).toBeNull();
  });

  it.each([3, 90, 101])('fits into what Slack takes, for %s regions with long names and 150 releases', (many) => {
    const named = Array.from({ length: many }, (_, at) => `region-${at}-${'x'.repeat(90)}`);
    const versions = Array.from({ length: 150 }, (_, at) => `v2.${at}.0`);
    const wish: UpgradeWish = { ...nothing, version: 'v2.149.0', regions: named.slice(0, 2), when: { is: 'next' } };
    const view = upgradeView(wish, { versions, regions: named, at: tuesday }, 'm');
    const { blocks } = checkView(view, 'V1', new Set());
    expect(blocks.some(({ block_id: id }) => id === 'regions')).toBe(many <= 100);
    expect(JSON.stringify(blocks)).toContain('"initial_option":{"text":{"type":"plain_text","text":"v2.149.0"');
    expect(JSON.stringify(blocks)).not.toContain('"v2.49.0"');
    checkView(saying(['no']), 'V2', new Set());
  });
});

describe('a form that comes back', () => {
  const kept = { limit: null, dryRun: false };
  const now = { regions, now: tuesday };
  const chosen = (value: string) => ({ selected_option: { value } });
  const filled = (changes: Record<string, unknown> = {}) => {
    const all: Record<string, unknown> = {
      version: chosen('v2.0.0'),
      strategy: chosen('regions'),
      regions: { selected_options: [] },
      start: chosen('windows'),
      time: { selected_date_time: null },
      ...changes,
    };
    return Object.fromEntries(Object.entries(all).map(([id, value]) => [id, { [id]: value as object }]));
  };
  const read = (changes: Record<string, unknown> = {}) => readUpgradeForm(filled(changes), kept, now);
  const some = (...names: string[]) => ({ regions: { selected_options: names.map((value) => ({ value })) } });

  it('is the command that somebody would have typed', () => {
    const plain = { verb: 'upgrade', version: 'v2.0.0', strategy: 'regions', regions: null, when: { is: 'windows' } };
    expect(read()).toEqual({ is: 'command', command: { ...plain, ...kept } });
    expect(read(some(...regions))).toEqual({ is: 'command', command: { ...plain, ...kept } });
    expect(read({ ...some('eu-west'), start: chosen('next'), strategy: chosen('rolling') })).toMatchObject({
      command: { regions: ['eu-west'], when: { is: 'next' }, strategy: 'rolling' },
    });
    const time = { selected_date_time: (tuesday + 3_600_000) / 1_000 };
    expect(read({ start: chosen('at'), time })).toMatchObject({
      command: { when: { is: 'at', text: `${new Date(tuesday + 3_600_000).toISOString().slice(0, 16)}Z` } },
    });
    // A time counts only where it was chosen to wait for one.
    expect(read({ time })).toMatchObject({ command: { when: { is: 'windows' } } });
  });

  it.each([
    ['a version that is none', { version: chosen('v2.0.0 --now --reason x') }, 'version'],
    ['no version', { version: { selected_option: null } }, 'version'],
    ['a strategy that we do not have', { strategy: chosen('all-at-once') }, 'strategy'],
    ['a region of somebody else', some('eu-west', 'mars'), 'regions'],
    ['a start that the form does not offer', { start: chosen('now') }, 'start'],
    ['a start by the name of something that every object has', { start: chosen('constructor') }, 'start'],
    ['no time where one is waited for', { start: chosen('at') }, 'time'],
    ['a time that is over', { start: chosen('at'), time: { selected_date_time: tuesday / 1_000 - 60 } }, 'time'],
    ['a time beyond a year', { start: chosen('at'), time: { selected_date_time: 4_000_000_000 } }, 'time'],
    ['half a second', { start: chosen('at'), time: { selected_date_time: tuesday / 1_000 + 0.5 } }, 'time'],
  ])('with %s is refused where it stands', (_, changes, field) => {
    const found = read(changes);
    expect(found).toEqual({ is: 'wrong', errors: { [field]: expect.any(String) } });
  });

  it('is taken only from the person that it was opened for, on this fleet, as we made it', () => {
    const place = { fleet: 'trial', user: 'U0ROSA' };
    const wish = { limit: 3, rehearse: true as const, dryRun: false };
    const sealed = sealedWish({ wish, from: 'home' }, place, seals);
    expect(readWish(sealed, place, seals)).toEqual({ wish, from: 'home' });
    expect(readWish(sealed, { ...place, user: 'U0INES' }, seals)).toBeNull();
    expect(readWish(sealed, { ...place, fleet: 'other' }, seals)).toBeNull();
    expect(readWish(sealed.replace('"limit":3', '"limit":9'), place, seals)).toBeNull();
    expect(readWish(sealed.replace('"rehearse":true,', ''), place, seals)).toBeNull();
    for (const wrong of ['', 'null', '[]', '{"wish":{}}', '{"s":"x","wish":{"limit":"many"}}'])
      expect(readWish(wrong, place, seals)).toBeNull();
  });
});

describe('the form in Slack', () => {
  let slack: Slack;
  let here: Trial;
  let close: () => Promise<void>;
  beforeEach(async () => {
    here = trial();
    const now = Date.now();
    here.context.clock = { ...here.context.clock, now: () => now };
    ({ slack, close } = await inSlack(here));
  });
  afterEach(() => close());

  const top = (user: string) => slack.state.modals.get(user)?.at(-1);
  const opened = async (user: string, typed: string) => {
    expect(await slack.command(user, `/zeitwork ${typed}`)).toMatchObject({ acked: true, error: null });
    return until('the form', () => top(user)?.submit !== null && top(user));
  };
  const told = async (user: string) => {
    const said = () => JSON.stringify(top(user)?.blocks ?? '');
    await until('what is said instead', () => top(user)?.submit === null && !said().includes('Looking at') && said());
    return said();
  };
  const plan = (user: string) => slack.ephemerals(user).find(({ text }) => text.includes('Plan: zeitwork-operator'));

  it('asks for what is missing, and answers with the plan, which starts like any other', async () => {
    const view = await opened('U0ROSA', 'upgrade --strategy rolling');
    expect(view).toMatchObject({ callbackId: upgradeForm, title: 'Upgrade', submit: 'Show the plan' });
    await slack.submit('U0ROSA', { version: 'v2.0.0' });
    expect(top('U0ROSA')).toBeUndefined();
    const shown = await until('the plan', () => plan('U0ROSA'));
    expect(here.control.rollouts.size).toBe(0);
    await slack.click('U0ROSA', shown.ts, 'Start');
    const [rollout] = await until(
      'a rollout',
      () => here.control.rollouts.size === 1 && [...here.control.rollouts.values()],
    );
    expect(rollout).toMatchObject({ requester: 'U0ROSA', strategy: 'rolling', release: { version: 'v2.0.0' } });
  });

  it('is not sent without a version, and says in its field what is wrong', async () => {
    await opened('U0ROSA', 'upgrade');
    expect(await slack.submit('U0ROSA', {})).toMatchObject({ error: 'incomplete' });
    await slack.submit('U0ROSA', { version: 'v2.0.0', start: 'at', time: '1000000000' });
    expect(top('U0ROSA')?.errors).toEqual({ time: 'That is over. Give a time that is to come.' });
    expect(plan('U0ROSA')).toBeUndefined();
  });

  it('is shown to nobody who may not start, and says why', async () => {
    await slack.command('U0OTTO', '/zeitwork upgrade');
    expect(await told('U0OTTO')).toMatch(/You may not start upgrades/);
    await slack.command('U0GIL', '/zeitwork upgrade');
    expect(await told('U0GIL')).toMatch(/Guests may not/);
  });

  it('is not shown while a rollout holds the fleet', async () => {
    await typeIn(slack, 'U0ROSA', 'upgrade v2.0.0');
    const shown = await until('the plan', () => plan('U0ROSA'));
    await slack.click('U0ROSA', shown.ts, 'Start');
    await until('a rollout', () => here.control.rollouts.size === 1);
    await slack.command('U0ROSA', '/zeitwork upgrade');
    expect(await told('U0ROSA')).toMatch(/holds the fleet with v2\.0\.0/);
  });

  it('asks again who may, when it comes back', async () => {
    await opened('U0ROSA', 'upgrade');
    here.context.access.roles.requesters = { users: [], groups: [] };
    await slack.submit('U0ROSA', { version: 'v2.0.0' });
    await until('the refusal', () => slack.ephemerals('U0ROSA').find(({ text }) => /You may not start/.test(text)));
    expect(here.control.drafts.size).toBe(0);
  });

  it('does nothing when it was not opened by us for this person', async () => {
    const view = await opened('U0ROSA', 'upgrade');
    slack.state.modals.set('U0INES', [{ ...view, id: 'V-copied' }]);
    here.context.access.roles.requesters = { users: ['U0ROSA', 'U0INES'], groups: [] };
    await slack.submit('U0INES', { version: 'v2.0.0' });
    expect(await told('U0INES')).toContain('was not opened for you here');
    expect(here.control.notes).toContainEqual(
      expect.objectContaining({ type: 'denied', by: 'U0INES', what: upgradeForm }),
    );
    expect(here.control.drafts.size).toBe(0);
  });

  it('makes one plan of a form that Slack delivers twice', async () => {
    const view = await opened('U0ROSA', 'upgrade');
    await slack.submit('U0ROSA', { version: 'v2.0.0' });
    await until('the plan', () => plan('U0ROSA'));
    slack.state.modals.set('U0ROSA', [view]);
    await slack.submit('U0ROSA', { version: 'v2.0.0' });
    expect((await typeIn(slack, 'U0ROSA', 'whoami')).text).toMatch(/You are/);
    expect(here.control.drafts.size).toBe(1);
  });

  it('gives way to words when Slack does not open it', async () => {
    slack.faults.failNext('views.open', 500, 3);
    expect((await typeIn(slack, 'U0ROSA', 'upgrade')).text).toMatch(/which version\?/);
  });

  it('opens from the home tab for those who may start, while nothing runs', async () => {
    const home = async (user: string) => {
      await slack.openHome(user);
      return JSON.stringify((await until('the home', () => slack.state.homes.get(user))).blocks);
    };
    expect(await home('U0OTTO')).not.toContain('Upgrade…');
    expect(await home('U0ROSA')).toContain('Upgrade…');
    await slack.click('U0ROSA', 'home', 'Upgrade…');
    await until('the form', () => top('U0ROSA')?.submit === 'Show the plan');
    await slack.submit('U0ROSA', { version: 'v2.0.0' });
    expect(await told('U0ROSA')).toContain('The plan appears in <#C0>');
    const shown = await until('the plan', () => plan('U0ROSA'));
    await slack.click('U0ROSA', shown.ts, 'Start');
    await until('a rollout', () => here.control.rollouts.size === 1);
    await slack.click('U0ROSA', 'home', 'Look again');
    await until(
      'a home without it',
      () => !JSON.stringify(slack.state.homes.get('U0ROSA')?.blocks).includes('Upgrade…'),
    );
    expect(JSON.stringify(slack.state.homes.get('U0ROSA')?.blocks)).toContain('*Forecast*');
  });
});
