import { describe, expect, it } from 'vitest';
import { asText, runCommand } from '../../src/bot/run.ts';
import { isLook, next, todo } from '../../src/upgrade/rollout/index.ts';
import type { NodeSurvey, NodeTask, PlanInput, Rollout } from '../../src/upgrade/rollout/types.ts';
import { fitWith, hours, minutes, newImage, planned, surveyOf, tuesday } from '../support/rollouts.ts';
import { drive, failed, worldOf } from '../support/simulation.ts';
import { type Trial, trial, trialFleet } from './support.ts';

const say = async (here: Trial, actor: string, text: string) => asText(await runCommand(here.context, actor, text));
const tokenIn = (text: string) => /zeitwork start (\S+)/.exec(text)?.[1] ?? '';

/** A run that came after all that the store knows. */
const later = tuesday + hours(3);
const held = (changes: Record<string, Partial<NodeSurvey>>): NodeSurvey[] => surveyOf(trialFleet(), changes);
const europe = held({ 'eu-west-op-1': { held: later } });

describe('a node that was changed by a run which the store does not know', () => {
  it('is named with both runs, and nothing is planned', async () => {
    const here = trial({ looks: europe });
    const reply = await runCommand(here.context, 'U0ROSA', 'upgrade v2.0.0');
    expect(reply.outcome).toBe('refused');
    expect(asText(reply)).toMatch(
      /^Nothing was done: eu-west-op-1 was last changed by run \d+ \(2026-11-24 10:30 UTC\); the newest that is known here is none\. Redis was emptied, .*adopt ledger/s,
    );
    expect([here.control.drafts.size, here.control.rollouts.size]).toEqual([0, 0]);
  });

  it('keeps a plan from being started that was made before it was seen', async () => {
    const here = trial();
    const token = tokenIn(await say(here, 'U0ROSA', 'upgrade v2.0.0'));
    here.control.looks = europe;
    expect(await say(here, 'U0ROSA', `start ${token}`)).toMatch(/^Nothing was done: eu-west-op-1 was last changed by/);
    expect(here.control.rollouts.size).toBe(0);
  });

  it('keeps no other region from being planned, which says so', async () => {
    const here = trial({ looks: europe });
    const plan = await say(here, 'U0ROSA', 'upgrade v2.0.0 --regions us-east');
    expect(tokenIn(plan)).not.toBe('');
    expect(plan).toMatch(/a run changed it that is not known here/);
  });

  it('is told by verify, which is not right then, and by status', async () => {
    const here = trial({ looks: europe });
    const found = await runCommand(here.context, 'U0ROSA', 'verify');
    expect(found).toMatchObject({ outcome: 'wrong', facts: { right: false } });
    expect(asText(found)).toMatch(/^✗ 1 thing not right:\n‼ The store forgot something: eu-west-op-1/);
    expect(await say(here, 'U0ROSA', 'status')).toMatch(/The store forgot something: eu-west-op-1/);
  });

  it('lets nothing go on that was put back with the store; going back is not kept waiting', async () => {
    const { here, rollout } = failing();
    here.control.looks = surveyOf(here.context.fleet, { 'ap-south-op-3': { held: rollout.epoch + hours(1) } });
    expect(await say(here, 'U0ROSA', 'retry')).toMatch(/^Nothing was done: ap-south-op-3/);
    const back = await say(here, 'U0ROSA', 'rollback us-east');
    expect(back).toMatch(/^Rolling back/);
    expect(back).toMatch(/The store forgot something: ap-south-op-3/);
  });

  it('keeps a finished rollout from going back, and its dry run says so', async () => {
    const here = trial();
    const begin = planned({ pause: 0, bake: 0 }, { strategy: 'rolling' });
    const { rollout } = drive(begin, worldOf(begin), { from: tuesday });
    expect(rollout.status.is).toBe('done');
    here.control.rollouts.set(rollout.id, rollout);
    const onNew = surveyOf(here.context.fleet).map((each) => ({ ...each, sha256: newImage, version: 'v2.0.0' }));
    here.control.looks = onNew.map((each) =>
      each.node === 'us-east-op-1' ? { ...each, held: rollout.epoch + hours(1) } : each,
    );
    expect(await say(here, 'U0ROSA', 'rollback us-east --dry-run')).toMatch(
      /would be refused.*us-east-op-1 was last changed/s,
    );
    expect(await say(here, 'U0ROSA', 'rollback us-east')).toMatch(/^Nothing was done: us-east-op-1 was last changed/);
  });

  it('lets nothing go on that is paused either, and it may be stopped', async () => {
    const here = trial();
    const rollout = planned();
    here.control.rollouts.set(rollout.id, rollout);
    expect(await say(here, 'U0ROSA', 'pause')).toMatch(/^Paused/);
    here.control.looks = surveyOf(here.context.fleet, { 'ap-south-op-3': { held: rollout.epoch + hours(1) } });
    expect(await say(here, 'U0ROSA', 'resume')).toMatch(/^Nothing was done: ap-south-op-3/);
    expect(await say(here, 'U0ROSA', 'stop')).toMatch(/^Stopped/);
  });

  it('keeps no rollout of other regions from going on', async () => {
    const here = trial();
    const rollout = planned({}, { regions: ['us-east'] });
    here.control.rollouts.set(rollout.id, rollout);
    expect(await say(here, 'U0ROSA', 'pause')).toMatch(/^Paused/);
    here.control.looks = surveyOf(here.context.fleet, { 'ap-south-op-3': { held: 9_999_999_999_999 } });
    expect(await say(here, 'U0ROSA', 'resume')).toBe('Resumed.');
    const { here: again, rollout: failed } = failing({ regions: ['us-east'] });
    again.control.looks = surveyOf(again.context.fleet, { 'ap-south-op-3': { held: failed.epoch + hours(1) } });
    expect(await say(again, 'U0ROSA', 'retry')).toMatch(/^Trying again/);
  });

  it.each([['switch'], ['restore']] as const)(
    "lets nothing go on over somebody's work either, found at %s, but a way back",
    async (step) => {
      const here = trial();
      const rollout = foundAt(step);
      here.control.rollouts.set(rollout.id, rollout);
      here.control.looks = surveyOf(here.context.fleet, { 'ap-south-op-3': { held: rollout.epoch + hours(1) } });
      const reply = await say(here, 'U0INES', `replace us-east-op-1 ${'d'.repeat(12)}`);
      expect(reply).toMatch(step === 'switch' ? /^Nothing was done: ap-south-op-3/ : /^Putting .* aside/);
    },
  );

  it('is none where it was only brought back by hand since, or where the run is the newest that is known', async () => {
    const { here, rollout } = failing();
    const one = { held: rollout.epoch };
    const returned = { held: rollout.epoch + 2 };
    here.control.looks = surveyOf(here.context.fleet, { 'us-east-op-1': returned, 'us-east-op-2': one });
    expect(await say(here, 'U0ROSA', 'verify')).not.toMatch(/forgot/);
    expect(await say(here, 'U0ROSA', 'retry')).toMatch(/^Trying again/);
  });

  it('is planned for once somebody adopted what the nodes are, with a number beyond all that they know', async () => {
    // Its clock was ahead by a month, or that of whoever decided.
    const ahead = tuesday + hours(24 * 30);
    const here = trial({ looks: held({ 'eu-west-op-1': { held: ahead } }) });
    here.control.kept = { ...here.control.kept, epoch: ahead };
    const token = tokenIn(await say(here, 'U0ROSA', 'upgrade v2.0.0'));
    expect(await say(here, 'U0ROSA', `start ${token}`)).toMatch(/under way/);
    const [started] = here.control.rollouts.values();
    expect(started?.epoch).toBeGreaterThan(ahead);
  });
});

