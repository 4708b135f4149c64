import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/bot/run.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { approvals } from '../../src/upgrade/rollout/index.ts';
import type { Event, NodeSurvey, Rollout } from '../../src/upgrade/rollout/types.ts';
import { surveyOf, tuesday } from '../support/rollouts.ts';
import { apply, drive, worldOf } from '../support/simulation.ts';
import { press, run } from './acting.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const [was, becomes] = ['1'.repeat(64), '2'.repeat(64)];
const changed = {
  environment: {
    is: 'read' as const,
    before: was,
    after: becomes,
    differences: [
      { key: 'MAX_CONNECTIONS', from: '100', to: '200' },
      { key: 'DATABASE_URL', from: '', to: '', hidden: true as const },
    ],
  },
};
const hasIt = { environment: { is: 'read' as const, before: becomes, after: becomes, differences: [] } };

const looks = (changes: Record<string, Partial<NodeSurvey>> = {}): NodeSurvey[] =>
  surveyOf(trialFleet(), changes).map((seen) => ({ ...changed, ...seen }));
const ready = (changes: Record<string, Partial<NodeSurvey>> = {}): Trial => trial({ looks: looks(changes) });

const typed = 'config set MAX_CONNECTIONS=200 DATABASE_URL=@database-url';
const withFiles = (here: Trial): Trial => {
  here.context.fleet.config = { secret: ['*_SALT'], values: { MAX_CONNECTIONS: 'integer' }, files: '/run/secrets' };
  return here;
};

async function started(here: Trial, text = `${typed} --regions us-east`): Promise<Rollout> {
  await press(here, 'U0ROSA', await runCommand(here.context, 'U0ROSA', text), /^(Start|Schedule)/);
  const [rollout] = here.control.rollouts.values();
  if (rollout === undefined) throw new Error('not started');
  return rollout;
}

