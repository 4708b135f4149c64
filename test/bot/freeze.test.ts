import type { RespondArguments, SlashCommand } from '@slack/bolt';
import { WebClient } from '@slack/web-api';
import { describe, expect, it } from 'vitest';
import { asShownNow } from '../../src/bot/as-shown.ts';
import { listeners } from '../../src/bot/listeners.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { mainPost } from '../../src/bot/views/main.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { plan } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { hours, inputOf, minutes, planned, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { homeOf, type Trial, trial, trialFleet } from './support.ts';

const run = async ({ context }: Trial, actor: string, text: string): Promise<string> =>
  asText(await runCommand(context, actor, text));
const facts = async ({ context }: Trial, text: string) => (await runCommand(context, 'U0ROSA', text)).facts;
const audit = 'freeze us-east --until 2026-11-24 12:00 --reason "audit"';

/** A rollout under way that fits. */
function under(
  here: Trial,
  fits: (rollout: Rollout) => boolean,
  override: { by: string; reason: string } | null = null,
) {
  const begun = planned({}, { override });
  const { rollout, now } = drive(begun, worldOf(begun), { from: tuesday, until: fits });
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
}
const at = (step: string) => (rollout: Rollout) => {
  const { state } = rollout.nodes['us-east-op-1'] ?? {};
  return state?.is === 'working' && state.step === step;
};
const staged = ({ nodes }: Rollout) => Object.values(nodes).every(({ state }) => state.is === 'ready');

describe('freeze', () => {
  it('says what it holds, who asked for it and how it is lifted', async () => {
    const here = trial();
    under(here, staged);
    expect(await run(here, 'U0OTTO', audit)).toMatchInlineSnapshot(`
      "Frozen: us-east until 2026-11-24 17:00 UTC by @U0OTTO (audit); it ends Tue 24 Nov 12:00 (America/New_York)
      It holds v2.0.0 (rollout r1): 3 nodes in us-east.
      To lift it: zeitwork unfreeze f1"
    `);
    expect(here.control.kept.freezes).toMatchObject([
      { id: 'f1', regions: ['us-east'], author: 'U0OTTO', reason: 'audit', end: tuesday + hours(9.5) },
    ]);
  });

  it('moves what the live message and status say of the next node at once, before any look has found it, and so does its end', async () => {
    const here = trial();
    under(here, staged);
    const [rollout] = here.control.rollouts.values();
    if (rollout === undefined) throw new Error('none');
    const next = async (): Promise<string[]> => {
      const live = mainPost(await asShownNow(here.context, rollout)).text;
      const status = await run(here, 'U0LU', 'status');
      const said = [live, status].map(
        (text) => /Next: us-east-op-1, not before .*(Tue 24 Nov \d+:\d+)/.exec(text)?.[1] ?? '',
      );
      return [...new Set(said)];
    };
    const [before] = await next();
    expect(before).toMatch(/^Tue 24 Nov 02:/);
    await run(here, 'U0OTTO', audit);
    expect(await next()).toEqual(['Tue 24 Nov 12:00']);
    const frozen = posts(await asShownNow(here.context, rollout)).find(({ key }) => key === 'freeze.f1');
    expect(frozen?.text).toMatch(/^‼ \*us-east is frozen\*/);
    await run(here, 'U0ROSA', 'unfreeze f1');
    expect(await next()).toEqual([before]);
  });

  it('is told to everybody in the channel, a refusal only to the one who asked', async () => {
    const here = trial();
    const sent: (string | undefined)[] = [];
    const respond = async (answer: string | RespondArguments) => {
      sent.push(typeof answer === 'string' ? answer : answer.response_type);
      return new Response();
    };
    const body = { command: '/zeitwork', user_id: 'U0OTTO', team_id: 'T0', channel_id: 'C0' } as SlashCommand;
    const heard = listeners([here.context], new WebClient());
    await heard.command({ ...body, trigger_id: 't1', text: audit }, respond);
    await heard.command({ ...body, trigger_id: 't2', text: 'freeze us-east --until 06:00' }, respond);
    expect(sent).toEqual(['in_channel', 'ephemeral']);
  });

  const held: [string, string, (rollout: Rollout) => boolean, RegExp][] = [
    ['nothing runs', audit, () => false, /Nothing is running, so it holds nothing/],
    ['a node was begun', audit, at('switch'), /us-east-op-1 was begun and not stopped yet: it waits before its stop/],
    ['a node may be stopped', audit, at('verify'), /us-east-op-1 is being worked on .* it is finished, or rolled back/],
    [
      'another region goes first',
      audit.replace('us-east', 'eu-west'),
      staged,
      /3 nodes in eu-west; us-east-op-1 goes first and is not frozen/,
    ],
    [
      'the fleet is frozen',
      audit.replace('us-east', 'all'),
      staged,
      /It holds v2\.0\.0 \(rollout r1\): 9 nodes in us-east, eu-west, ap-south/,
    ],
    ['it begins later', `${audit} --from 11:00`, staged, /It will hold v2\.0\.0 .* from then on/],
  ];
  it.each(held)('tells what is held when %s', async (_what, text, fits, said) => {
    const here = trial();
    if (!/Nothing is running/.test(said.source)) under(here, fits);
    expect(await run(here, 'U0ROSA', text)).toMatch(said);
  });

  it('never holds a rollback', async () => {
    const here = trial();
    under(here, at('verify'));
    await run(here, 'U0OTTO', 'rollback all');
    const said = await run(here, 'U0OTTO', audit);
    expect(said).toMatch(/A rollback is under way; no freeze holds that/);
    expect(said).not.toMatch(/nothing left to begin/);
  });

  it('holds also what was started with --now, and says so', async () => {
    const here = trial();
    under(here, staged, { by: 'U0INES', reason: 'pager' });
    expect(await run(here, 'U0ROSA', audit)).toMatch(/although that was started with --now/);
    expect(await run(here, 'U0LU', 'why')).toMatch(/freeze: us-east is frozen: audit\. Opened by @?U0ROSA/);
  });

  it('shows up in why before anything was refused, and no more once it is lifted', async () => {
    const here = trial();
    under(here, staged);
    expect(await run(here, 'U0LU', 'why')).not.toMatch(/freeze/);
    await run(here, 'U0OTTO', audit);
    expect(await run(here, 'U0LU', 'why')).toMatch(/freeze: us-east is frozen: audit/);
    expect(here.control.rollouts.get('r1')?.looks['us-east']?.freezes).toBeUndefined();
    await run(here, 'U0ROSA', 'unfreeze us-east');
    expect(await run(here, 'U0LU', 'why')).not.toMatch(/freeze/);
  });

  it('counts in the next plan, and a plan that was shown before is made anew', async () => {
    const here = trial();
    const [typed] = /start \S+/.exec(await run(here, 'U0ROSA', 'upgrade v2.0.0')) ?? [];
    await run(here, 'U0OTTO', audit);
    const again = await run(here, 'U0ROSA', typed ?? '');
    expect(again).toMatch(/^A freeze was declared or lifted since the plan was made/);
    expect(again).toMatch(/us-east .*not before 2026-11-24 17:00 UTC/);
    expect(here.control.rollouts.size).toBe(0);
    const [anew] = /start \S+/.exec(again) ?? [];
    expect(await run(here, 'U0ROSA', anew ?? '')).toMatch(/^Scheduled: v2\.0\.0 begins Tue 24 Nov 12:00/);
  });

  it('reads times in the zone of the region, and --until after --from', async () => {
    const here = trial();
    await run(here, 'U0ROSA', 'freeze ap-south --from 22:00 --until 06:00 --reason x');
    expect(here.control.kept.freezes).toMatchObject([
      { start: Date.UTC(2026, 10, 24, 16, 30), end: Date.UTC(2026, 10, 25, 0, 30) },
    ]);
  });

  it('escapes what somebody wrote', async () => {
    const here = trial();
    const reply = await runCommand(here.context, 'U0ROSA', 'freeze all --until 12:00 --reason "<!channel> & `x`"');
    expect(JSON.stringify(reply.parts)).not.toContain('<!channel>');
  });

  it.each([
    ['U0LU', audit, /You may not freeze, roll back, tick a checklist or own a post-mortem/],
    ['U0ROSA', audit.replace('us-east', 'us-esat'), /There is no region us-esat\. Did you mean us-east\?/],
    ['U0ROSA', 'freeze us-east --until noon --reason x', /--until: "noon" is not a time: write 02:00/],
    ['U0ROSA', 'freeze us-east --until 2020-01-01 02:00 --reason x', /--until: that time has passed/],
    ['U0ROSA', 'freeze us-east --from 2026-12-02 02:00 --until 2026-12-01 02:00 --reason x', /is not after --from/],
    ['U0ROSA', 'freeze us-east --from soon --until 12:00 --reason x', /--from: "soon" is not a time/],
    ['U0ROSA', 'freeze us-east --until 12:00', /--reason/],
  ])('refuses %s who types %j', async (actor, text, said) => {
    const here = trial();
    expect(await run(here, actor, text)).toMatch(said);
    expect(here.control.kept.revision).toBe(0);
  });
});

describe('unfreeze', () => {
  async function frozen(...texts: string[]): Promise<Trial> {
    const here = trial();
    for (const text of texts) await run(here, 'U0OTTO', text);
    here.clock.at += minutes(1);
    return here;
  }
  const left = ({ control, clock }: Trial) =>
    control.kept.freezes.filter(({ end }) => end > clock.at).map(({ id }) => id);
  const fleet = audit.replace('us-east', 'all').replace('"audit"', 'sale');

  it('lifts by id, by region, or everything, and says what', async () => {
    const here = await frozen(audit, fleet);
    expect(await run(here, 'U0ROSA', 'unfreeze f1')).toMatchInlineSnapshot(`
      "Lifted by @U0ROSA:
      • f1: us-east until 2026-11-24 17:00 UTC by @U0OTTO (audit)
      ‼ us-east stays frozen, by f2: until 2026-11-24 17:00 UTC by @U0OTTO (sale)"
    `);
    expect(left(here)).toEqual(['f2']);
    expect(await run(await frozen(audit), 'U0ROSA', 'unfreeze us-east')).toMatch(/f1: us-east/);
    const all = await frozen(audit, fleet);
    await run(all, 'U0ROSA', 'unfreeze all');
    expect(left(all)).toEqual([]);
  });

  it.each([
    ['U0OTTO', 'unfreeze f1', /You may not unfreeze, resume, retry or snooze/],
    ['U0ROSA', 'unfreeze us-esat', /There is no freeze or region us-esat\. Did you mean us-east\?/],
    [
      'U0ROSA',
      'unfreeze eu-west',
      /eu-west is frozen together with more: f2 is for the whole fleet\. Lift that with unfreeze f2/,
    ],
  ])('refuses %s who types %j', async (actor, text, said) => {
    const here = await frozen(audit, fleet);
    expect(await run(here, actor, text)).toMatch(said);
    expect(left(here)).toEqual(['f1', 'f2']);
  });

  it('is outdated when it was lifted, and when there is nothing', async () => {
    const here = await frozen(audit);
    await run(here, 'U0ROSA', 'unfreeze f1');
    const again = await runCommand(here.context, 'U0ROSA', 'unfreeze f1');
    expect([again.outcome, asText(again)]).toEqual(['outdated', expect.stringMatching(/f1 has ended at/)]);
    expect((await runCommand(here.context, 'U0ROSA', 'unfreeze all')).outcome).toBe('outdated');
    expect(await run(here, 'U0ROSA', 'unfreeze us-east')).toMatch(/us-east is not frozen/);
  });

  it('leaves what the settings say to the settings', async () => {
    const base = trialFleet();
    const freezes = [{ start: tuesday, end: tuesday + hours(4), reason: 'sale', author: 'ana' }];
    const regions = base.regions.map((region) => ({ ...region, calendar: { ...region.calendar, freezes } }));
    const here = trial({ fleet: { ...base, regions } });
    expect(await run(here, 'U0ROSA', 'unfreeze us-east')).toMatch(/frozen by the settings, .* by ana \(sale\)/);
    await run(here, 'U0ROSA', audit);
    expect(await run(here, 'U0ROSA', 'unfreeze us-east')).toMatch(/us-east stays frozen, by the settings/);
  });
});

describe('windows', () => {
  it('stand in everybody’s home tab with the freezes, also while a rollout is open', async () => {
    const here = trial({ fleet: trialFleet({}, 'guide') });
    await run(here, 'U0OTTO', audit);
    const home = async () => (await homeOf(here.context, 'U0LU')).lines;
    const frozen = /^• f1: us-east until <!date\S+ .*> by <@U0OTTO> \(audit\)$/;
    expect(await home()).toContainEqual(expect.stringMatching(frozen));
    const open = plan(inputOf(here.context.fleet, { strategy: 'regions', requester: 'U0ROSA' }));
    here.control.rollouts.set(open.id, open);
    expect(await home()).toContainEqual(expect.stringMatching(frozen));
    await run(here, 'U0ROSA', 'unfreeze f1');
    expect((await home()).join()).not.toContain('f1: us-east');
  });

  it('lists the freezes with who, why, until when, and the id', async () => {
    const here = trial({ fleet: trialFleet({}, 'guide') });
    await run(here, 'U0OTTO', audit);
    await run(here, 'U0ROSA', 'freeze all --from 2026-12-20 00:00 --until 2027-01-04 00:00 --reason "holidays"');
    expect(await run(here, 'U0LU', 'windows')).toMatchInlineSnapshot(`
      "us-east frozen by @U0OTTO (audit); closed; opens 2026-11-25 07:00 UTC, Wed 25 Nov 02:00 (America/New_York). Tue-Thu 02:00–06:00 (America/New_York)
      eu-west closed; opens 2026-11-25 02:00 UTC, Wed 25 Nov 02:00 (Europe/Dublin). Tue-Thu 02:00–06:00 (Europe/Dublin)
      ap-south closed; opens 2026-11-24 20:30 UTC, Wed 25 Nov 02:00 (Asia/Kolkata). Tue-Thu 02:00–06:00 (Asia/Kolkata)
      Freezes:
      • f1: us-east until 2026-11-24 17:00 UTC by @U0OTTO (audit)
      • f2: the fleet from 2026-12-20 05:00 UTC until 2027-01-04 05:00 UTC by @U0ROSA (holidays)"
    `);
    expect(await facts(here, 'windows')).toMatchObject({
      regions: [{ region: 'us-east', is: 'frozen', frozen: { by: 'U0OTTO', reason: 'audit', id: 'f1' } }, {}, {}],
      freezes: [
        { id: 'f1', regions: ['us-east'], by: 'U0OTTO', reason: 'audit', until: '2026-11-24T17:00:00.000Z' },
        { id: 'f2', regions: null, from: '2026-12-20T05:00:00.000Z' },
      ],
    });
  });
});
