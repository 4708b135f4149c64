import { describe, expect, it } from 'vitest';
import type { Inventory, Row } from '../../../src/upgrade/compatibility/index.ts';
import { plan } from '../../../src/upgrade/rollout/index.ts';
import type { NodeSurvey, PlanInput } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, inputOf, newImage, surveyOf } from '../../support/rollouts.ts';

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
