import { describe, expect, it } from 'vitest';
import { asShownNow } from '../../src/bot/as-shown.ts';
import { asText, runCommand } from '../../src/bot/run.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { emptyLedger } from '../../src/upgrade/ledger/index.ts';
import type { Left } from '../../src/upgrade/ledger/types.ts';
import { next, todo } from '../../src/upgrade/rollout/index.ts';
import type { NodeSurvey, Rollout } from '../../src/upgrade/rollout/types.ts';
import { fitWith, newImage, release, surveyOf, tuesday } from '../support/rollouts.ts';
import { drive, type World, worldOf } from '../support/simulation.ts';
import { press, run } from './acting.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const node = 'eu-west-op-2';
const left: Left = { version: 'v2.0.0', sha256: newImage, envSha256: 'e'.repeat(64), at: tuesday, rollout: 'r0' };
const onNew = { sha256: newImage, version: 'v2.0.0', fitness: fitWith(newImage) };
const seen = (own: Partial<NonNullable<ReturnType<typeof fitWith>['seen']>>): Partial<NodeSurvey> => {
  const fit = fitWith(newImage);
  const fitness = fit.seen === null ? fit : { ...fit, seen: { ...fit.seen, ...own } };
  return { sha256: null, version: null, healthy: false, detail: 'connection refused', unit: 'failed/failed', fitness };
};
const gone = seen({ disk: null, image: null, runs: false, env: false });

function broken(own: Partial<NodeSurvey> = gone, nodes: Record<string, Left> = { [node]: left }): Trial {
  const fleet = trialFleet();
  const looks = surveyOf(fleet).map((each) => ({ ...each, ...onNew, ...(each.node === node ? own : {}) }));
  const here = trial({ fleet, looks });
  here.control.kept = { ...emptyLedger, nodes };
  return here;
}

const started = ({ control }: Trial): Rollout[] => [...control.rollouts.values()];

/** Begun with its button, and the node as it is then. */
async function recovering(here: Trial): Promise<[Rollout, World]> {
  await press(here, 'U0ROSA', await runCommand(here.context, 'U0ROSA', `recover ${node}`), 'Recover');
  const [rollout] = started(here);
  if (rollout === undefined) throw new Error('not started');
  const world = { ...worldOf(rollout), down: new Set([node]) };
  world.image[node] = '';
  world.disk[node] = '';
  return [rollout, world];
}

