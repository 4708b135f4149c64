import { describe, expect, it } from 'vitest';
import { asText } from '../../../src/bot/run.ts';
import { posts } from '../../../src/bot/views/posts.ts';
import { type Preview, preview } from '../../../src/bot/views/preview.ts';
import { forecast, next, ordersAfter, pathOf, plan, turnOf, turns } from '../../../src/upgrade/rollout/index.ts';
import type {
  Event,
  NodeRun,
  NodeSurvey,
  PlanInput,
  Policy,
  Rollout,
  StepName,
} from '../../../src/upgrade/rollout/types.ts';
import { Refused } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, inputOf, minutes, newImage, oldImage, planned, surveyOf, tuesday } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

const previewOf = (rollout: Rollout, survey: NodeSurvey[]): Preview => ({
  ...{
    rollout,
    survey,
    troubles: [],
    now: tuesday,
    token: null,
    remark: null,
    second: false,
    canary: null,
    night: null,
  },
  elsewhere: { is: 'not wanted' },
  compatible: null,
});

const canary = 'us-east-op-1';
const rehearsing = (changes: Partial<Policy> = {}, input: Partial<PlanInput> = {}): Rollout =>
  planned({ pause: 0, rehearse: 'always', ...changes }, { strategy: 'regions', ...input });
const one = (rollout: Rollout, name = canary): NodeRun => rollout.nodes[name] as NodeRun;
const at =
  (step: StepName, name = canary) =>
  (rollout: Rollout) => {
    const { state } = one(rollout, name);
    return state.is === 'working' && state.step === step;
  };
/** At that step for the second time. */
const again = (step: StepName) => (rollout: Rollout) => at(step)(rollout) && one(rollout).rehearsedAt !== undefined;
const stops = (world: World, name = canary) =>
  world.starts.filter(({ node }) => node === name).map(({ image }) => (image === newImage ? 'new' : 'old'));
const begun = (events: Event[], name = canary): StepName[] =>
  events.flatMap((event) => (event.type === 'begun' && event.node === name ? [event.step] : []));
function until(fits: (rollout: Rollout) => boolean, start = rehearsing()) {
  const world = worldOf(start);
  return { world, ...drive(start, world, { from: tuesday, until: fits }) };
}

