import { describe, expect, it } from 'vitest';
import { createCompatible } from '../../src/jobs/compatible.ts';
import { collect } from '../../src/jobs/evidence.ts';
import type { Inventory, Row } from '../../src/upgrade/compatibility/index.ts';
import { release } from '../support/rollouts.ts';
import { workerParts } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const row = (operator: string, changes: Partial<Row>): Row => ({
  ...{ operator, agent: null, schema: null, from: null, before: null, after: null },
  ...changes,
});
const rows = [
  row('1.1.x', { schema: { min: 1, max: 2 } }),
  row('2.0.x', { agent: '1.1.x - 2.0.x', schema: { min: 2, max: 3 }, from: '1.1.x' }),
];
const found = (agent: string, schema: number): Inventory => ({
  agents: { is: 'told', what: { listed: false, groups: [{ version: agent, count: 1, names: [] }] } },
  schema: { is: 'told', what: schema },
});
const place = {
  region: 'us-east',
  nodes: ['us-east-op-1', 'us-east-op-2'],
  beside: [],
  release,
  before: { 'us-east-op-1': 'v1.1.0' },
};

describe('what a worker finds of versions', () => {
  it('is judged by the answers of all nodes of the region', async () => {
    const asked: string[] = [];
    const ask = async (node: string) => {
      asked.push(node);
      return found(node === 'us-east-op-2' ? 'v1.0.4' : 'v1.1.0', 2);
    };
    expect(await createCompatible(rows, ask)(place)).toEqual({
      is: 'refused',
      reasons: ['v2.0.0 needs agents from v1.1.x; an agent of us-east runs v1.0.4: upgrade its agent first'],
    });
    expect(asked).toEqual(place.nodes);
    expect(await createCompatible(rows, async () => found('v1.1.0', 2))(place)).toEqual({ is: 'compatible' });
  });

  it('tells what cannot be brought back by now', async () => {
    expect(await createCompatible(rows, async () => found('v1.1.0', 3))(place)).toMatchObject({
      is: 'refused',
      noWayBack: {
        versions: ['v1.1.0'],
        reason: expect.stringContaining('v1.1.0 works with schema 1 to 2, and it is 3'),
      },
    });
  });

  it('is a no where nobody answers, and asks nobody where there is no matrix', async () => {
    const silence = { is: 'unknown', reason: 'no answer' } as const;
    const said = await createCompatible(rows, async () => ({ agents: silence, schema: silence }))(place);
    expect(said).toMatchObject({
      is: 'refused',
      reasons: [expect.stringContaining('the agents of us-east could not be asked'), expect.any(String)],
    });
    const nobody = createCompatible(undefined, async () => {
      throw new Error('nobody is asked');
    });
    expect(await nobody(place)).toEqual({ is: 'not wanted' });
  });

  it('is brought to the gates', async () => {
    const parts = workerParts(rig.redis.handle, {
      compatible: async ({ region }) => ({ is: 'refused', reasons: [region] }),
    });
    const { ledger } = rig.control();
    expect(await collect(['compatibility'], place, { ...parts, ledger })).toEqual({
      compatibility: { is: 'refused', reasons: ['us-east'] },
    });
  });

  it('comes with a look for a plan, and with no other', async () => {
    const { worker, control } = rig;
    const survey = workerParts(rig.redis.handle).survey;
    await worker({ surveyForWork: survey, inventory: async () => found('v1.1.0', 2) });
    const where = [{ name: 'us-east-op-1', region: 'us-east' }];
    expect((await control().survey(where, 5_000, 'work'))[0]?.inventory).toEqual(found('v1.1.0', 2));
    expect((await control().survey(where, 5_000))[0]?.inventory).toBeUndefined();
  });
});