describe('recover', () => {
  it('answers with a plan and starts nothing', async () => {
    const here = broken();
    expect(await run(here, 'U0ROSA', `recover ${node}`)).toMatchInlineSnapshot(`
      "Plan: eu-west-op-2 gets v2.0.0 back
      From the shelf (zeitwork-operator-v2.0.0.tar.gz), hash as in the ledger (bbbbbbbbbbbb)
      Proven on it last, at 2026-11-24 07:30 UTC, by rollout r0
      It is not healthy now: connection refused. Its /usr/local/bin/zeitwork-operator is gone
      Its environment file is gone: it gets the one that was proven there last, of a backup. Where no backup on the node has it, nothing is changed
      Signed by ana with the key SHA256:KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK
      Made ready beside what lies there, and verified, before anything is replaced; what is replaced is kept aside on the node. Then restarted and proven healthy for 60 s with the right image
      It waits for no window, freeze or alert; at least 2 of its peers must be healthy where it still serves. There is no way back from it: what it ran before was broken
      2 of 2 other nodes of eu-west are healthy now
      Nothing has started yet; this plan can be confirmed for 30 min.
      Recover: zeitwork start r1~1f360ba206d1
      Cancel: zeitwork cancel r1~1f360ba206d1"
    `);
    expect(started(here)).toEqual([]);
  });

  it('starts with its button, and the live message says what it is', async () => {
    const here = broken();
    const plan = await runCommand(here.context, 'U0ROSA', `recover ${node}`);
    expect(await press(here, 'U0ROSA', plan, 'Recover')).toContain(`${node} gets v2.0.0 back`);
    const [rollout] = started(here);
    if (rollout === undefined) throw new Error('not started');
    expect(rollout.recovery).toEqual({ envSha256: 'e'.repeat(64), recordOf: [node], since: tuesday, rollout: 'r0' });
    expect(here.control.kept.begun).toEqual([]);
    const main = posts(rollout).find(({ key }) => key === 'main');
    expect(JSON.stringify(main)).toContain(`*v2.0.0 back* on ${node} of production, from the shelf`);
    const world = { ...worldOf(rollout), down: new Set([node]) };
    world.image[node] = '';
    world.disk[node] = '';
    const { rollout: after } = drive(rollout, world, { from: tuesday });
    expect(JSON.stringify(posts(after))).toContain(`*${node} has v2.0.0 back*, proven`);
    expect(JSON.stringify(posts(after))).not.toMatch(/Roll back/);
  });

  it('that is cancelled starts nothing', async () => {
    const here = broken();
    const plan = await runCommand(here.context, 'U0ROSA', `recover ${node}`);
    await press(here, 'U0ROSA', plan, 'Cancel');
    await expect(press(here, 'U0ROSA', plan, 'Recover')).resolves.toMatch(/This plan is gone/);
    expect(started(here)).toEqual([]);
  });

  it('is for those who may start upgrades, and a plan for the one who asked', async () => {
    const here = broken();
    for (const actor of ['U0LU', 'U0OTTO', 'U0INES'])
      expect(await run(here, actor, `recover ${node}`)).toMatch(/You may not start upgrades|Without a key|Sign with/);
    const plan = await runCommand(here.context, 'U0ROSA', `recover ${node}`);
    expect(await press(here, 'U0INES', plan, 'Recover')).toMatch(/You may not|Ask for your own/);
    expect(started(here)).toEqual([]);
  });

  it('shows a new plan where what lies there has changed since, and starts nothing', async () => {
    const here = broken();
    const plan = await runCommand(here.context, 'U0ROSA', `recover ${node}`);
    const by = (own: Partial<NodeSurvey>) => {
      here.control.looks = here.control.looks.map((each) => (each.node === node ? { ...each, ...own } : each));
    };
    by(seen({ disk: 'f'.repeat(64), image: null, runs: false, env: true }));
    const anew = await press(here, 'U0ROSA', plan, 'Recover');
    expect(anew).toContain('What was shown has changed since');
    expect(anew).toMatch(/one that nobody recorded \(ffffffffffff\): nothing is put in its place before two breakers/);
    expect(anew).toContain('Its own environment file is kept as it is');
    expect(started(here)).toEqual([]);
  });

  it('starts although what runs changes with every restart of a service that crashes', async () => {
    const crashing = seen({ disk: null, env: true });
    const here = broken(crashing);
    const plan = await runCommand(here.context, 'U0ROSA', `recover ${node}`);
    here.control.looks = here.control.looks.map((each) =>
      each.node === node ? { ...each, sha256: newImage, version: 'v2.0.0', unit: 'activating/auto-restart' } : each,
    );
    expect(await press(here, 'U0ROSA', plan, 'Recover')).toContain('gets v2.0.0 back');
  });

  it.each([
    [
      'a node that is not there',
      'recover eu-west-op-9',
      gone,
      { [node]: left },
      /There is no node eu-west-op-9\. Did you mean/,
    ],
    ['no node', 'recover', gone, { [node]: left }, /the node is missing/],
    ['a node that is well', `recover ${node}`, {}, { [node]: left }, /Nothing to do/],
    ['nothing that was ever proven', `recover ${node}`, gone, {}, /nobody knows what it is to run/],
    [
      'what the shelf does not have',
      `recover ${node}`,
      gone,
      { [node]: { ...left, version: 'v1.7.0', sha256: 'd'.repeat(64) } },
      /does not give v1\.7\.0 \(There is no release v1\.7\.0\), and no healthy peer/,
    ],
    [
      'a build that is another one on the shelf',
      `recover ${node}`,
      gone,
      { [node]: { ...left, sha256: 'd'.repeat(64) } },
      /another build/,
    ],
    ['what told no version', `recover ${node}`, gone, { [node]: { ...left, version: null } }, /told no version/],
  ] as const)('is refused for %s', async (_, text, own, nodes, reason) => {
    const here = broken(own, nodes);
    expect(await run(here, 'U0ROSA', text)).toMatch(reason);
    expect(here.control.drafts.size).toBe(0);
  });

  it('is refused where a run that nobody knows here was the last on the node: its record is older than what was there', async () => {
    const here = broken({ ...gone, held: tuesday + 1 });
    expect(await run(here, 'U0ROSA', `recover ${node}`)).toMatch(
      /eu-west-op-2 was last changed by run .*adopt ledger/s,
    );
    expect(here.control.drafts.size).toBe(0);
  });

  it('begins beyond what the nodes knew when somebody adopted them', async () => {
    const here = broken();
    const ahead = tuesday + 365 * 24 * 3_600_000;
    here.control.kept = { ...here.control.kept, epoch: ahead };
    await press(here, 'U0ROSA', await runCommand(here.context, 'U0ROSA', `recover ${node}`), 'Recover');
    expect(started(here)[0]?.epoch).toBeGreaterThan(ahead);
  });

  it('is refused while another rollout holds the fleet, and tells who', async () => {
    const here = broken();
    await press(here, 'U0ROSA', await runCommand(here.context, 'U0ROSA', `recover ${node}`), 'Recover');
    expect(await run(here, 'U0ROSA', 'recover eu-west-op-3')).toMatch(/holds the fleet with v2\.0\.0/);
    expect(await run(here, 'U0ROSA', `upgrade ${release.version}`)).toMatch(/holds the fleet/);
  });

  it('has no way back, and says so wherever one is asked for, once it was begun', async () => {
    const here = broken();
    const [rollout, world] = await recovering(here);
    expect(await run(here, 'U0OTTO', 'rollback all')).toMatch(/Nothing to roll back: .* it has begun nothing/);
    world.bad.add(node);
    const { rollout: held, now } = drive(rollout, world, { from: tuesday });
    const { rollout: over } = drive(next(held, { type: 'stopped', at: now, by: 'U0OTTO' }), world, { from: now });
    expect([held.status.is, over.status.is]).toEqual(['held', 'stopped']);
    for (const each of [held, over]) {
      here.control.rollouts.set(each.id, each);
      for (const text of ['rollback all', `rollback ${node}`, 'rollback', 'rollback all --dry-run'])
        expect(await run(here, 'U0OTTO', text), text).toMatch(/eu-west-op-2 was recovered, and there is no way back/);
    }
  });

  it('promises no way back to whoever pauses or stops it, nor to whoever asks what holds it', async () => {
    const here = broken();
    const [rollout, world] = await recovering(here);
    const isProving = (each: Rollout) => JSON.stringify(each.nodes[node]?.state).includes('"verify"');
    const { rollout: begun, now } = drive(rollout, world, { from: tuesday, until: isProving });
    here.clock.at = now;
    const said: string[] = [];
    for (const text of ['pause', 'stop', 'why']) {
      here.control.rollouts.set(begun.id, begun);
      said.push(await run(here, 'U0OTTO', text));
      const [now = begun] = started(here);
      said.push(JSON.stringify(posts(now)));
    }
    world.bad.add(node);
    const { rollout: held } = drive(begun, world, { from: now });
    here.control.rollouts.set(held.id, held);
    said.push(JSON.stringify(posts(held)), await run(here, 'U0OTTO', 'why'));
    expect(held.status.is).toBe('held');
    for (const text of said) expect(text).not.toMatch(/rolled? back|new version|old one/);
  });

  it('waits for no freeze and no alert, and no message, answer or title says that it does', async () => {
    const here = broken();
    const [rollout, world] = await recovering(here);
    const isReady = (each: Rollout) => each.nodes[node]?.state.is === 'ready';
    const { rollout: ready, now } = drive(rollout, world, { from: tuesday, until: isReady });
    here.control.rollouts.set(ready.id, ready);
    here.clock.at = now;
    const frozen = await run(here, 'U0OTTO', 'freeze eu-west --until 2026-11-28T12:00:00Z --reason audit');
    expect(frozen).toContain('A recovery is under way; no freeze holds that.');
    const shown = await asShownNow(here.context, ready);
    const eu = shown.looks['eu-west'];
    const alerts = { is: 'firing' as const, names: ['Disk'] };
    const elsewhere = { is: 'unproven' as const, reason: 'too young' };
    expect(eu?.freezes).toHaveLength(1);
    const looks = { ...shown.looks, ...(eu === undefined ? {} : { 'eu-west': { ...eu, alerts, elsewhere } }) };
    const told = posts({ ...shown, looks }).map(({ text }) => text);
    const said = [...told, await run(here, 'U0ROSA', 'status'), await run(here, 'U0ROSA', 'why')].join('\n');
    expect(said).not.toMatch(/frozen|waiting until|alerts fired|No (further )?node is begun|28 Nov/);
    expect(todo(ready, now).map(({ step }) => step)).toEqual(['recover']);
    expect(await run(here, 'U0ROSA', 'unfreeze eu-west')).not.toContain('goes on within a minute');
  });

  it('says in the first line of what calls people what still serves there, as it was seen when it was planned', async () => {
    const [rollout, world] = await recovering(broken());
    world.bad.add(node);
    const { rollout: held } = drive(rollout, world, { from: tuesday });
    const wakes = posts(held).filter(({ key }) => /^(?:failed|dm\.held)\./.test(key));
    expect(wakes).toHaveLength(2);
    for (const { text } of wakes) expect(text.split('\n')[0]).toContain('2 of 3 healthy in eu-west');
  });

  it('is from a peer where that is named, and says so to the end', async () => {
    const here = broken();
    const plan = await runCommand(here.context, 'U0ROSA', `recover ${node} --from eu-west-op-3`);
    expect(asText(plan)).toMatch(/From eu-west-op-3, hash as in the ledger[\s\S]*that node is only read/);
    expect(await press(here, 'U0ROSA', plan, 'Recover')).toContain('gets v2.0.0 back');
    const [rollout] = started(here);
    if (rollout === undefined) throw new Error('not started');
    const world = { ...worldOf(rollout), down: new Set([node]) };
    const { rollout: after } = drive(rollout, world, { from: tuesday, limit: 3 });
    expect(JSON.stringify(posts(after))).toContain('from eu-west-op-3, hash as in the ledger');
    expect(JSON.stringify(posts(after))).not.toContain('NOT SIGNED');
    expect(await run(here, 'U0ROSA', `recover ${node} --from eu-west-op-9`)).toMatch(/no node eu-west-op-9/);
  });

  it('as a dry run can be started by nobody', async () => {
    const here = broken();
    const reply = await runCommand(here.context, 'U0ROSA', `recover ${node} --dry-run`);
    expect(asText(reply)).toMatch(/^Dry run: eu-west-op-2 gets v2\.0\.0 back/);
    expect(reply.facts).toMatchObject({ plan: null, rollout: { recovery: { recordOf: [node] } } });
    expect(here.control.drafts.size).toBe(0);
  });
});