describe('a recovery over a ledger that a run is missing from', () => {
  const node = 'eu-west-op-2';
  const left = { version: 'v2.0.0', sha256: newImage, envSha256: 'e'.repeat(64), at: tuesday, rollout: 'r0' };
  /** It lost its binary; the others run what the ledger has of it. */
  const broken = (changes: Record<string, Partial<NodeSurvey>>, epoch = 0): Trial => {
    const on = { sha256: newImage, version: 'v2.0.0', fitness: fitWith(newImage) };
    const { seen } = fitWith(newImage);
    const fitness = { ...fitWith(newImage), seen: seen === null ? null : { ...seen, disk: null, runs: false } };
    const gone = { sha256: null, version: null, healthy: false, unit: 'failed/failed', fitness };
    const looks = held(changes).map((each) => ({ ...each, ...on, ...(each.node === node ? gone : {}) }));
    const here = trial({ looks });
    here.control.kept = { ...here.control.kept, epoch, nodes: { [node]: left } };
    return here;
  };

  it('is not planned where its region knows of that run, nor started: what the ledger says was proven is older', async () => {
    const here = broken({ [node]: { held: later } });
    expect(await say(here, 'U0ROSA', `recover ${node}`)).toMatch(/^Nothing was done: eu-west-op-2 was last changed by/);
    expect(here.control.drafts.size).toBe(0);
    const planned = broken({});
    const token = tokenIn(await say(planned, 'U0ROSA', `recover ${node}`));
    planned.control.looks = planned.control.looks.map((each) =>
      each.node === 'eu-west-op-1' ? { ...each, held: later } : each,
    );
    expect(await say(planned, 'U0ROSA', `start ${token}`)).toMatch(/^Nothing was done: eu-west-op-1/);
    expect(planned.control.rollouts.size).toBe(0);
    expect(tokenIn(await say(broken({ 'us-east-op-1': { held: later } }), 'U0ROSA', `recover ${node}`))).not.toBe('');
  });

  it('has a number beyond all that nodes knew when they were adopted, or the node would take no command of it', async () => {
    const ahead = tuesday + hours(24 * 30);
    const here = broken({ [node]: { held: ahead } }, ahead);
    const token = tokenIn(await say(here, 'U0ROSA', `recover ${node}`));
    expect(await say(here, 'U0ROSA', `start ${token}`)).toMatch(/gets v2\.0\.0 back/);
    const [started] = here.control.rollouts.values();
    expect(started?.epoch).toBeGreaterThan(ahead);
  });
});

