import { describe, expect, it } from 'vitest';
import { mainPost } from '../../../src/bot/views/main.ts';
import type { Inventory, Row } from '../../../src/upgrade/compatibility/index.ts';
import { forecast, gates, next, plan, todo, waitingForPeople, whyWaiting } from '../../../src/upgrade/rollout/index.ts';
import type { Compatibility, NodeSurvey, PlanInput, Rollout } from '../../../src/upgrade/rollout/types.ts';
import {
  fleetOf,
  inputOf,
  minutes,
  newImage,
  noHalt,
  notWanted,
  quiet,
  surveyOf,
  tuesday,
} from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const row = (operator: string, changes: Partial<Row>): Row => ({
  ...{ operator, agent: null, schema: null, from: null, before: null, after: null },
  ...changes,
});
const rows = [
  row('1.0.x', { schema: { min: 1, max: 1 } }),
  row('1.1.x', { schema: { min: 1, max: 2 } }),
  row('2.0.x', { agent: '1.1.x - 2.0.x', schema: { min: 2, max: 3 }, from: '1.1.x', before: 2, after: 3 }),
];
const found = (agent: string, schema: number): Inventory => ({
  agents: { is: 'told', what: { listed: true, groups: [{ version: agent, count: 1, names: ['eu-7'] }] } },
  schema: { is: 'told', what: schema },
});

function planned(
  seen: Partial<NodeSurvey>,
  changes: Partial<PlanInput> = {},
  only: Record<string, Partial<NodeSurvey>> = {},
) {
  const fleet = { ...fleetOf(), compatibility: rows };
  const survey = surveyOf(fleet).map((each) => ({ ...each, ...seen, ...only[each.node] }));
  return plan(inputOf(fleet, { survey, ...changes }));
}

describe('a plan', () => {
  it('is made where the matrix allows it, and where there is none', () => {
    expect(planned({ version: 'v1.1.0', inventory: found('v1.1.0', 2) }).phases.length).toBeGreaterThan(1);
    expect(plan(inputOf(fleetOf())).phases.length).toBeGreaterThan(1);
  });

  it('is refused with all reasons at once, each with the way out', () => {
    expect(() => planned({ version: 'v1.0.3', inventory: found('v1.0.4', 1) })).toThrow(
      'Nothing was started: v2.0.0 does not go with what is there. ' +
        '1. v1.0.3 -> v2.0.0 skips v1.1.x: upgrade us-east-op-1, us-east-op-2, us-east-op-3 and 6 more to v1.1.x first. ' +
        '2. v2.0.0 needs agents from v1.1.x; eu-7 runs v1.0.4: upgrade its agent first. ' +
        '3. v2.0.0 works with schema 2 to 3; it is 1: migrate to 2 first. ' +
        '4. v1.0.3, which runs on us-east-op-1, us-east-op-2, us-east-op-3 and 6 more, works with schema 1, and v2.0.0 wants 2: they cannot run side by side, nor can anything be brought back; upgrade to a version that works with both first.',
    );
  });

  it('is refused where a worker does not ask, also with --now', () => {
    const override = { by: 'U1', reason: 'pager' };
    expect(() => planned({ version: 'v1.1.0' }, { override })).toThrow(
      /agents of us-east could not be asked .* unknown counts as no/,
    );
  });

  it('asks nothing of regions that it leaves out, and of nodes that run the release already nothing of where they came from', () => {
    const old = { version: 'v1.0.3', inventory: found('v1.0.0', 1) };
    const there = Object.fromEntries([1, 2, 3].map((at) => [`ap-south-op-${at}`, old]));
    const seen = { version: 'v1.1.0', inventory: found('v1.1.0', 2) };
    expect(() => planned(seen, {}, there)).toThrow('skips');
    expect(planned(seen, { regions: ['us-east', 'eu-west'] }, there).id).toBeDefined();
    const done = { sha256: newImage, version: 'dev' };
    expect(planned(seen, {}, { 'us-east-op-1': done }).id).toBeDefined();
  });
});

const first = 'us-east-op-1';
const second = 'us-east-op-2';
const old = 'v2.0.0 needs agents from v1.1.x; eu-7 runs v1.0.4: upgrade its agent first';
const refused: Compatibility = { is: 'refused', reasons: [old] };
const fine: Compatibility = { is: 'compatible' };
const shut = { name: 'compatibility', reason: old, owner: 'whoever brings that together', opensAt: null };

