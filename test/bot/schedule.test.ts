import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSlack } from '../../sandbox/slack/start.ts';
import { createAnnouncer } from '../../src/bot/announcer.ts';
import { asShownNow } from '../../src/bot/as-shown.ts';
import { slackChat } from '../../src/bot/chat.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { nobody } from '../../src/bot/views/people.ts';
import { posts } from '../../src/bot/views/posts.ts';
import type { DueNotice } from '../../src/upgrade/rollout/index.ts';
import { gates, next, plan } from '../../src/upgrade/rollout/index.ts';
import type { Event, Fleet, Rollout } from '../../src/upgrade/rollout/types.ts';
import { hours, inputOf, minutes, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { seals, type Trial, trial, trialFleet } from './support.ts';

const run = async ({ context }: Trial, actor: string, text: string): Promise<string> =>
  asText(await runCommand(context, actor, text));

const majors = { approvers: 2, canaryApproval: true, notice: hours(48) };
const announce = [hours(24), hours(1)];
const guide = trialFleet({ announce }, 'guide');
const withPage: Fleet = { ...trialFleet({ majors, announce }, 'guide'), audiences: ['status page'] };

/** A plan that was confirmed with `typed`. */
async function confirmed(here: Trial, typed: string): Promise<Rollout> {
  const preview = await run(here, 'U0ROSA', typed);
  const [, token = ''] = /zeitwork start (\S+)/.exec(preview) ?? [];
  await run(here, 'U0ROSA', `start ${token}`);
  const [rollout] = [...here.control.rollouts.values()];
  if (rollout === undefined) throw new Error(`nothing was started: ${preview}`);
  return rollout;
}
/** As the store counts. */
const raised = (rollout: Rollout): Rollout => ({ ...rollout, revision: rollout.revision + 1 });
const now = (here: Trial): Rollout => [...here.control.rollouts.values()][0] as Rollout;
const post = (rollout: Rollout, key: RegExp) => posts(rollout).find((each) => key.test(each.key));

describe('schedule', () => {
  it('shows a plan for a time, or for when the next window opens', async () => {
    const here = trial({ fleet: guide });
    expect(await run(here, 'U0ROSA', 'schedule v2.0.0')).toMatch(/for when\? schedule VERSION --at TIME, or --next/);
    const rollout = await confirmed(here, 'schedule v2.0.0 --next');
    // Tuesday 07:30 UTC is inside of New York's and Dublin's windows; theirs of Wednesday and Kolkata's come next.
    expect(new Date(rollout.startAt ?? 0).toISOString()).toBe('2026-11-24T20:30:00.000Z');
    const timed = trial({ fleet: guide });
    expect((await confirmed(timed, 'schedule v2.0.0 --at 2026-11-26T08:00:00Z')).startAt).toBe(
      Date.UTC(2026, 10, 26, 8),
    );
  });

  it('is put off by whoever may stop it, and brought forward by whoever may start it alone', async () => {
    const here = trial({ fleet: guide });
    await confirmed(here, 'schedule v2.0.0 --at 2026-11-26T08:00:00Z');
    expect(await run(here, 'U0OTTO', 'reschedule --at 2026-11-25T08:00:00Z')).toMatch(/You may not start upgrades/);
    expect(await run(here, 'U0LU', 'reschedule --next')).toMatch(/You may not pause or stop/);
    expect(await run(here, 'U0OTTO', 'reschedule --at 2026-12-01T08:00:00Z')).toMatch(
      /^Moved: v2\.0\.0 begins Tue 1 Dec 03:00 \(America\/New_York\)/,
    );
    expect(await run(here, 'U0ROSA', 'reschedule --at 2026-11-25T08:00:00Z')).toMatch(/^Moved: v2\.0\.0 begins Wed/);
    expect(now(here).moves?.map(({ by }) => by)).toEqual(['U0OTTO', 'U0ROSA']);
  });

  it('is brought forward neither by a move that met another one, nor where nobody knows when it begins', async () => {
    const here = trial({ fleet: guide });
    await confirmed(here, 'schedule v2.0.0 --at 2026-11-26T08:00:00Z');
    const seen = now(here);
    // Rosa puts it off for weeks while Otto, who may only do that, puts it off by one opening.
    const { control } = here.context;
    const record = control.record.bind(control);
    control.record = async (id, event) => {
      control.record = record;
      await run(here, 'U0ROSA', 'reschedule --at 2026-12-10T08:00:00Z');
      return record(id, event);
    };
    expect(await run(here, 'U0OTTO', 'reschedule --next')).toMatch(/That is outdated, nothing was changed/);
    expect(now(here).moves).toHaveLength(1);
    const freeze = { start: 0, end: Date.UTC(2027, 1, 1), reason: 'audit', author: 'U9' };
    const calendars = Object.fromEntries(
      Object.entries(seen.calendars).map(([name, each]) => [name, { ...each, freezes: [freeze] }]),
    );
    here.control.rollouts.set(seen.id, { ...now(here), calendars });
    expect(await run(here, 'U0OTTO', 'reschedule --at 2026-11-25T08:00:00Z')).toMatch(/You may not start upgrades/);
  });

  it('is moved to no time that has passed, and not once it has begun', async () => {
    const here = trial({ fleet: guide });
    const rollout = await confirmed(here, 'schedule v2.0.0 --next');
    expect(await run(here, 'U0ROSA', 'reschedule --at 2026-11-20T08:00:00Z')).toMatch(/That time has passed/);
    expect(await run(here, 'U0ROSA', 'reschedule')).toMatch(/to when\? --at TIME, or --next/);
    here.control.rollouts.set(rollout.id, { ...rollout, startedAt: tuesday });
    expect(await run(here, 'U0ROSA', 'reschedule --next')).toMatch(/^It has begun, so its start cannot be moved/);
    expect(await run(here, 'U0ROSA', 'cancel')).toMatch(/^It has begun: stop ends it where it is/);
  });

  it('is cancelled without naming it, and says so where it was announced', async () => {
    const here = trial({ fleet: guide });
    await confirmed(here, 'schedule v2.0.0 --next');
    expect(await run(here, 'U0LU', 'cancel')).toMatch(/You may not/);
    expect(await run(here, 'U0OTTO', 'cancel')).toBe(
      'Cancelled: v2.0.0 does not begin; none of 9 nodes was restarted.',
    );
    expect(now(here).status.is).toBe('stopped');
    expect(post(now(here), /^scheduled$/)).toMatchObject({
      closes: true,
      text: expect.stringMatching(/^→ Cancelled by/),
    });
  });

  it('is cancelled by its button, which says what becomes of it, and so does the answer', async () => {
    const here = trial({ fleet: guide });
    await confirmed(here, 'schedule v2.0.0 --next');
    const asks = JSON.stringify(post(now(here), /^scheduled$/)?.blocks);
    expect(asks).toContain('Cancel v2.0.0?');
    expect(asks).toContain('It does not begin, and then it is over. No node was restarted.');
    expect(asks).not.toContain('The node under way');
    expect(await run(here, 'U0OTTO', 'stop')).toBe('Stopped: it does not begin. No node was restarted.');
  });

  it('has no next window where the windows are always open, and says so', async () => {
    expect(await run(trial(), 'U0ROSA', 'schedule v2.0.0 --next')).toBe(
      'The windows are open all the time, so there is no next one. Give a time with --at, or leave --next out.',
    );
  });

  it('is announced anew when it is moved, and the older message says so', async () => {
    const here = trial({ fleet: guide });
    await confirmed(here, 'schedule v2.0.0 --at 2026-11-26T08:00:00Z');
    expect(post(now(here), /^scheduled$/)?.text).toMatch(/Postpone to Tue 1 Dec 02:00: \/zeitwork reschedule --next/);
    await run(here, 'U0OTTO', 'reschedule --next');
    expect(post(now(here), /^scheduled$/)).toMatchObject({ closes: true });
    expect(post(now(here), /^moved\.1$/)?.text).toMatch(
      /is moved by <@U0OTTO>; no node is restarted before <[^>]*>\n9 nodes, without downtime:\n• us-east: not before/,
    );
    await run(here, 'U0OTTO', 'reschedule --next');
    expect(post(now(here), /^moved\.1$/)).toMatchObject({ closes: true });
    expect(post(now(here), /^moved\.2$/)?.closes).toBe(false);
  });

  it('is said again before it begins, with the way out beside it, until it does', async () => {
    const here = trial({ fleet: guide });
    const rollout = await confirmed(here, 'schedule v2.0.0 --at 2026-11-26T08:00:00Z');
    const due = next(rollout, { type: 'ticked', at: Date.UTC(2026, 10, 25, 8) });
    expect(post(due, /^soon\./)?.text).toMatchInlineSnapshot(`
      "*zeitwork-operator v2.0.0 begins within 24 h*, <!date^1795680000^{date_short_pretty} {time}|2026-11-26 08:00 UTC>; no node is restarted before that
      Thu 26 Nov 03:00 (America/New_York): 9 nodes, without downtime, asked for by <@U0ROSA>
      Postpone to Tue 1 Dec 02:00: /zeitwork reschedule --next
      Cancel it: /zeitwork stop"
    `);
    expect(post({ ...due, startedAt: tuesday }, /^soon\./)).toBeUndefined();
  });

  it('does not say that it begins while somebody holds it, has frozen it, or has not said yes', async () => {
    const here = trial({ fleet: guide });
    const rollout = await confirmed(here, 'schedule v2.0.0 --at 2026-11-26T08:00:00Z');
    await run(here, 'U0ROSA', 'pause');
    expect(await run(here, 'U0ROSA', 'reschedule --at 2026-11-26T09:00:00Z')).toMatch(
      /It is paused: nothing begins before somebody goes on with it\.$/,
    );
    const due = (of: Rollout) => post(next(of, { type: 'ticked', at: Date.UTC(2026, 10, 25, 8) }), /^soon\./)?.text;
    const paused = next(rollout, { type: 'paused', at: rollout.createdAt + 1, by: 'U0ROSA' });
    expect(due(paused)?.split('\n')[0]).toMatch(/ v2\.0\.0 is to begin within 24 h\*, .*; now it is paused$/);
    here.control.rollouts.set(rollout.id, rollout);
    await run(here, 'U0OTTO', 'freeze us-east --until 2026-11-30T12:00:00Z --reason audit');
    const frozen = await asShownNow(here.context, next(rollout, { type: 'ticked', at: Date.UTC(2026, 10, 25, 8) }));
    expect(post(frozen, /^soon\./)?.text.split('\n')[0]).toMatch(
      / v2\.0\.0 is to begin within 24 h\*, .*; now it is waiting until Tue 1 Dec 02:00 \(America\/New_York\)$/,
    );
    const asking = trial({ fleet: trialFleet({ announce, oneMayBegin: 'nowhere' }, 'guide') });
    const unasked = await confirmed(asking, 'schedule v2.0.0 --at 2026-11-26T08:00:00Z');
    expect(due(unasked)?.split('\n')[0]).toMatch(
      / v2\.0\.0 is to begin within 24 h\*, .*, once us-east is approved; no node is restarted before that$/,
    );
  });
});

describe('a major version', () => {
  it('says in its plan that it is announced first, and that nothing opens that', async () => {
    const here = trial({ fleet: withPage });
    const preview = await run(here, 'U0ROSA', 'upgrade v2.0.0');
    expect(preview).toContain(
      'It is a major version: its first node waits until 48 h after it was announced (this channel, status page); --now does not open that',
    );
    expect(preview).toMatch(/Schedule for Thu 26 Nov 02:30/);
    const own = trial({ fleet: trialFleet({ majors: { ...majors, notice: 0 } }) });
    expect(await run(own, 'U0ROSA', 'upgrade v2.0.0')).toContain('Majors begin without notice here');
  });

  it('tells whoever asks why what it waits for', async () => {
    const here = trial({ fleet: withPage });
    await confirmed(here, 'upgrade v2.0.0');
    expect(await run(here, 'U0ROSA', 'why')).toContain(
      'notice: it is a major version, announced 48 h before its first node; not told yet: channel, status page',
    );
  });

  it('says that its approval is asked for once everybody was told, and then from when on', () => {
    const planned = plan(inputOf(withPage, { strategy: 'regions' }));
    const isStaged = ({ nodes }: Rollout) => Object.values(nodes).every(({ state }) => state.is === 'ready');
    const { rollout } = drive(planned, worldOf(planned), { from: tuesday, until: isStaged });
    expect(post(rollout, /^main$/)?.text).toContain(
      'Approval of *us-east* is asked for once everybody was told of the start',
    );
    const known = ['channel', 'status page'].reduce<Rollout>((acc, audience) => {
      const told: Event = { type: 'announced', kind: 'scheduled', startAt: null, begins: null, audience, at: tuesday };
      return next(acc, told);
    }, rollout);
    expect(post(known, /^main$/)?.text).toMatch(/Approval of \*us-east\* is asked for from <!date\^/);
  });

  it('says in the end whether that was kept', () => {
    const rollout = plan(inputOf(withPage));
    const all: Event[] = ['channel', 'status page'].map((audience, index) => ({
      ...{ type: 'announced', kind: 'scheduled', startAt: null, begins: null },
      ...{ audience, at: tuesday + minutes(index) },
    })) as Event[];
    const done: Rollout = {
      ...all.reduce(next, rollout),
      startedAt: tuesday + hours(49),
      status: { is: 'done', at: tuesday + hours(60) },
    };
    expect(post(done, /^finished/)?.text).toContain(
      'Announced: this channel 2 days 1 h before, status page 2 days before the first node; 48 h were promised',
    );
  });
});

describe('the notice of a major', () => {
  let slack: Awaited<ReturnType<typeof startSlack>>;
  let here: Trial;
  let page: { bodies: unknown[]; down: boolean; tries: number };
  let told: DueNotice[];
  let show: (rollout: Rollout) => Promise<void>;

  beforeEach(async () => {
    here = trial({ fleet: withPage });
    page = { bodies: [], down: false, tries: 0 };
    told = [];
    slack = await startSlack({
      people: [{ id: 'U0ROSA', name: 'rosa', realName: 'Rosa' }],
      channel: { id: 'C0', name: 'upgrades' },
      team: { id: 'T0', name: 'Trial' },
      groups: [],
    });
    const announcer = createAnnouncer({
      painted: new Map(),
      chat: slackChat(new WebClient(slack.botToken, { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } })),
      store: here.control.store,
      channel: 'C0',
      people: async () => nobody,
      link: () => null,
      sealer: seals,
      log: here.context.log,
      clock: { now: () => here.clock.at, sleep: async () => undefined },
      webhook: {
        name: 'status page',
        post: async (body) => {
          page.tries += 1;
          if (page.down) throw new Error('status page cannot be told: connection refused');
          page.bodies.push(body);
        },
      },
    });
    show = (rollout) => announcer.show(rollout, async (notice) => void told.push(notice));
  });
  afterEach(() => slack.close());

  const audiences = () => told.map(({ audience }) => audience);
  /** As the publisher notes it. */
  const noted = (rollout: Rollout): Rollout =>
    told
      .splice(0)
      .reduce((acc, notice) => raised(next(acc, { type: 'announced', ...notice, at: here.clock.at })), rollout);

  it('counts as told once it stands in the channel and the webhook took it, and is told once', async () => {
    const rollout = plan(inputOf(withPage, { requester: 'U0ROSA' }));
    await show(rollout);
    expect(audiences()).toEqual(['channel', 'status page']);
    expect(page.bodies).toEqual([
      {
        id: 'r1.scheduled.0',
        kind: 'scheduled',
        rollout: 'r1',
        fleet: 'production',
        service: 'zeitwork-operator',
        version: 'v2.0.0',
        regions: ['us-east', 'eu-west', 'ap-south'],
        begins: '2026-11-26T07:30:00.000Z',
        text: 'Upgrade to zeitwork-operator v2.0.0: 9 nodes in us-east, eu-west, ap-south, one by one and without downtime, not before 2026-11-26T07:30:00.000Z.',
      },
    ]);
    const known = noted(rollout);
    expect(gates(known, 'us-east-op-1', tuesday).find(({ name }) => name === 'notice')?.opensAt).toBe(
      tuesday + hours(48),
    );
    await show(known);
    expect(audiences()).toEqual([]);
    expect(page.bodies).toHaveLength(1);
  });

  it('is not taken for told where Slack or the webhook did not take it, and neither keeps the other from it', async () => {
    const rollout = plan(inputOf(withPage, { requester: 'U0ROSA' }));
    page.down = true;
    await expect(show(rollout)).rejects.toThrow('status page cannot be told');
    expect(audiences()).toEqual(['channel']);
    page.down = false;
    told = [];
    here.control.marks.clear();
    slack.faults.dropReplyOf('chat.postMessage', 50);
    await expect(show({ ...rollout, id: 'r2' })).rejects.toThrow();
    expect(audiences()).not.toContain('channel');
  });

  it('is told to the webhook also while Slack is away, and to Slack while the webhook is', async () => {
    const rollout = plan(inputOf(withPage, { requester: 'U0ROSA' }));
    slack.faults.dropReplyOf('chat.postMessage', 50);
    await expect(show(rollout)).rejects.toThrow();
    expect(audiences()).toEqual(['status page']);
    expect(page.bodies).toHaveLength(1);
  });

  it('is offered to a webhook that is down ever more seldom, and at its first chance then says when it begins', async () => {
    const rollout = noted(await showing(plan(inputOf({ ...withPage, audiences: [] }, { requester: 'U0ROSA' }))));
    const { notice } = rollout;
    if (notice === undefined) throw new Error('a major has a notice');
    const wanted = { ...rollout, notice: { ...notice, audiences: ['channel', 'status page'] } };
    page.down = true;
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      here.clock.at = tuesday + minutes(minute);
      await expect(show(wanted)).rejects.toThrow('status page cannot be told: connection refused');
    }
    expect(page.tries).toBeGreaterThan(100);
    expect(page.tries).toBeLessThan(160);
    page.down = false;
    here.clock.at = tuesday + hours(72);
    await show(wanted);
    // Friday 07:30 and 48 h are Sunday; the next window is on Tuesday.
    expect(page.bodies).toMatchObject([{ begins: '2026-12-01T07:00:00.000Z' }]);
  });

  it('is proven by Slack, and not by what Redis says of it', async () => {
    const rollout = plan(inputOf(withPage, { requester: 'U0ROSA' }));
    await show(rollout);
    const [, standing] = Object.entries(here.control.marks.get('r1') ?? {}).find(([key]) => key === 'scheduled') ?? [];
    here.control.marks.set('r1', {
      ...here.control.marks.get('r1'),
      scheduled: { ts: '1.000001', channel: 'C0', content: standing?.content ?? '' },
    });
    told = [];
    const before = slack.messages().filter(({ text }) => text.includes('is scheduled by')).length;
    await show(rollout);
    expect(slack.messages().filter(({ text }) => text.includes('is scheduled by')).length).toBe(before + 1);
    expect(audiences()).toContain('channel');
  });

  it('is followed by another one when the start is moved or cancelled', async () => {
    const rollout = noted(await showing(plan(inputOf(withPage, { requester: 'U0ROSA' }))));
    const at = tuesday + hours(80);
    const moved = noted(
      await showing(raised(next(rollout, { type: 'rescheduled', at: tuesday + 1, by: 'U0ROSA', startAt: at }))),
    );
    const ended = noted(await showing(raised(next(moved, { type: 'stopped', at: tuesday + 2, by: 'U0ROSA' }))));
    await show(ended);
    expect(told).toEqual([]);
    expect(page.bodies).toMatchObject([
      { kind: 'scheduled' },
      { kind: 'scheduled', id: 'r1.scheduled.1' },
      { kind: 'cancelled', begins: null },
    ]);
    expect(ended.notice?.told.filter(({ kind }) => kind === 'cancelled')).toHaveLength(2);
  });

  async function showing(rollout: Rollout): Promise<Rollout> {
    await show(rollout);
    return rollout;
  }
});
