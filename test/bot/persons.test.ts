import { describe, expect, it } from 'vitest';
import { asShown } from '../../src/bot/as-shown.ts';
import { permit, type Right } from '../../src/bot/permissions.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { asked, plan } from '../../src/upgrade/rollout/index.ts';
import type { ApprovalPhase, Policy, Rollout } from '../../src/upgrade/rollout/types.ts';
import { inputOf, release, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const say = async (here: Trial, actor: string, text: string) => asText(await runCommand(here.context, actor, text));
const tokenIn = (text: string) => /zeitwork start (\S+)/.exec(text)?.[1] ?? '';

describe('an approval of several regions', () => {
  it('wants the approvers of each, as the settings of now have them', async () => {
    const here = trial();
    const { fleet } = here.context;
    const named: Record<string, string[]> = { 'us-east': ['U0OTTO'], 'eu-west': ['U0INES'], 'ap-south': ['U0INES'] };
    for (const region of fleet.regions) region.approvers = { users: named[region.name] ?? [], groups: [] };
    const strict = { ...fleet, policy: { ...fleet.policy, oneMayBegin: 'canary' as const } };
    const begin = plan(inputOf(strict, { id: 'r9', requester: 'U0ROSA', strategy: 'rolling' }));
    const { rollout } = drive(begin, worldOf(begin), {
      from: begin.createdAt,
      until: (each) => asked(each).length > 0,
    });
    here.control.rollouts.set('r9', rollout);
    expect(await say(here, 'U0INES', 'approve approval/all')).toBe(
      'Noted: 1 of 1 have approved all regions. Approvers of us-east have still to say yes.',
    );
    expect(await say(here, 'U0OTTO', 'approve approval/all')).toMatch(/^All regions is approved/);
  });

  it('says at once of which region nobody can approve it, and why', async () => {
    const here = trial();
    const { fleet } = here.context;
    const named: Record<string, string[]> = { 'us-east': ['U0ROSA'], 'eu-west': ['U0INES'], 'ap-south': ['U0INES'] };
    for (const region of fleet.regions) region.approvers = { users: named[region.name] ?? [], groups: [] };
    const strict = { ...fleet, policy: { ...fleet.policy, oneMayBegin: 'canary' as const } };
    const begin = plan(inputOf(strict, { id: 'r9', requester: 'U0ROSA', strategy: 'rolling' }));
    const until = (each: Rollout) => asked(each).length > 0;
    const { rollout } = drive(begin, worldOf(begin), { from: begin.createdAt, until });
    const gate = posts(asShown(here.context, rollout)).find(({ key }) => key.startsWith('gate.'));
    expect(gate?.text.split('\n')[0]).toMatch(
      /^<@U0INES>, for us-east nobody \(<@U0ROSA> asked for the rollout and may not approve it, and no other approver is configured: the settings must name one\): may \*all regions\*/,
    );
  });
});

describe('a person', () => {
  it('approves by the settings of now, whatever the plan says', async () => {
    const here = trial();
    const planned = plan(inputOf(here.context.fleet, { strategy: 'regions' }));
    const phase = planned.phases.find(({ is }) => is === 'approval') as ApprovalPhase;
    const by = { users: ['U0LU'], groups: [] };
    const right: Right = { is: 'approve', rollout: planned, phase: { ...phase, by } };
    expect(await permit(here.context, 'U0LU', right)).toMatchObject({ is: 'refused' });
    expect(await permit(here.context, 'U0INES', right)).toEqual({ is: 'allowed' });
  });

  it('of another workspace, a guest, a bot, and whoever was deactivated hold no right, whatever the lists say', async () => {
    const here = trial();
    for (const user of ['U0FAR', 'U0GIL', 'U0BOT', 'U0GONE']) {
      here.context.access.roles.requesters = { users: [user], groups: [] };
      expect(await permit(here.context, user, { is: 'start' }), user).toMatchObject({ is: 'refused' });
    }
  });

  it('starts no plan that was made for somebody else', async () => {
    const here = trial();
    here.context.access.roles.requesters = { users: ['U0ROSA', 'U0INES'], groups: [] };
    const token = tokenIn(await say(here, 'U0ROSA', 'upgrade v2.0.0'));
    expect(await say(here, 'U0INES', `start ${token}`)).toMatch(/^This plan was made for @U0ROSA/);
    expect(await say(here, 'U0ROSA', `start ${token}`)).toMatch(/under way/);
  });
});

describe('a plan says where one person begins a release', () => {
  const minor = { ...release, version: 'v1.1.0' };
  const text = async (policy: Partial<Policy>, line = 'upgrade v1.1.0', windows: 'guide' | 'always' = 'always') => {
    const here = trial({ fleet: trialFleet({ oneMayBegin: 'canary', ...policy }, windows), known: [minor, release] });
    // Thursday, 12:00 UTC: the windows of this week are over but for Kolkata's, which comes first next week, too.
    here.clock.at = tuesday + 52.5 * 3_600_000;
    return say(here, 'U0ROSA', line);
  };

  it.each<[string, Promise<string>, RegExp]>([
    ['in the canary region', text({}), /begins in us-east, the canary region, so nobody is asked first/],
    [
      'elsewhere, since a window opens first there',
      text({ order: 'next-opening' }, undefined, 'guide'),
      /asked for before its first node: it begins in ap-south \(the region whose window opens first.*zeitwork upgrade v1\.1\.0 --regions us-east/,
    ],
    ['in another by name', text({ canary: 'eu-west' }), /begins in us-east \(that is the order.*not in eu-west alone/],
    [
      'in all at once',
      text({}, 'upgrade v1.1.0 --strategy rolling'),
      /begins in us-east, eu-west, ap-south .*not in us-east alone/,
    ],
    [
      'as a major',
      text({ majors: { approvers: 2, canaryApproval: true } }, 'upgrade v2.0.0'),
      /begins in us-east, the canary region, and is asked for all the same: it is a major/,
    ],
  ])('%s', async (_, said, line) => {
    expect(await said).toMatch(line);
  });

  it('and nothing of it where anybody may begin anywhere', async () => {
    expect(await text({ oneMayBegin: 'anywhere' })).not.toContain('canary region');
  });
});
