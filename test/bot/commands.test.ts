import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleText, writeBundle } from '../../src/app/cli/bundle.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { message } from '../../src/bot/views/parts.ts';
import { posts } from '../../src/bot/views/posts.ts';
import type { LikelyCause, NodeSurvey, Rollout } from '../../src/upgrade/rollout/types.ts';
import { fit, fitWith, hours, newImage, oldImage, surveyOf, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { replyTo } from './acting.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const run = async ({ context }: Trial, actor: string, text: string): Promise<string> =>
  asText(await runCommand(context, actor, text));

/** Presses a button of an answer or message, by its label. */
/** A rollout that was really asked for and started, driven until `fits`. */
async function under(here: Trial, fits: (ids: string) => boolean): Promise<void> {
  const preview = await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0');
  await replyTo(here, 'U0ROSA', preview, 'Start');
  const [rollout] = here.control.rollouts.values();
  if (!rollout) throw new Error('not started');
  const world = worldOf(rollout);
  let at = { rollout, now: rollout.createdAt };
  for (let step = 0; step < 500 && !fits(JSON.stringify(at.rollout)); step++) {
    at = drive(at.rollout, world, { from: at.now, limit: 1 });
  }
  here.control.rollouts.set(rollout.id, at.rollout);
  here.clock.at = at.now;
}
const withoutFitness = ({ fitness: _, ...seen }: NodeSurvey): NodeSurvey => seen;
const untouched = ({ nodes }: Rollout): Rollout['nodes'] =>
  Object.fromEntries(
    Object.entries(nodes).map(([name, node]) => [
      name,
      { ...node, touched: false, touchedAt: null, state: { is: 'ready', notBefore: 0 } },
    ]),
  );
const euWestAsked = (json: string) => /"id":"approval\/eu-west"[^{}]*"state":\{"is":"active"/.test(json);
const oneDone = (json: string) => json.includes('"is":"done","at"');

describe('upgrade', () => {
  it('answers with a plan and starts nothing', async () => {
    const here = trial();
    expect(await run(here, 'U0ROSA', 'upgrade v2.0.0')).toMatchInlineSnapshot(`
      "Plan: zeitwork-operator to v2.0.0
      1. us-east v1.0.0 → v2.0.0: us-east-op-1, us-east-op-2, us-east-op-3; not before 2026-11-24 07:30 UTC, Tue 24 Nov 02:30 (America/New_York)
      2. eu-west v1.0.0 → v2.0.0: eu-west-op-1, eu-west-op-2, eu-west-op-3; after approval by @S0APPROVERS; not before 2026-11-24 08:40 UTC, Tue 24 Nov 08:40 (Europe/Dublin)
      3. ap-south v1.0.0 → v2.0.0: ap-south-op-1, ap-south-op-2, ap-south-op-3; after approval by @S0APPROVERS; not before 2026-11-24 09:50 UTC, Tue 24 Nov 15:20 (Asia/Kolkata)
      All 9 nodes are healthy now
      Two versions run side by side for about 2 h 30 min
      No rollout of this fleet was timed yet: this goes by policy.expectedNode
      Signed by ana with the key SHA256:KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK
      Each node: staged, backed up, restarted, proven healthy for 30 s (the first of a region 60 s) with the right image. One at a time, at least 2 healthy per region. A node that fails is rolled back by itself, then the rollout holds
      Each region is watched for 60 min before the next is asked for
      One person may begin in every region here, without an approval
      Majors go with one approver here, and are begun like any release
      Expected end: 2026-11-24 10:00 UTC, not counting the time that approvals take. Nothing has started yet; this plan can be confirmed for 30 min.
      Start: zeitwork start r1~db40c07491bc
      Cancel: zeitwork cancel r1~db40c07491bc"
    `);
    expect(here.control.rollouts.size).toBe(0);
    expect(here.control.drafts.size).toBe(1);
  });

  it('starts by its button, once', async () => {
    const here = trial();
    const preview = await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0');
    expect(asText(await replyTo(here, 'U0ROSA', preview, 'Start'))).toMatch(/v2\.0\.0 is under way/);
    expect(asText(await replyTo(here, 'U0ROSA', preview, 'Start'))).toMatch(/was started already/);
    expect(here.control.rollouts.size).toBe(1);
  });

  it('starts by what is typed, on a command line without Slack', async () => {
    const here = trial();
    const [typed] = /start \S+/.exec(await run(here, 'U0ROSA', 'upgrade v2.0.0')) ?? [];
    expect(await run(here, 'U0ROSA', typed ?? '')).toMatch(/under way/);
  });

  it('shows a dry run without a way to start it', async () => {
    const here = trial();
    const text = await run(here, 'U0ROSA', 'upgrade v2.0.0 --dry-run');
    expect(text).toMatch(/^Dry run/);
    expect(text).not.toMatch(/zeitwork start/);
    expect(here.control.drafts.size).toBe(0);
  });

  it('offers to schedule when the next window is closed', async () => {
    const here = trial({ fleet: trialFleet({}, 'guide') });
    here.clock.at = tuesday + hours(6);
    expect(await run(here, 'U0ROSA', 'upgrade v2.0.0')).toContain('Schedule for Wed 25 Nov 02:00: zeitwork start');
  });

  it('shows a new plan when the fleet moved since the first', async () => {
    const here = trial();
    const preview = await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0 --regions us-east,eu-west --nodes 2');
    here.control.looks = surveyOf(here.context.fleet, {
      'eu-west-op-1': { version: 'v1.1.0', sha256: 'd'.repeat(64) },
    });
    const again = await replyTo(here, 'U0ROSA', preview, 'Start');
    expect(asText(again)).toMatch(/^The fleet has changed since the plan was made/);
    expect(here.control.rollouts.size).toBe(0);
    await replyTo(here, 'U0ROSA', again, 'Start');
    expect([...here.control.rollouts.values()].map(({ nodes }) => Object.keys(nodes))).toEqual([
      ['us-east-op-1', 'us-east-op-2'],
    ]);
  });

  it('says what is worth knowing of the nodes, and refuses for what the steps would stumble over', async () => {
    const late = { ...fit, clock: { ahead: 60_000, blur: 10 } };
    const fleet = trialFleet();
    const here = trial({
      fleet,
      looks: surveyOf(fleet, {
        'us-east-op-1': { fitness: late },
        'eu-west-op-3': { fitness: late },
      }).map((seen) => (seen.node === 'ap-south-op-1' ? withoutFitness(seen) : seen)),
    });
    const shown = await run(here, 'U0ROSA', 'upgrade v2.0.0');
    expect(shown).toContain(
      '‼ us-east-op-1, eu-west-op-3: its clock is 60.0 s ahead: switch time synchronisation on there',
    );
    expect(shown).toMatch(
      /‼ ap-south-op-1: only what it runs was looked at.*update the worker, or ask zeitwork doctor/,
    );
    const reply = await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0');
    here.clock.at += 10_000;
    here.control.looks = surveyOf(fleet, { 'eu-west-op-2': { fitness: { ...fit, tools: ['flock'] } } });
    const refusal = /Nothing was started: nobody can work on eu-west-op-2 \(install flock on it\)/;
    expect(asText(await replyTo(here, 'U0ROSA', reply, 'Start'))).toMatch(refusal);
    expect(here.control.rollouts.size).toBe(0);
    expect(await run(here, 'U0ROSA', 'upgrade v2.0.0')).toMatch(refusal);
  });

  it('asks nobody for a region that runs the release, and says so', async () => {
    const fleet = trialFleet();
    const onIt = { version: 'v2.0.0', sha256: newImage, fitness: fitWith(newImage) };
    const nodes = ['eu-west-op-1', 'eu-west-op-2', 'eu-west-op-3'];
    const here = trial({ fleet, looks: surveyOf(fleet, Object.fromEntries(nodes.map((name) => [name, onIt]))) });
    const shown = await run(here, 'U0ROSA', 'upgrade v2.0.0');
    expect(shown).toContain(
      '2. eu-west runs v2.0.0 already: eu-west-op-1, eu-west-op-2, eu-west-op-3 are only proven, and nobody is asked',
    );
    expect(shown).toMatch(/3\. ap-south v1\.0\.0 → v2\.0\.0: .*; after approval by @S0APPROVERS/);
  });

  it('throws a plan away', async () => {
    const here = trial();
    const preview = await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0');
    expect(asText(await replyTo(here, 'U0ROSA', preview, 'Cancel'))).toMatch(/thrown away/);
    expect(asText(await replyTo(here, 'U0ROSA', preview, 'Start'))).toMatch(/This plan is gone/);
  });

  it.each([
    ['U0LU', 'upgrade v2.0.0', /You may not start upgrades\. Those who may: @U0ROSA/],
    ['U0GIL', 'upgrade v2.0.0', /Guests may not/],
    ['U0BOT', 'upgrade v2.0.0', /Bots may not/],
    ['U0GONE', 'upgrade v2.0.0', /deactivated/],
    ['U0FAR', 'status', /Only members of this workspace/],
    ['U0NEVER', 'status', /Slack did not say who you are/],
    ['U0ROSA', 'upgrade v2.0.0 --now --reason fire', /You may not override maintenance windows/],
    ['U0ROSA', 'upgrade v9.9.9', /There is no release v9\.9\.9/],
    ['U0ROSA', 'upgrade v2.0.0 --regions us-esat', /Did you mean us-east\?/],
    ['U0ROSA', 'upgrade v2.0.0 --at noon', /--at: "noon" is not a time/],
    ['U0ROSA', 'upgrade v2.0.0 --at 2020-01-01 02:00', /That time has passed/],
    ['U0ROSA', 'start nothing', /This plan is gone/],
    ['U0ROSA', 'pause', /Nothing is running/],
    ['U0ROSA', 'rollback', /There was no rollout yet/],
    ['U0ROSA', 'diagnose us-east-op-9', /There is no node us-east-op-9\. Did you mean us-east-op/],
    ['U0ROSA', 'upgrade <!channel>', /Nothing was done: .*is not a version/],
  ])('refuses %s who types %j', async (actor, text, reason) => {
    const here = trial();
    expect(await run(here, actor, text)).toMatch(reason);
    expect(here.control.rollouts.size + here.control.drafts.size).toBe(0);
  });

  it('names who holds the fleet', async () => {
    const here = trial();
    await under(here, oneDone);
    expect(await run(here, 'U0ROSA', 'upgrade v2.0.0')).toMatch(/@U0ROSA holds the fleet with v2\.0\.0 \(rollout r1\)/);
  });

  it('starts a plan only for whom it was made', async () => {
    const here = trial();
    here.context.access.roles.requesters.users.push('U0LU');
    const preview = await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0');
    expect(asText(await replyTo(here, 'U0LU', preview, 'Start'))).toMatch(/was made for @U0ROSA/);
    expect(asText(await replyTo(here, 'U0ROSA', preview, 'Start'))).toMatch(/under way/);
  });

  it('fails closed when a group cannot be looked up', async () => {
    const here = trial();
    here.context.access.roles.requesters = { users: [], groups: ['S0GONE'] };
    expect(await run(here, 'U0ROSA', 'upgrade v2.0.0')).toMatch(/Slack did not say who you are, so nothing was done/);
  });
});

describe('decisions', () => {
  it('lets an approver approve, once, and tells who was first', async () => {
    const here = trial();
    await under(here, euWestAsked);
    expect(await run(here, 'U0ROSA', 'approve eu-west')).toMatch(/somebody else approves eu-west/);
    expect(await run(here, 'U0OTTO', 'approve eu-west')).toMatch(
      /You may not approve eu-west\. Those who may: @S0APPROVERS/,
    );
    expect(await run(here, 'U0INES', 'approve eu-wets')).toMatch(/Did you mean eu-west/);
    expect(await run(here, 'U0INES', 'approve ap-south')).toMatch(/not being asked for yet/);
    expect(await run(here, 'U0INES', 'approve eu-west')).toMatch(
      /^eu-west is approved\. It begins 2026-11-24 08:31 UTC, Tue 24 Nov 08:31 \(Europe\/Dublin\), at the earliest\.$/,
    );
    expect(await run(here, 'U0INES', 'approve eu-west')).toMatch(/eu-west was approved by @U0INES at/);
    expect(here.control.journals.get('r1')).toHaveLength(1);
  });

  it('lets more people stop than start', async () => {
    const here = trial();
    await under(here, oneDone);
    expect(await run(here, 'U0LU', 'pause')).toMatch(/You may not pause or stop/);
    expect(await run(here, 'U0OTTO', 'pause')).toMatch(/^Paused: .* `?resume`? goes on; those who may: @U0ROSA\.$/);
    expect(await run(here, 'U0OTTO', 'pause')).toMatch(
      /outdated, nothing was changed\. Now: v2\.0\.0 is paused \(@U0OTTO/,
    );
    expect(await run(here, 'U0OTTO', 'resume')).toMatch(/You may not unfreeze, resume, retry or snooze/);
    expect(await run(here, 'U0ROSA', 'resume')).toBe('Resumed.');
    expect(await run(here, 'U0ROSA', 'retry')).toMatch(/outdated/);
    expect(await run(here, 'U0OTTO', 'stop')).toMatch(/^Stopping/);
  });

  it('rolls back a node, a region or all, and lists the choices', async () => {
    const here = trial();
    await under(here, euWestAsked);
    const choices = await runCommand(here.context, 'U0OTTO', 'rollback');
    expect(asText(choices)).toMatch(/Roll back us-east \(3 nodes\): zeitwork rollback us-east/);
    expect(await run(here, 'U0OTTO', 'rollback eu-west')).toMatch(/Nothing to roll back/);
    expect(await run(here, 'U0OTTO', 'rollback us-east-op-2')).toMatch(/Rolling back us-east-op-2: 1 node/);
    expect(asText(await replyTo(here, 'U0OTTO', choices, 'Roll back us-east (3 nodes)'))).toMatch(
      /Rolling back us-east: 3 nodes/,
    );
  });

  describe("about somebody's work on a node", () => {
    const work = { what: 'binary', sha256: 'd'.repeat(64), version: 'v2.1.0' } as const;
    async function drifted(): Promise<Trial> {
      const here = trial();
      await under(here, oneDone);
      const [rollout] = here.control.rollouts.values();
      const node = rollout?.nodes['us-east-op-2'];
      if (!rollout || !node) throw new Error('not started');
      const state = { is: 'failed', step: 'backup', reason: 'v2.1.0 was installed by hand', at: 1 } as const;
      here.control.rollouts.set(rollout.id, {
        ...rollout,
        status: {
          is: 'held',
          reason: 'us-east-op-2: v2.1.0 was installed by hand',
          node: node.name,
          at: 1,
          pending: null,
        },
        nodes: {
          ...rollout.nodes,
          [node.name]: { ...node, state, touched: false, failure: state.reason, foreign: work },
        },
      });
      return here;
    }
    const newest = (here: Trial) => [...here.control.rollouts.values()][0];

    it('names it on a button of its own, beside a retry that overwrites nothing', async () => {
      const rollout = newest(await drifted());
      if (!rollout) throw new Error('not started');
      const failure = posts(rollout).find(({ key }) => key.startsWith('failed.'));
      expect(JSON.stringify(failure?.blocks)).toContain('"Replace v2.1.0 on us-east-op-2"');
      expect(failure?.text).toContain('replace us-east-op-2 dddddddddddd');
    });

    it('replaces what was shown, and only that', async () => {
      const here = await drifted();
      expect(await run(here, 'U0INES', 'replace us-east-op-2 ffffffffffff')).toMatch(/Nothing of that kind waits/);
      expect(newest(here)?.nodes['us-east-op-2']?.decided).toBeNull();
      expect(await run(here, 'U0INES', 'replace us-east-op-2 dddddddddddd')).toMatch(/Putting v2.1.0 .* aside/);
      expect(newest(here)?.nodes['us-east-op-2']?.decided).toMatchObject({
        foreign: work,
        as: 'replace',
        by: 'U0INES',
      });
    });

    it('says what is done first, where a rollback of others was cut short', async () => {
      const here = await drifted();
      const [rollout] = here.control.rollouts.values();
      if (rollout?.status.is !== 'held') throw new Error('not held');
      const pending = { scope: { is: 'node' as const, node: 'us-east-op-1' }, by: 'U0ROSA' };
      here.control.rollouts.set(rollout.id, { ...rollout, status: { ...rollout.status, pending } });
      expect(await run(here, 'U0INES', 'replace us-east-op-2 dddddddddddd')).toMatch(
        /^Noted, and not done yet: .*v2\.1\.0.* is put aside once us-east-op-2 is tried again, after a `?retry`?\. Now the rollback of us-east-op-1 goes on \(1 node\)\./,
      );
      expect(newest(here)?.status).toMatchObject({ is: 'rolling-back', queue: ['us-east-op-1'] });
    });

    it('wants the hash that the message shows, and the role', async () => {
      const here = await drifted();
      expect(await run(here, 'U0ROSA', 'replace us-east-op-2')).toMatch(/hash is missing/);
      expect(await run(here, 'U0LU', 'replace us-east-op-2 dddddddddddd')).toMatch(/may not/);
    });
  });

  it('tells a late click how things stand now', async () => {
    const here = trial();
    await under(here, oneDone);
    const old = await runCommand(here.context, 'U0ROSA', 'status');
    await run(here, 'U0OTTO', 'stop');
    expect(asText(await replyTo(here, 'U0OTTO', old, 'Pause'))).toMatch(
      /outdated, nothing was changed\. Now: .*Stopped by @U0OTTO/s,
    );
  });

  it('does not roll back an older rollout', async () => {
    const here = trial();
    await under(here, oneDone);
    const old = await runCommand(here.context, 'U0ROSA', 'status');
    await run(here, 'U0OTTO', 'stop');
    const [first] = here.control.rollouts.values();
    if (!first) throw new Error('none');
    here.control.rollouts.set('r9', { ...first, id: 'r9', createdAt: first.createdAt + 1 });
    expect(asText(await replyTo(here, 'U0OTTO', old, 'Roll back all (1 node)'))).toMatch(
      /only the newest rollout can be rolled back/,
    );
  });

  it('rolls back the one before a rollout that was only scheduled, once that is stopped', async () => {
    const here = trial();
    await under(here, oneDone);
    const old = await runCommand(here.context, 'U0ROSA', 'status');
    await run(here, 'U0OTTO', 'stop');
    const [first] = here.control.rollouts.values();
    if (!first) throw new Error('none');
    here.control.looks = here.control.looks.map((seen) => ({ ...seen, sha256: null }));
    const ahead = { ...first, id: 'r9', createdAt: first.createdAt + 1, startedAt: null, nodes: untouched(first) };
    here.control.rollouts.set('r9', { ...ahead, status: { is: 'running' } });
    expect(asText(await replyTo(here, 'U0OTTO', old, 'Roll back all (1 node)'))).toMatch(
      /came v2\.0\.0, which has begun nothing and holds the fleet: stop it, and v2\.0\.0 can be rolled back/,
    );
    expect(await run(here, 'U0OTTO', 'rollback all')).toMatch(/holds the fleet: `?stop`? it/);
    here.control.rollouts.set('r9', { ...ahead, status: { is: 'stopped', by: 'U0OTTO', at: tuesday } });
    expect(await run(here, 'U0OTTO', 'rollback all')).toMatch(/^Rolling back everything: 1 node/);
    expect(here.control.rollouts.get(first.id)?.status.is).toBe('rolling-back');
  });
});

describe('with no rollout known', () => {
  const acting = ['approve eu-west', 'pause', 'resume', 'stop', 'retry', 'rollback', 'rollback all'];

  it.each(acting)('%s tells what the nodes run, and does nothing', async (text) => {
    const here = trial();
    const said = await run(here, 'U0ROSA', text);
    expect(said).toMatch(/^(Nothing is running\.|There was no rollout yet)/);
    expect(said).toContain('us-east: 3 on v1.0.0\neu-west: 3 on v1.0.0\nap-south: 3 on v1.0.0');
    expect(said).toContain('If a message in the channel says otherwise, the store may have been emptied');
    expect(here.control.rollouts.size).toBe(0);
  });

  it('says that the store may have been emptied when the nodes do not run the same', async () => {
    const fleet = trialFleet();
    const looks = surveyOf(fleet, {
      'us-east-op-1': { version: 'v2.0.0', sha256: newImage },
      'eu-west-op-3': { healthy: false, version: null, sha256: null },
    });
    expect(await run(trial({ fleet, looks }), 'U0ROSA', 'pause')).toMatchInlineSnapshot(`
      "Nothing is running. See history, or start with upgrade.
      This is what the nodes run:
      us-east: 2 on v1.0.0, 1 on v2.0.0
      eu-west: 2 on v1.0.0, unknown: eu-west-op-3
      ap-south: 3 on v1.0.0
      ‼ They do not all run the same, so the store may have been emptied or put back (Redis) while a rollout was under way; see zeitwork verify."
    `);
  });

  it('does not wonder about a node that nobody could reach', async () => {
    const fleet = trialFleet();
    const looks = surveyOf(fleet, { 'us-east-op-1': { version: null, sha256: null } });
    expect(await run(trial({ fleet, looks }), 'U0ROSA', 'pause')).not.toContain('do not all run the same');
  });

  it('does not wonder about a mixture that a rollout left which it knows', async () => {
    const here = trial();
    await under(here, oneDone);
    const [rollout] = here.control.rollouts.values();
    if (!rollout) throw new Error('none');
    here.control.rollouts.set(rollout.id, { ...rollout, status: { is: 'stopped', by: 'U0OTTO', at: 1 } });
    here.control.looks = surveyOf(here.context.fleet, { 'us-east-op-1': { version: 'v2.0.0', sha256: newImage } });
    const said = await run(here, 'U0ROSA', 'pause');
    expect(said).toMatch(/us-east: 2 on v1\.0\.0, 1 on v2\.0\.0[\s\S]*Last: ■ Stopped by @U0OTTO/);
    expect(said).not.toContain('do not all run the same');
  });

  it('says so to whoever clicks a button of a rollout that vanished', async () => {
    const here = trial();
    await under(here, oneDone);
    const old = await runCommand(here.context, 'U0ROSA', 'status');
    here.control.rollouts.clear();
    const said = asText(await replyTo(here, 'U0ROSA', old, 'Pause'));
    expect(said).toMatch(/^That rollout is not known any more\.[\s\S]*us-east: 3 on v1\.0\.0/);
    expect(said).toMatch(/The message with this button says otherwise, so the store may have been emptied/);
  });

  it('shows the nodes only to those who may look', async () => {
    expect(await run(trial(), 'U0GIL', 'approve eu-west')).toBe('Guests may not do that.');
  });
});

describe('looking', () => {
  it('tells every gate, its owner and when it changes', async () => {
    const here = trial();
    await under(here, euWestAsked);
    expect(await run(here, 'U0LU', 'why')).toMatchInlineSnapshot(`
      "v2.0.0: waiting for approval of eu-west
      eu-west-op-1: ○ waiting
      • approval: eu-west is not approved. Opened by the approvers of eu-west; does not change by itself"
    `);
    expect(await run(here, 'U0LU', 'why us-east-op-1')).toMatch(/us-east-op-1: ✓ done/);
    expect(await run(here, 'U0LU', 'why nobody')).toMatch(/There is no node nobody/);
  });

  it('says plainly which nodes are not right', async () => {
    const fleet = trialFleet();
    const looks = surveyOf(fleet, {
      'us-east-op-1': { version: 'v2.0.0', sha256: newImage },
      'us-east-op-2': { version: 'v2.0.0', sha256: oldImage },
      'eu-west-op-3': { healthy: false, detail: '503 starting', unit: null, sha256: null, version: null },
    });
    expect(await run(trial({ fleet, looks }), 'U0LU', 'verify')).toMatchInlineSnapshot(`
      "✗ 5 things not right:
      ✗ us-east-op-2 says v2.0.0, and its image aaaaaaaaaaaa is not that release's
      ✗ eu-west-op-3 is not healthy: 503 starting
      ✗ eu-west-op-3: its unit is unknown, SSH gave no answer
      ✗ eu-west-op-3 does not say its version
      ✗ eu-west-op-3: the running image could not be read
      ○ Images not compared, there is no archive of v1.0.0 that is accepted: us-east-op-3, eu-west-op-1, eu-west-op-2, ap-south-op-1, ap-south-op-2, ap-south-op-3
      Mixed versions: unknown, v1.0.0, v2.0.0; the newest release is v2.0.0
      us-east: 3 of 3 healthy
      ✓ us-east-op-1  v2.0.0  healthy, active/running, image bbbbbbbbbbbb
      ✓ us-east-op-2  v2.0.0  healthy, active/running, image aaaaaaaaaaaa
      ✓ us-east-op-3  v1.0.0  healthy, active/running, image aaaaaaaaaaaa
      eu-west: 2 of 3 healthy, none to spare
      ✓ eu-west-op-1  v1.0.0  healthy, active/running, image aaaaaaaaaaaa
      ✓ eu-west-op-2  v1.0.0  healthy, active/running, image aaaaaaaaaaaa
      ✗ eu-west-op-3  version unknown  not healthy: 503 starting, unit unknown, image unknown
      ap-south: 3 of 3 healthy
      ✓ ap-south-op-1  v1.0.0  healthy, active/running, image aaaaaaaaaaaa
      ✓ ap-south-op-2  v1.0.0  healthy, active/running, image aaaaaaaaaaaa
      ✓ ap-south-op-3  v1.0.0  healthy, active/running, image aaaaaaaaaaaa"
    `);
  });

  it('never calls an archive the newest release that would be refused, and says why it is none', async () => {
    const here = trial();
    here.context.releases.versions = async () => ['v1.0.0', 'v2.0.0', 'v2.1.0', 'v2.2.0'];
    const said = await run(here, 'U0LU', 'verify');
    expect(said).toContain('the newest release is v2.0.0');
    expect(said).toMatch(/○ v2\.2\.0 is not accepted: There is no release v2\.2\.0\.\n○ v2\.1\.0 is not accepted/);
    here.context.releases.versions = async () => ['v2.2.0'];
    expect(await run(here, 'U0LU', 'verify')).not.toContain('newest release');
  });

  it('tells the windows in the words of each region', async () => {
    expect(await run(trial({ fleet: trialFleet({}, 'guide') }), 'U0LU', 'windows')).toMatchInlineSnapshot(`
      "us-east open now until 2026-11-24 11:00 UTC, Tue 24 Nov 06:00 (America/New_York). Tue-Thu 02:00–06:00 (America/New_York)
      eu-west closed; opens 2026-11-25 02:00 UTC, Wed 25 Nov 02:00 (Europe/Dublin). Tue-Thu 02:00–06:00 (Europe/Dublin)
      ap-south closed; opens 2026-11-24 20:30 UTC, Wed 25 Nov 02:00 (Asia/Kolkata). Tue-Thu 02:00–06:00 (Asia/Kolkata)"
    `);
  });

  it('answers the bare command with help while nothing runs, else with the status', async () => {
    const here = trial();
    expect(await run(here, 'U0LU', '')).toMatch(/^Commands/);
    await under(here, oneDone);
    expect(await run(here, 'U0LU', '')).toMatch(/^zeitwork-operator v2\.0\.0: going on/);
    expect(await run(here, 'U0LU', 'history')).toMatch(/v2\.0\.0 going on, asked for by @U0ROSA \(r1\)/);
  });

  it('shows a diagnosis with what the host said made harmless', async () => {
    const reply = await runCommand(trial().context, 'U0OTTO', 'diagnose us-east-op-1');
    expect(message(reply.parts, 't').text).toContain('connection refused &lt;!channel&gt;');
  });

  it('tells what was captured before a rollback, when the node looks well again', async () => {
    const here = trial();
    await under(here, oneDone);
    const [rollout] = here.control.rollouts.values();
    const node = rollout?.nodes['us-east-op-1'];
    if (!rollout || !node) throw new Error('not started');
    const diagnosis = { summary: 'its port is taken', evidence: ['bind: <!channel>'] };
    const nodes = { ...rollout.nodes, [node.name]: { ...node, diagnosis } };
    here.control.rollouts.set(rollout.id, { ...rollout, nodes });
    const reply = await runCommand(here.context, 'U0OTTO', 'diagnose us-east-op-1');
    expect(asText(reply)).toMatch(/When it failed on v2\.0\.0, before it was rolled back: its port is taken/);
    expect(message(reply.parts, 't').text).toContain('bind: &lt;!channel&gt;');
    expect(reply.facts).toMatchObject({ captured: { version: 'v2.0.0', summary: 'its port is taken' } });
  });

  it('keeps all that was captured before a rollback, for a shell that asks for it', async () => {
    const here = trial();
    await under(here, oneDone);
    const [rollout] = here.control.rollouts.values();
    const node = rollout?.nodes['us-east-op-1'];
    if (!rollout || !node) throw new Error('not started');
    const causes: LikelyCause[] = [
      { name: 'port-in-use', says: 's', line: 'l', mend: 'see what holds it', next: 'look' },
    ];
    const bundle = ['health: connection refused', 'journal: bind: in use \u001b[31m'];
    const diagnosis = { summary: 'its port is taken', evidence: ['bind: in use'], causes, bundle };
    here.control.rollouts.set(rollout.id, {
      ...rollout,
      nodes: { ...rollout.nodes, [node.name]: { ...node, diagnosis } },
    });
    const short = await runCommand(here.context, 'U0OTTO', 'diagnose us-east-op-1');
    expect(short.facts).toMatchObject({ bundle: null, captured: { bundle: null, causes } });
    expect(asText(short)).toContain('What to do: see what holds it');
    const whole = await runCommand(here.context, 'U0OTTO', 'diagnose us-east-op-1 --bundle');
    expect(whole.facts).toMatchObject({ captured: { bundle } });
    expect(bundleText(whole.facts ?? {})).toBe(
      [
        '# now: the database refuses connections',
        'nothing more was captured',
        '# before it was rolled back: its port is taken',
        'health: connection refused',
        'journal: bind: in use',
      ].join('\n'),
    );
  });

  it('writes what was captured into a new file of its own, and over none', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'zw-bundle-')), 'bundle');
    await writeBundle(file, 'a line');
    expect(await readFile(file, 'utf8')).toBe('a line\n');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await expect(writeBundle(file, 'another')).rejects.toThrow(/was not written: EEXIST/);
    expect(await readFile(file, 'utf8')).toBe('a line\n');
  });

  it('tells who one is, and where to read on', async () => {
    expect(await run(trial(), 'U0OTTO', 'whoami')).toMatch(
      /You may look; diagnose; pause and stop; freeze and roll back\./,
    );
    expect(await run(trial(), 'cli:rosa', 'whoami')).toMatch(/You may look; diagnose; pause and stop\./);
    expect(await run(trial(), 'U0GIL', 'whoami')).toBe('Guests may not do that.');
    expect(await run(trial(), 'U0LU', 'help upgrade')).toMatch(/For example: zeitwork upgrade v2\.0\.0/);
    expect(await run(trial(), 'U0LU', 'upgarde v2.0.0')).toMatch(/did you mean upgrade\?/);
  });

  it('does not hide that it failed, and keeps details for the log', async () => {
    const here = trial();
    here.control.survey = async () => Promise.reject(new Error('secret detail'));
    const text = await run(here, 'U0LU', 'verify');
    expect(text).toMatch(/failed on our side.*Reference: r1/);
    expect(text).not.toContain('secret');
    expect(here.logged.join()).toContain('secret detail');
  });
});
