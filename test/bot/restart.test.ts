import { describe, expect, it } from 'vitest';
import { answer, asText, runCommand } from '../../src/bot/run.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { emptyLedger } from '../../src/upgrade/ledger/index.ts';
import { approvals } from '../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../src/upgrade/rollout/types.ts';
import { fit, fitWith, minutes, newImage, oldImage, release, surveyOf, tuesday } from '../support/rollouts.ts';
import { apply, drive, worldOf } from '../support/simulation.ts';
import { press, run } from './acting.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const started = ({ control }: Trial): Rollout[] => [...control.rollouts.values()];
const said = (rollout: Rollout): string => JSON.stringify(posts(rollout));

async function restarting(here: Trial, text = 'restart --regions us-east'): Promise<Rollout> {
  await press(here, 'U0ROSA', await runCommand(here.context, 'U0ROSA', text), /^(Start|Schedule)/);
  const [rollout] = started(here);
  if (rollout === undefined) throw new Error('not started');
  return rollout;
}

describe('restart', () => {
  it('answers with a plan that says what is restarted and that nothing is changed, and starts nothing', async () => {
    const here = trial();
    expect(await run(here, 'U0ROSA', 'restart --regions us-east,eu-west')).toMatchInlineSnapshot(`
      "Plan: zeitwork-operator restart of v1.0.0
      1. us-east v1.0.0, restarted on it: us-east-op-1, us-east-op-2, us-east-op-3; not before 2026-11-24 07:30 UTC, Tue 24 Nov 02:30 (America/New_York)
      2. eu-west v1.0.0, restarted on it: eu-west-op-1, eu-west-op-2, eu-west-op-3; after approval by @S0APPROVERS; not before 2026-11-24 08:40 UTC, Tue 24 Nov 08:40 (Europe/Dublin)
      Left out of this rollout: ap-south-op-1, ap-south-op-2, ap-south-op-3
      All 9 nodes are healthy now
      From the first restart to the last proof it takes about 80 min
      No rollout of this fleet was timed yet: this goes by policy.expectedNode
      No file is changed: what runs is started anew (v1.0.0, image aaaaaaaaaaaa), with /etc/zeitwork/operator.env as it is then. There is nothing to bring back afterwards
      Each node: looked at, restarted, proven healthy for 30 s (the first of a region 60 s) with the right image. One at a time, at least 2 healthy per region. A node that fails is left as it is and the rollout holds
      Each region is watched for 60 min before the next is asked for
      One person may begin in every region here, without an approval
      Expected end: 2026-11-24 08:50 UTC, not counting the time that approvals take. Nothing has started yet; this plan can be confirmed for 30 min.
      Start: zeitwork start r1~db40c07491bc
      Cancel: zeitwork cancel r1~db40c07491bc"
    `);
    expect(started(here)).toEqual([]);
  });

  it('says which nodes come up with an environment file that nobody has proven, and of no other', async () => {
    const left = { version: 'v1.0.0', sha256: oldImage, envSha256: 'e'.repeat(64), at: tuesday, rollout: 'r0' };
    const lying = (envSha256: string) => ({ fitness: { ...fit, seen: fit.seen && { ...fit.seen, envSha256 } } });
    const looks = surveyOf(trialFleet(), {
      'us-east-op-1': lying('e'.repeat(64)),
      'us-east-op-2': lying('f'.repeat(64)),
      'us-east-op-3': lying('f'.repeat(64)),
      'eu-west-op-1': lying('f'.repeat(64)),
    });
    const here = trial({ looks });
    // Of the third it is another build that was proven.
    const nodes = { 'us-east-op-1': left, 'us-east-op-2': left, 'us-east-op-3': { ...left, sha256: newImage } };
    here.control.kept = { ...emptyLedger, nodes: { ...nodes, 'eu-west-op-1': left } };
    const told = /us-east-op-2: its .*operator\.env is another one than was proven there last: the restart brings that/;
    const said = await run(here, 'U0ROSA', 'restart --regions us-east');
    expect(said).toMatch(told);
    expect(said.match(/is another one than/g)).toHaveLength(1);
    expect(await run(here, 'U0ROSA', 'upgrade v2.0.0 --regions us-east')).not.toMatch(/is another one than/);
  });

  it('is told all along as a restart: asked for, begun, done, with no word of another version or of a way back', async () => {
    const here = trial();
    let rollout = await restarting(here, 'restart');
    expect(rollout.change).toEqual({ is: 'restart' });
    expect(here.control.kept.begun).toEqual([]);
    const world = worldOf(rollout);
    const events: Event[] = [];
    let now = tuesday;
    const told: string[] = [];
    for (let ask = 0; ask < 5; ask++) {
      ({ rollout, now } = drive(rollout, world, { from: now }));
      told.push(said(rollout));
      const phase = approvals(rollout).find(({ state }) => state.is === 'active');
      if (phase === undefined) break;
      rollout = apply(rollout, { type: 'approved', at: now + 1, phase: phase.id, by: 'U0INES' }, events);
      now += 1;
    }
    expect(told[0]).toMatch(/may \*[a-z-]+\* \(3 nodes\) be restarted \(v1\.0\.0\)\?/);
    expect(told[0]).toMatch(/\*Restart of v1\.0\.0\* on 9 nodes/);
    expect(told.at(-1)).toMatch(/All 9 nodes were restarted\*, each one proven on v1\.0\.0, which it ran before/);
    expect(told.at(-1)).toMatch(/zeitwork-operator restart of v1\.0\.0: done, every node proven/);
    for (const words of told) {
      expect(words).not.toMatch(/Roll back|NOT SIGNED|go to v|→ v1|brought to|new version/);
    }
  });

  it('of a node that does not come back says who must decide, and offers no way back', async () => {
    const here = trial();
    const rollout = await restarting(here);
    const world = worldOf(rollout);
    const [node = ''] = Object.keys(rollout.nodes);
    world.badRestart.set(node, 1);
    const { rollout: held } = drive(rollout, world, { from: tuesday });
    const words = said(held);
    expect(held.status.is).toBe('held');
    expect(words).toContain(`*${node} failed* and stays on v1.0.0, not proven`);
    expect(words).toMatch(/Retry/);
    expect(words).toMatch(/restarted once more, in its window or not/);
    expect(words).not.toMatch(/Roll back/);
  });

  it('that is over does not keep the upgrade before it from being brought back, and one that is open does', async () => {
    const here = trial({ known: [release] });
    await press(here, 'U0ROSA', await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0 --regions us-east'), /^Start/);
    const [begun] = started(here);
    if (begun === undefined) throw new Error('not started');
    const { rollout: upgraded } = drive(begun, worldOf(begun), { from: tuesday });
    expect(upgraded.status.is).toBe('done');
    here.control.rollouts.set(upgraded.id, upgraded);
    const onNew = { sha256: newImage, version: 'v2.0.0', fitness: fitWith(newImage) };
    const nodes = ['us-east-op-1', 'us-east-op-2', 'us-east-op-3'];
    here.control.looks = surveyOf(trialFleet(), Object.fromEntries(nodes.map((name) => [name, onNew])));
    here.clock.at = tuesday + minutes(30);
    await press(here, 'U0ROSA', await runCommand(here.context, 'U0ROSA', 'restart --regions us-east'), /^Start/);
    const rollout = started(here).find(({ change }) => change !== undefined);
    if (rollout === undefined) throw new Error('not started');
    const world = worldOf(rollout);
    for (const name of nodes) [world.image[name], world.disk[name]] = [newImage, newImage];
    here.control.rollouts.set(rollout.id, { ...rollout, startedAt: tuesday });
    const asked = { verb: 'rollback', target: 'all', dryRun: false } as const;
    expect(asText(await answer(here.context, { actor: 'U0INES', rollout: upgraded.id }, asked))).toMatch(
      /after v2\.0\.0 came the restart of v2\.0\.0/,
    );
    const { rollout: done } = drive(rollout, world, { from: tuesday });
    expect(done.status.is).toBe('done');
    here.control.rollouts.set(done.id, done);
    expect(await run(here, 'U0INES', 'rollback all')).toMatch(/Rolling back everything: 3 nodes/);
    expect(here.control.rollouts.get(upgraded.id)?.status.is).toBe('rolling-back');
  });

  it('says of a rollback that there is nothing to bring back', async () => {
    const here = trial();
    const rollout = await restarting(here);
    const { rollout: done } = drive(rollout, worldOf(rollout), { from: tuesday });
    here.control.rollouts.set(done.id, done);
    expect(await run(here, 'U0INES', 'rollback all')).toMatch(
      /this was a restart, and every node runs what it ran before/,
    );
  });

  it('is planned anew where what runs has changed since it was shown', async () => {
    const here = trial();
    const reply = await runCommand(here.context, 'U0ROSA', 'restart --regions us-east');
    here.control.looks = surveyOf(trialFleet(), { 'us-east-op-1': { version: 'v2.0.0', sha256: newImage } });
    expect(await press(here, 'U0ROSA', reply, /^(Start|Schedule)/)).toMatch(/there are 2|has changed since/);
    expect(started(here)).toEqual([]);
  });

  it.each([
    ['restart v2.0.0', /v2\.0\.0 is too much/],
    ['restart --rehearse', /rehearse/],
    ['restart --regions nowhere', /no region nowhere/],
    ['restart --now', /--reason/],
  ])('refuses `%s`', async (text, reason) => {
    expect(await run(trial(), 'U0ROSA', text)).toMatch(reason);
  });

  it('is for those who may start upgrades, one at a time', async () => {
    const here = trial();
    expect(await run(here, 'U0LU', 'restart')).toMatch(/You may not start upgrades/);
    await restarting(here);
    expect(await run(here, 'U0ROSA', 'restart')).toMatch(/holds the fleet with the restart of v1\.0\.0/);
    expect(started(here)[0]?.release.binarySha256).toBe(oldImage);
  });
});