function upTo(until: (rollout: Rollout, now: number) => boolean, said: Compatibility, change = {}) {
  const begun = plan(inputOf(fleetOf(), change));
  const world = worldOf(begun);
  world.compatibility = said;
  return { world, ...drive(begun, world, { from: tuesday, limit: 400, until }) };
}
const told = (rollout: Rollout) => rollout.looks['us-east']?.compatibility !== undefined;
const evidence = (rollout: Rollout, compatibility: Compatibility, unchanged = true) => ({
  standing: Object.fromEntries((rollout.peers['us-east'] ?? []).map((name) => [name, 'healthy' as const])),
  sight: { down: false, unchanged },
  ...{ freezes: [], alerts: quiet, halt: noHalt, elsewhere: notWanted, compatibility },
});

describe('what moved since the plan', () => {
  it('holds the first node before any step was tried, says why, and calls people after a minute', () => {
    const { rollout, now, world } = upTo(told, refused);
    expect(whyWaiting(rollout, now)).toEqual([shut]);
    expect(todo(rollout, now)).toEqual([]);
    expect(mainPost(rollout).text).toContain(`No node is begun in us-east: ${old}`);
    const later = drive(rollout, world, { from: now, until: (_, at) => at >= now + minutes(2) });
    expect(waitingForPeople(later.rollout).map(({ what }) => what)).toEqual([`node ${first}`]);
  });

  it('is looked for again, and the rollout goes on when it is brought together', () => {
    const { rollout, now, world } = upTo(told, refused);
    world.compatibility = fine;
    const on = drive(rollout, world, { from: now, until: (each) => each.nodes[first]?.touched === true });
    expect(on.now - now).toBeLessThan(minutes(3));
  });

  it('is not overridden by --now, and asked again right before the stop, whatever the last look was told', () => {
    const override = { by: 'U1', reason: 'pager' };
    const held = upTo(told, refused, { override });
    expect(whyWaiting(held.rollout, held.now)).toEqual([shut]);
    const { rollout, now } = upTo((each, at) => todo(each, at).some(({ step }) => step === 'switch'), fine);
    expect(gates(rollout, first, now, evidence(rollout, refused))).toEqual([shut]);
    expect(gates(rollout, first, now, evidence(rollout, fine))).toEqual([]);
  });

  it('does not hold a region that was begun, and holds the next one', () => {
    const { rollout, now, world } = upTo((each) => each.nodes[first]?.state.is === 'done', fine);
    world.compatibility = refused;
    const on = drive(rollout, world, { from: now, until: (each) => each.nodes[second]?.state.is === 'done' });
    expect(on.rollout.nodes[second]?.state.is).toBe('done');
    expect(mainPost(on.rollout).text).not.toContain('No node is begun in');
    const begun = plan(inputOf(fleetOf({ bake: 0, oneMayBegin: 'anywhere' }), { strategy: 'regions' }));
    const other = worldOf(begun);
    const eu = drive(begun, other, {
      from: tuesday,
      limit: 2_000,
      until: (each) => each.nodes['us-east-op-3']?.state.is === 'done',
    });
    expect(gates(eu.rollout, 'eu-west-op-1', eu.now, evidence(eu.rollout, refused)).map(({ name }) => name)).toContain(
      'compatibility',
    );
  });

  it('keeps nothing from going on that was begun, and nothing from going back', () => {
    const { rollout, now, world } = upTo((each) => each.nodes[first]?.touched === true, fine);
    expect(gates(rollout, first, now, evidence(rollout, refused, false))).toEqual([]);
    world.compatibility = refused;
    const scope = { is: 'all' } as const;
    const asked = next(rollout, { type: 'rollback-asked', at: now, by: 'U1', scope, epoch: 0 });
    expect(drive(asked, world, { from: now }).rollout.status.is).toBe('rolled-back');
  });

  it('is foreseen as if it were brought together', () => {
    const { rollout } = upTo(told, refused);
    const looks = Object.entries(rollout.looks).map(([region, each]) => [region, { ...each, compatibility: fine }]);
    const foreseen = forecast(rollout, 'p50');
    expect(foreseen.end).not.toBeNull();
    expect(foreseen).toEqual(forecast({ ...rollout, looks: Object.fromEntries(looks) }, 'p50'));
  });
});