/** Held, since somebody's binary lies where the first node is to be switched, or restored. */
function foundAt(wanted: 'switch' | 'restore'): Rollout {
  const start = planned({ pause: 0 });
  const world = worldOf(start);
  if (wanted === 'restore') world.bad.add('us-east-op-1');
  const due = (rollout: Rollout, now: number) =>
    todo(rollout, now).find((task): task is NodeTask => !isLook(task) && task.step === wanted);
  const { rollout, now: at } = drive(start, world, {
    from: tuesday,
    until: (each, now) => due(each, now) !== undefined,
  });
  const task = due(rollout, at);
  if (task === undefined) throw new Error(`no ${wanted} is due`);
  const { run, node, step, attempt } = task;
  const foreign = { what: 'binary', sha256: 'd'.repeat(64), version: 'v2.1.0' } as const;
  const report = { ...failed('somebody was here', false), facts: { foreign, clean: wanted === 'switch' } };
  const begun = next(rollout, { type: 'begun', at, run, node, step, attempt });
  return next(begun, { type: 'reported', at, run, node, step, attempt, report });
}

/** A rollout that holds after a node failed. */
function failing(input: Partial<PlanInput> = {}): { here: Trial; rollout: Rollout } {
  const start = planned({ pause: 0 }, input);
  const world = worldOf(start);
  const two = drive(start, world, { from: tuesday, until: ({ nodes }) => nodes['us-east-op-1']?.state.is === 'done' });
  world.bad.add('us-east-op-2');
  const { rollout, now } = drive(two.rollout, world, {
    from: two.now,
    until: ({ status, nodes }) =>
      status.is === 'held' && Object.values(nodes).every(({ state }) => state.is !== 'working'),
  });
  const here = trial();
  here.control.rollouts.set(rollout.id, rollout);
  here.clock.at = now + minutes(1);
  return { here, rollout };
}
