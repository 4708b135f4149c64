import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { examineCompatibility } from '../../src/doctor/compatibility.ts';
import { createInventory } from '../../src/upgrade/http/index.ts';
import { listening } from '../support/listening.ts';
import { fleetOf, release } from '../support/rollouts.ts';

const { listen, closeAll } = listening();
afterEach(closeAll);

const row = (operator: string) => ({
  operator,
  agent: '1.1.x',
  schema: { min: 1, max: 2 },
  from: null,
  before: null,
  after: null,
});
const nodes = fleetOf().regions.flatMap((region) => region.nodes);

/** The doctor's words, where these nodes have these addresses and the answer is this. */
async function told(operator: string, answer: string, silent: (name: string) => boolean = () => false) {
  const base = await listen(createServer((_, response) => void response.end(answer)));
  const urls = Object.fromEntries(nodes.map(({ name }) => [name, silent(name) ? 'http://127.0.0.1:1/' : base]));
  const inventory = { agents: { urls, select: 'agents' }, schema: { urls, select: 'schema' } };
  const fleet = { ...fleetOf(), compatibility: [row(operator)] };
  const found = await examineCompatibility({ fleet, inventory }, release, createInventory(inventory));
  return found.map(({ is, text }) => `${is}: ${text}`);
}
const whole = '{"agents":["v1.1.0"],"schema":2}';

describe('the doctor and versions that go together', () => {
  it('finds a matrix that knows the newest release, and asks on every node', async () => {
    expect(await told('2.0.x', whole)).toEqual(['right: 1 row, asked on 9 of 9 nodes']);
  });

  it('says that no plan is made for a release that stands in no row', async () => {
    expect(await told('1.1.x', whole)).toEqual([
      'note: v2.0.0 stands in no row of compatibility, so no plan is made for it: add one',
    ]);
  });

  it('names what nobody can say, and whom to ask instead', async () => {
    expect(await told('2.0.x', '{"agents":["v1.1.0"]}')).toEqual([
      'wrong: the schema can be asked on none of 9 nodes: its answer has no version of the schema there; see inventory.schema, since unknown counts as no',
    ]);
    expect(await told('2.0.x', whole, (name) => name === 'eu-west-op-1')).toEqual([
      expect.stringMatching(/^note: agents cannot be asked on eu-west-op-1: .*refused.*; see inventory\.agent$/),
      expect.stringMatching(/^note: the schema cannot be asked on eu-west-op-1/),
    ]);
  });

  it('asks nobody where there is no matrix', async () => {
    const ask = async () => {
      throw new Error('asked');
    };
    const [found] = await examineCompatibility({ fleet: fleetOf(), inventory: null }, release, ask);
    expect(found).toMatchObject({ is: 'note', text: 'nothing is checked (compatibility in the settings)' });
  });
});
