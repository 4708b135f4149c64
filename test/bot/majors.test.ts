import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { service } from '../../sandbox/fleet/fleet.ts';
import { freshKeyPair } from '../../sandbox/fleet/keys.ts';
import { settingsOf } from '../../sandbox/settings.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { asked, dueNotices, next, startOf, whyWaiting } from '../../src/upgrade/rollout/index.ts';
import type { Event, Policy, Rollout } from '../../src/upgrade/rollout/types.ts';
import { load, shortest } from '../config/settings.ts';
import { hours, minutes } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { directoryOf, people, type Trial, trial, trialFleet } from './support.ts';

const say = async ({ context }: Trial, actor: string, text: string) => asText(await runCommand(context, actor, text));
const tokenIn = (text: string) => /zeitwork start (\S+)/.exec(text)?.[1] ?? '';
const gatesOf = (rollout: Rollout, now: number) => whyWaiting(rollout, now).map(({ name }) => name);

/** The fleet of the tests, with the policy that these settings have. */
function under(policy: Policy, windows: 'guide' | 'always' = 'always'): Trial {
  const here = trial({ fleet: trialFleet(policy, windows) });
  here.context.directory = directoryOf(people, { S0APPROVERS: ['U0INES', 'U0LU'] });
  return here;
}

function only({ control }: Trial): Rollout {
  const [rollout] = control.rollouts.values();
  if (rollout === undefined) throw new Error('nothing was started');
  return rollout;
}

/** As far as it gets without another word of anybody, or until that. */
function onward(here: Trial, from: number, until: (rollout: Rollout) => boolean = () => false): Rollout {
  const { rollout, now } = drive(only(here), worldOf(only(here)), { from, until });
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now;
  return rollout;
}

describe('a major version, with the policy of settings that say nothing of it', () => {
  it('is refused before 48 h after its notice was delivered, and wants two approvals, in the canary region, too', async () => {
    const here = under(load(shortest).fleet.policy);
    const planned = here.clock.at;
    here.context.access.roles.breakers = { users: ['U0ROSA'], groups: [] };
    const fire = '--now --regions eu-west --reason fire --incident https://status.example.com/i/1';
    expect(await say(here, 'U0ROSA', `upgrade v2.0.0 ${fire}`)).toMatch(/announced 48 h before/);
    const preview = await say(here, 'U0ROSA', 'upgrade v2.0.0');
    expect(preview).toContain('its first node waits until 48 h after it was announced');
    expect(preview).toMatch(/begins in us-east, the canary region, and is asked for all the same: it is a major/);
    expect(preview).not.toMatch(/Majors (?:go|begin)/);
    await say(here, 'U0ROSA', `start ${tokenIn(preview)}`);

    // Nobody could be told for hours: that time counts for nothing.
    const told = planned + hours(20);
    onward(here, planned, ({ nodes }) => Object.values(nodes).every(({ state }) => state.is === 'ready'));
    expect(gatesOf(only(here), told)).toContain('notice');
    const due = dueNotices(only(here), startOf(only(here), told));
    const known = due.reduce<Rollout>((acc, notice) => {
      const event: Event = { type: 'announced', ...notice, at: told };
      return next(acc, event);
    }, only(here));
    here.control.rollouts.set(known.id, known);
    onward(here, told);
    expect(asked(only(here))).toMatchObject([{ opens: [expect.stringContaining('us-east')], needed: 2 }]);
    expect(await say(here, 'U0ROSA', 'approve us-east')).toMatch(/^You asked for this rollout/);
    expect(await say(here, 'U0INES', 'approve us-east')).toMatch(/^Noted: 1 of 2/);
    expect(only(here).startedAt).toBeNull();
    expect(await say(here, 'U0LU', 'approve us-east')).toMatch(/^us-east is approved/);
    expect(gatesOf(only(here), told + hours(48) - minutes(1))).toContain('notice');
    expect(only(here).startedAt).toBeNull();

    const { rollout } = drive(only(here), worldOf(only(here)), { from: here.clock.at });
    expect(rollout.startedAt).toBeGreaterThanOrEqual(told + hours(48));
    expect(asked(rollout)).toMatchObject([{ opens: [expect.stringContaining('eu-west')], needed: 2 }]);
  });
});

describe('a major version in the sandbox', () => {
  const fleet = {
    nodes: ['us-east', 'eu-west', 'ap-south'].flatMap((region) =>
      [1, 2, 3].map((nr) => ({
        ...{ name: `${region}-op-${nr}`, region, address: '127.0.0.1', port: 2_000 + nr, user: 'ops' },
        ...{ keyFile: '/k', knownHostsFile: '/h', healthUrl: 'http://127.0.0.1:1/health' },
      })),
    ),
    releasesDirectory: '/releases',
    service,
  };

  it('waits for no notice, takes one approval and asks nobody for the canary region, and every plan says so', async () => {
    const own = { stateDir: '/state', signer: freshKeyPair().public, keys: {} };
    const settings = settingsOf(fleet, 'always', own);
    const here = under(load(stringify(settings)).fleet.policy);
    const preview = await say(here, 'U0ROSA', 'upgrade v2.0.0');
    expect(preview).toContain('Majors go with one approver here, and are begun like any release');
    expect(preview).toContain('Majors begin without notice here');
    await say(here, 'U0ROSA', `start ${tokenIn(preview)}`);
    expect(only(here).notice).toBeUndefined();
    const rollout = onward(here, here.clock.at);
    expect(Object.values(rollout.nodes).filter(({ state }) => state.is === 'done')).toHaveLength(3);
    expect(asked(rollout)).toMatchObject([{ opens: [expect.stringContaining('eu-west')], needed: 1 }]);
  });
});