describe('config', () => {
  it('answers with what it comes to on every node, hides secrets, and starts nothing', async () => {
    const here = withFiles(ready({ 'eu-west-op-2': hasIt }));
    const said = await run(here, 'U0ROSA', `${typed} --regions us-east,eu-west`);
    expect(said).toMatchInlineSnapshot(`
      "Plan: zeitwork-operator change of MAX_CONNECTIONS, DATABASE_URL
      1. us-east v1.0.0, restarted on it: us-east-op-1, us-east-op-2, us-east-op-3; not before 2026-11-24 07:30 UTC, Tue 24 Nov 02:30 (America/New_York)
      2. eu-west v1.0.0, restarted on it: eu-west-op-1, eu-west-op-2, eu-west-op-3; after approval by @S0APPROVERS; not before 2026-11-24 08:40 UTC, Tue 24 Nov 08:40 (Europe/Dublin)
      Left out of this rollout: ap-south-op-1, ap-south-op-2, ap-south-op-3
      All 9 nodes are healthy now
      From the first restart to the last proof it takes about 80 min
      No rollout of this fleet was timed yet: this goes by policy.expectedNode
      /etc/zeitwork/operator.env: MAX_CONNECTIONS 100 -> 200 on 5 nodes. DATABASE_URL hidden -> hidden on 5 nodes. Has it: eu-west-op-2. One restart each
      Its binary stays as it is (v1.0.0, image aaaaaaaaaaaa). The old file is kept with it as a pair, and a rollback brings that back
      Each node: staged, backed up, restarted, proven healthy for 30 s (the first of a region 60 s) with the right image and what the file says. One at a time, at least 2 healthy per region. A node that fails is rolled back by itself, then the rollout holds
      Each region is watched for 60 min before the next is asked for
      One person may begin in every region here, without an approval
      Expected end: 2026-11-24 08:50 UTC, not counting the time that approvals take. Nothing has started yet; this plan can be confirmed for 30 min.
      Start: zeitwork start r1~51bfe9497e3a
      Cancel: zeitwork cancel r1~51bfe9497e3a"
    `);
    expect(here.control.rollouts.size).toBe(0);
  });

  it('is told all along as a change of these keys, with no word of another version', async () => {
    const here = withFiles(ready());
    let rollout = await started(here, typed);
    expect(rollout.change).toMatchObject({ is: 'config', wanted: { set: { DATABASE_URL: { file: 'database-url' } } } });
    expect(here.control.kept.begun).toEqual([]);
    const world = worldOf(rollout);
    const events: Event[] = [];
    let now = tuesday;
    const told: string[] = [];
    for (let ask = 0; ask < 5; ask++) {
      ({ rollout, now } = drive(rollout, world, { from: now }));
      told.push(JSON.stringify(posts(rollout)));
      const phase = approvals(rollout).find(({ state }) => state.is === 'active');
      if (phase === undefined) break;
      rollout = apply(rollout, { type: 'approved', at: now + 1, phase: phase.id, by: 'U0INES' }, events);
      now += 1;
    }
    expect(told[0]).toMatch(/get another environment file \(MAX_CONNECTIONS, DATABASE_URL\)\?/);
    expect(told[0]).toMatch(/\*Change of MAX_CONNECTIONS, DATABASE_URL\* on 9 nodes/);
    expect(told.at(-1)).toMatch(/new environment file is on all 9 nodes\*, each one proven/);
    for (const words of told) expect(words).not.toMatch(/NOT SIGNED|go to v|→ v1|brought to v|new version/);
  });

  it('of a node that is sick with it says that it has its old file again', async () => {
    const here = withFiles(ready());
    const rollout = await started(here);
    const world = worldOf(rollout);
    world.badFile.add('us-east-op-1');
    const { rollout: held } = drive(rollout, world, { from: tuesday });
    const words = JSON.stringify(posts(held));
    expect(words).toMatch(/us-east-op-1\* runs v1\.0\.0 with the environment file that it had again/);
  });

  it('that is over can be brought back', async () => {
    const here = withFiles(ready());
    const rollout = await started(here);
    const { rollout: done } = drive(rollout, worldOf(rollout), { from: tuesday });
    here.control.rollouts.set(done.id, done);
    expect(await run(here, 'U0INES', 'rollback all')).toMatch(/Rolling back everything: 3 nodes/);
  });

  it('is planned anew where a file has changed since it was shown', async () => {
    const here = withFiles(ready());
    const reply = await runCommand(here.context, 'U0ROSA', typed);
    const other = { environment: { ...changed.environment, before: '8'.repeat(64), after: '9'.repeat(64) } };
    here.control.looks = looks({ 'us-east-op-1': other });
    expect(await press(here, 'U0ROSA', reply, /^(Start|Schedule)/)).toMatch(/fleet has changed since/);
    expect(here.control.rollouts.size).toBe(0);
  });

  it.each([
    ['config', /what is to be done\?/],
    ['config set', /set what\?/],
    ['config set MAX_CONNECTIONS', /takes K=V/],
    ['config set A=1 A=2', /A is given twice/],
    ['config rename A', /old name of a key and the new one/],
    ['config unset A=1', /names of keys alone/],
    ['config set MAX_CONNECTIONS=many', /must be an integer/],
    ['config set A=1 --rehearse', /rehearse/],
    ['config set A=1 --regions nowhere', /no region nowhere/],
  ])('refuses `%s`', async (text, reason) => {
    expect(await run(withFiles(ready()), 'U0ROSA', text)).toMatch(reason);
  });

  it.each([
    'config set MY_SALT=hush-hush',
    'config set DATABASE_URL=postgres://zw:hush-hush@db/zw',
    'config set MY_SALT=hush-hush --unknown',
    'config set MY_SALT',
    'config ensure A=1 --expect MY_SALT=hush-hush',
    'config sett MY_SALT=hush-hush',
  ])('says nothing of a secret that was typed: `%s`', async (text) => {
    const here = withFiles(ready());
    const said = JSON.stringify(await runCommand(here.context, 'U0ROSA', text));
    expect(said).toMatch(/Nothing was/);
    expect(said).not.toMatch(/hush-hush/);
    expect(JSON.stringify([...here.control.drafts.values()])).not.toMatch(/hush-hush/);
  });

  it('is for those who may start upgrades, one at a time', async () => {
    const here = withFiles(ready());
    expect(await run(here, 'U0LU', typed)).toMatch(/You may not start upgrades/);
    await started(here);
    expect(await run(here, 'U0ROSA', typed)).toMatch(/holds the fleet with the change of MAX_CONNECTIONS/);
  });
});
