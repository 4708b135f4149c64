import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Conversation } from '../../support/conversation.ts';
import { type Prober, startProber } from '../../support/prober.ts';
import { type Product, people, startProduct } from '../../support/product.ts';
import { freshFleet, offerRelease, onNode, type RealNode, sayWhyNot, starts } from '../../support/real-fleet.ts';

const why = sayWhyNot('Checklists on the real fleet');

const quick = {
  ...{ soak: '1s', canarySoak: '1s', pause: '200ms', bake: '1s' },
  ...{ watch: '500ms', healthDeadline: '20s', retryDelay: '500ms' },
};
const sign = '/run/noted-in-the-rota';
const settings = {
  checks: [{ name: 'rota', command: ['/usr/bin/test', '-e', sign], at: ['verify'] }],
  checklists: {
    before: [
      { text: 'Release notes read', by: 'person' },
      { text: 'All in the rota', check: 'rota' },
      { text: 'All healthy', check: 'healthy' },
    ],
    during: [{ text: 'Dashboards looked at', by: 'person' }],
    after: [
      { text: 'Status page updated', by: 'person' },
      { text: 'All healthy', check: 'healthy' },
    ],
  },
};
/** The one node that is missing from the rota at first, in the second region. */
const missing = 'eu-west-op-3';

interface Item {
  number: number;
  list: string;
  text: string;
  check: string | null;
  ticked: boolean;
  by: string | null;
  at: string | null;
  says: string | null;
}

describe.skipIf(why !== null)('a checklist, on a real fleet', () => {
  const versions = mkdtempSync(join(tmpdir(), 'zeitwork-checklist-'));
  let nodes: RealNode[] = [];
  let product: Product;
  let talk: Conversation;
  let prober: Prober;
  let since = 0;

  const items = async (): Promise<Item[]> => JSON.parse((await product.shell('checklist', '--json')).out).items;
  const item = async (number: number) => (await items()).find((each) => each.number === number);
  const begun = async (region: string) => {
    const names = nodes.filter((node) => node.region === region).map(({ name }) => name);
    const all = await Promise.all(names.map(async (name) => (await starts(name)).filter((at) => at > since).length));
    return all.reduce((sum, each) => sum + each, 0);
  };
  const ticksIn = async () =>
    (await talk.journal()).flatMap(({ event }) => (event.type === 'item-ticked' ? [`${event.by} ${event.item}`] : []));

  beforeEach(async () => {
    nodes = await freshFleet();
    since = Date.now();
    offerRelease(versions, 'v2.0.0');
    await Promise.all(nodes.map(({ name }) => (name === missing ? null : onNode(name, `touch ${sign}`))));
    product = await startProduct({ nodes, releases: versions, policy: quick, settings });
    talk = new Conversation(product);
    prober = startProber(nodes);
  });
  afterEach(async () => {
    prober.stop();
    await product?.close();
  });
  afterAll(() => rmSync(versions, { recursive: true, force: true }));

  it('holds the first node until a person and a machine have ticked it, each with evidence, then opens by itself', async () => {
    expect(await talk.type('upgrade v2.0.0 --strategy regions --regions us-east,eu-west')).toMatch(
      /\*Checklist\*: 3 to be ticked before the first node, 1 before each part that is approved, 2 asked for at the end/,
    );
    await talk.click('Start');
    expect(await talk.type('tick 2', people.ines.id)).toMatch(/ticked by a machine/);
    expect(await talk.type('tick 1', people.ines.id)).toMatch(/^Ticked: Release notes read/);
    // A machine looks once people have done their part.
    await talk.until('all but the rota is ticked', async () => (await item(3))?.ticked === true, 120_000);
    expect(await item(1)).toMatchObject({ ticked: true, by: people.ines.id, at: expect.stringMatching(/^20.*Z$/) });
    expect(await item(2)).toMatchObject({
      ticked: false,
      check: 'rota',
      says: expect.stringMatching(`^5 of 6; not ${missing}: `),
    });
    expect(await talk.type('why')).toMatch(/checklist: not ticked on the checklist: All in the rota/);
    expect([await begun('us-east'), await begun('eu-west')]).toEqual([0, 0]);

    const touched = Date.now();
    await onNode(missing, `touch ${sign}`);
    await talk.until('the first node is begun', async () => (await begun('us-east')) > 0, 120_000);
    expect(Date.now() - touched).toBeLessThan(100_000);
    const [machine] = (await items()).filter(({ number }) => number === 2);
    expect(machine).toMatchObject({ ticked: true, by: 'rota', says: '6 of 6', at: expect.stringMatching(/^20.*Z$/) });
    await talk.sees(/☑ 2\. All in the rota: 6 of 6 at/);

    await talk.click('Approve eu-west', people.ines.id, 180_000);
    await talk.until(
      'why names the list of that approval',
      async () => /not ticked on the checklist: Dashboards looked at/.test(await talk.type('why')),
      60_000,
    );
    expect([await begun('us-east'), await begun('eu-west')]).toEqual([3, 0]);
    await talk.click('Tick 4: Dashboards looked at');
    await talk.becomes('done', 180_000);
    expect(await begun('eu-west')).toBe(3);
    await talk.click('Tick 5: Status page updated', people.ines.id);
    await talk.sees(/☑ 5\. Status page updated/);
    const all = await items();
    expect(all.map(({ ticked }) => ticked)).toEqual([true, true, true, true, true, true]);
    expect(await ticksIn()).toEqual([
      `${people.ines.id} before.1`,
      `${people.rosa.id} during/eu-west.1`,
      `${people.ines.id} after.1`,
    ]);
    for (const [region, fewest] of Object.entries(prober.fewest())) expect(fewest, region).toBeGreaterThanOrEqual(2);
  });
});