describe('when the way back is rehearsed', () => {
  const node = (changes: Partial<Policy>, input: Partial<PlanInput> = {}) =>
    turns(rehearsing(changes, input)).map(({ rehearsal }) => rehearsal?.node ?? null);

  it('on the first node, of majors, always or never; a flag may only want it', () => {
    const minor = { survey: surveyOf(fleetOf()).map((seen) => ({ ...seen, version: 'v2.0.0-rc.1' })) };
    expect(node({ rehearse: 'always' }, minor)).toEqual([canary, null, null]);
    expect(node({ rehearse: 'major' })).toEqual([canary, null, null]);
    expect(node({ rehearse: 'major' }, minor)).toEqual([null, null, null]);
    expect(node({ rehearse: 'never' })).toEqual([null, null, null]);
    expect(node({ rehearse: 'never' }, { rehearse: true })).toEqual([canary, null, null]);
    expect(node({ rehearse: 'major' }, { ...minor, rehearse: true })).toEqual([canary, null, null]);
  });

  it('on a node that is well and has something to go back to', () => {
    const fleet = fleetOf();
    const survey = surveyOf(fleet, { [canary]: { healthy: false }, 'us-east-op-2': { sha256: newImage } });
    expect(node({}, { survey })).toEqual(['us-east-op-3', null, null]);
    expect(node({}, { survey: surveyOf(fleet).map((seen) => ({ ...seen, healthy: false })) })).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('is refused where it was asked for and nobody can do it; where the settings want it, the plan says that there is none', () => {
    const fleet = fleetOf({ rehearse: 'always' });
    const sick = surveyOf(fleet).map((seen) => ({ ...seen, healthy: false }));
    const asked = () => plan(inputOf(fleetOf(), { strategy: 'regions', survey: sick, rehearse: true }));
    expect(asked).toThrow(/^The way back cannot be rehearsed: no node of us-east is healthy/);
    const says = (survey: NodeSurvey[], input: Partial<PlanInput> = {}) =>
      asText(preview(previewOf(plan(inputOf(fleet, { strategy: 'regions', survey, ...input })), survey)));
    expect(says(sick)).toContain('‼ The settings want the way back rehearsed, and it is not');
    expect(says(surveyOf(fleet))).not.toContain('and it is not');
    expect(says(surveyOf(fleet))).toContain('Rehearsal on us-east-op-1 first');
  });

  it('wants a window that it fits into', () => {
    const fleet = fleetOf({ rehearse: 'always' }, { windows: 'guide' });
    const [region] = fleet.regions;
    if (region === undefined) throw new Error('no region');
    region.calendar.windows = [{ days: ['tue'], from: '02:00', to: '02:10' }];
    expect(() => plan(inputOf(fleet, { strategy: 'regions' }))).toThrow(Refused);
    expect(() => plan(inputOf(fleet, { strategy: 'regions' }))).toThrow(/rehearsal of the way back on us-east-op-1/);
  });

  it('counts in the forecast like a way there, back, and there again', () => {
    const end = (rehearse: Policy['rehearse']) => forecast(rehearsing({ rehearse }), 'p50').end ?? 0;
    expect(end('always') - end('never')).toBe(2 * minutes(3));
  });
});

describe('a rehearsal', () => {
  it('goes there, back and there again on one node, then everything goes as ever', () => {
    const start = rehearsing();
    const { world, rollout, events } = until(
      ({ nodes }) => Object.values(nodes).every(({ state }) => state.is === 'done'),
      start,
    );
    const asked = drive(start, worldOf(start), { from: tuesday });
    expect(begun(events)).toEqual([
      'stage',
      'backup',
      'switch',
      'verify',
      'restore',
      'verify-restored',
      'stage',
      'backup',
      'switch',
      'verify',
      'cleanup',
    ]);
    expect(stops(world)).toEqual(['new', 'old', 'new']);
    expect(stops(world, 'us-east-op-2')).toEqual(['new']);
    expect(one(rollout)).toMatchObject({ state: { is: 'done' }, touched: true, rehearsedAt: expect.any(Number) });
    expect(world.starts.every(({ peersLeft }) => peersLeft >= 2)).toBe(true);
    expect(asked.rollout.status.is).not.toBe('held');
  });

  it('is over before anybody is asked for the next part', () => {
    const { rollout } = until(({ phases }) =>
      phases.some((phase) => phase.is === 'approval' && phase.state.is === 'active'),
    );
    expect(one(rollout).rehearsedAt).toBeDefined();
  });

  it.each([true, false])(
    'begins nothing else meanwhile, also where several go at once (the first node is well: %s)',
    (healthy) => {
      const fleet = fleetOf({ pause: 0, rehearse: 'always', atOnce: 3, minimumHealthy: 1 });
      const survey = surveyOf(fleet, { [canary]: { healthy } });
      const start = plan(inputOf(fleet, { strategy: 'rolling', survey }));
      const rehearsed = healthy ? canary : 'us-east-op-2';
      expect(turns(start)[0]?.rehearsal?.node).toBe(rehearsed);
      const { events } = until((rollout) => one(rollout, rehearsed).rehearsedAt !== undefined, start);
      const switched = events.flatMap((event) =>
        event.type === 'begun' && event.step === 'backup' ? [event.node] : [],
      );
      expect(switched).toEqual(healthy ? [canary] : [canary, rehearsed]);
    },
  );

  it('counts as a node that was not begun once it is back: a pause, a freeze or a closed window leaves it there', () => {
    const { world, rollout, now } = until(at('verify-restored'));
    const paused = next(rollout, { type: 'paused', at: now, by: 'U1' });
    const after = drive(paused, world, { from: now, limit: 20 });
    expect(one(after.rollout)).toMatchObject({ state: { is: 'ready' }, touched: false, uncertain: false, proof: null });
    expect(world.image[canary]).toBe(oldImage);
    const resumed = next(after.rollout, { type: 'resumed', at: after.now, by: 'U1' });
    const end = drive(resumed, world, { from: after.now, until: ({ nodes }) => nodes[canary]?.state.is === 'done' });
    // What was staged is used up; the way back is known.
    expect(begun(end.events)).toEqual(['stage', 'backup', 'switch', 'verify', 'cleanup']);
    expect(stops(world)).toEqual(['new', 'old', 'new']);
  });

  it('asks every gate before it stops the node for the second time', () => {
    const { world, rollout, now } = until(again('switch'));
    world.freezes = [{ id: 'f1', start: now - 1, end: now + minutes(60), reason: 'audit', author: 'U1' }];
    const after = drive(rollout, world, { from: now, limit: 6 });
    expect(one(after.rollout)).toMatchObject({ state: { is: 'ready' }, touched: false });
    expect(one(after.rollout).held?.gates.map(({ name }) => name)).toContain('freeze');
    expect(world.image[canary]).toBe(oldImage);
  });

  it('is brought to its end once it is on the new version: only the quorum can keep it from going back', () => {
    const { world, rollout, now } = until(at('restore'));
    world.freezes = [{ id: 'f1', start: now - 1, end: now + minutes(60), reason: 'audit', author: 'U1' }];
    const paused = next(rollout, { type: 'paused', at: now, by: 'U1' });
    const after = drive(paused, world, { from: now, limit: 20 });
    expect(stops(world)).toEqual(['new', 'old']);
    expect(one(after.rollout).state.is).toBe('ready');
  });

  it('waits for the quorum as what it is: changed, and not let go', () => {
    const { world, rollout, now } = until(at('restore'));
    world.silent.add('us-east-op-2');
    const after = drive(rollout, world, { from: now, limit: 4 });
    expect(one(after.rollout)).toMatchObject({
      touched: true,
      state: { is: 'working', direction: 'forward', step: 'restore' },
      held: { gates: [{ name: 'quorum' }] },
    });
    world.silent.clear();
    const end = drive(after.rollout, world, {
      from: after.now,
      until: ({ nodes }) => nodes[canary]?.state.is === 'done',
    });
    expect(stops(world)).toEqual(['new', 'old', 'new']);
    expect(one(end.rollout).state.is).toBe('done');
  });

  it('ends a stop that is asked for in the middle of it on what the node ran before', () => {
    const { world, rollout, now } = until(at('verify'));
    const after = drive(next(rollout, { type: 'stopped', at: now, by: 'U1' }), world, { from: now });
    expect(after.rollout.status.is).toBe('stopped');
    expect(world.image[canary]).toBe(oldImage);
    expect(one(after.rollout).touched).toBe(false);
    const told = posts(after.rollout);
    const ended = told.find(({ key }) => key.startsWith('stopped.'))?.text;
    expect(ended).toContain(`↩ back from its rehearsal: ${canary}, v1.0.0`);
    expect(ended).not.toContain(`not begun: ${canary}`);
    expect(told.find(({ key }) => key.startsWith(`node.${canary}`))?.text).toMatch(
      /^↩ \*us-east-op-1\* runs v1\.0\.0 again, back from its rehearsal, proven at [^;]*$/,
    );
  });

  it.each(['verify', 'restore', 'verify-restored'] as const)(
    'goes back for good when that is asked for at %s',
    (step) => {
      const { world, rollout, now } = until(at(step));
      const asked = next(rollout, { type: 'rollback-asked', at: now, by: 'U1', scope: { is: 'all' }, epoch: 0 });
      const after = drive(asked, world, { from: now });
      expect(after.rollout.status.is).toBe('rolled-back');
      expect(world.image[canary]).toBe(oldImage);
    },
  );

  it('restarts nothing twice when a worker is lost at any step', () => {
    const path = pathOf(turnOf(rehearsing(), canary), canary);
    for (const [index, step] of path.entries()) {
      if (index === 0) continue;
      const isThere = ({ nodes }: Rollout) => {
        const state = nodes[canary]?.state;
        return state?.is === 'working' && state.index === index;
      };
      const { world, rollout, now } = until(isThere);
      const { attempt, state } = one(rollout);
      expect(state).toMatchObject({ step });
      const intent = { type: 'begun', run: rollout.run, node: canary, step, attempt } as const;
      const lost = next(next(rollout, { ...intent, at: now + 1 }), { ...intent, at: now + 5_000 });
      const end = drive(lost, world, { from: now + 5_000, until: ({ nodes }) => nodes[canary]?.state.is === 'done' });
      expect(one(end.rollout).state.is, step).toBe('done');
      expect(stops(world), step).toEqual(['new', 'old', 'new']);
    }
  });

  it('lays no claim to what somebody else installed between its two ways there', () => {
    const { world, rollout, now } = until(again('stage'));
    world.image[canary] = newImage;
    world.disk[canary] = newImage;
    const end = drive(rollout, world, { from: now, until: ({ nodes }) => nodes[canary]?.state.is === 'done' });
    expect(begun(end.events)).toEqual(['stage', 'backup', 'verify', 'cleanup']);
    // What it was before that is not known, so nobody may promise a way back.
    expect(one(end.rollout)).toMatchObject({ state: { is: 'done', already: true }, touched: false });
  });

  it('goes through a drain once: out of service from before the first switch to after the last proof', () => {
    const fleet = fleetOf({ pause: 0, rehearse: 'always' });
    const traffic = { drain: ['/d'], undrain: ['/u'], limit: minutes(1) };
    const start = plan(inputOf({ ...fleet, service: { ...fleet.service, traffic } }, { strategy: 'regions' }));
    const { events, world } = until(({ nodes }) => nodes[canary]?.state.is === 'done', start);
    expect(begun(events).filter((step) => step === 'drain' || step === 'undrain')).toEqual(['drain', 'undrain']);
    expect(world.out.size).toBe(0);
    expect(stops(world)).toEqual(['new', 'old', 'new']);
  });

  it('is allowed by the orders of the turn, and by no other', () => {
    const start = rehearsing();
    const classes = ordersAfter(start, { type: 'created', at: start.createdAt });
    expect(classes.filter(({ node }) => node === canary).map((order) => order.class)).toEqual([
      'stage',
      'change',
      'tidy',
      'return',
    ]);
  });
});

describe('a way back that does not work in its rehearsal', () => {
  const failing = () => {
    const start = rehearsing();
    const world = worldOf(start);
    world.badRestore.set(canary, 1);
    return { world, ...drive(start, world, { from: tuesday }) };
  };

  it('holds all, calls people and says so', () => {
    const { world, rollout } = failing();
    expect(rollout.status).toMatchObject({
      is: 'held',
      node: canary,
      reason: `${canary}: the way back does not work: still sick`,
    });
    expect(one(rollout)).toMatchObject({ touched: true, proof: null, state: { is: 'stuck', step: 'verify-restored' } });
    expect(new Set(world.starts.map(({ node }) => node))).toEqual(new Set([canary]));
    const told = posts(rollout).find(({ key }) => key.startsWith('stuck.'));
    expect(told?.text).toContain('did not come back in the rehearsal');
    expect(told?.text).toContain('the way back does not work: still sick');
  });

  it('is rehearsed again by a retry, from what the node really runs', () => {
    const { world, rollout, now } = failing();
    const retried = next(rollout, { type: 'retried', at: now, by: 'U1', epoch: 0 });
    const end = drive(retried, world, { from: now, until: ({ nodes }) => nodes[canary]?.state.is === 'done' });
    expect(one(end.rollout)).toMatchObject({ state: { is: 'done' }, rehearsedAt: expect.any(Number) });
    expect(stops(world)).toEqual(['new', 'old', 'new', 'old', 'new']);
  });

  it('is what a rollback goes on with', () => {
    const { world, rollout, now } = failing();
    const asked = next(rollout, { type: 'rollback-asked', at: now, by: 'U1', scope: { is: 'all' }, epoch: 0 });
    const after = drive(asked, world, { from: now });
    expect(after.rollout.status.is).toBe('rolled-back');
    expect(stops(world)).toEqual(['new', 'old']);
  });

  it('leaves the ordinary failure of the release as it was: it goes back by itself', () => {
    const start = rehearsing();
    const world = worldOf(start);
    world.bad.add(canary);
    const { rollout } = drive(start, world, { from: tuesday });
    expect(one(rollout).state.is).toBe('rolled-back');
    expect(one(rollout).rehearsedAt).toBeUndefined();
  });
});
