import { describe, expect, it } from 'vitest';
import {
  type Agents,
  holds,
  type Inventory,
  judge,
  type NodeKnown,
  noWayBack,
  type Row,
  type Told,
} from '../../../src/upgrade/compatibility/index.ts';
import { fc } from '../../support/fast-check.ts';

const row = (operator: string, changes: Partial<Row> = {}): Row => ({
  ...{ operator, agent: null, schema: null, from: null, before: null, after: null },
  ...changes,
});

/** The guide's own matrix, and the same with a middle that works with both schemas. */
const one = { min: 1, max: 1 };
const two = { min: 2, max: 2 };
const guide: Row[] = [
  row('1.0.x', { agent: '1.0.x', schema: one }),
  row('1.1.x', { agent: '1.0.x - 1.1.x', schema: one }),
  row('2.0.x', { agent: '1.1.x - 2.0.x', schema: two, from: '1.1.x', before: 2 }),
];
const mended = guide.map((each) => (each.operator === '1.1.x' ? { ...each, schema: { min: 1, max: 2 } } : each));

const agents = (versions: Record<string, string | null>, listed = true): Told<Agents> => ({
  is: 'told',
  what: { listed, groups: Object.entries(versions).map(([name, version]) => ({ version, count: 1, names: [name] })) },
});
const told = (schema: number): Told<number> => ({ is: 'told', what: schema });
const silence = { is: 'unknown', reason: 'connection refused' } as const;

function nodes(version: string | null, inventory: Inventory | null, count = 1): NodeKnown[] {
  return Array.from({ length: count }, (_, at) => ({
    ...{ node: `eu-${at + 1}`, region: 'eu-west', version },
    ...(inventory === null ? {} : { inventory }),
  }));
}
const texts = (rows: Row[], target: string, known: NodeKnown[]) =>
  judge(rows, target, known).refusals.map(({ text }) => text);
const fine: Inventory = { agents: agents({ 'eu-7': 'v1.1.2', 'eu-8': 'v1.1.4' }), schema: told(2) };

describe('a matrix that a version goes with', () => {
  it('refuses nothing, and says what was found', () => {
    const verdict = judge(mended, 'v2.0.0', nodes('v1.1.0', fine, 3));
    expect(verdict).toEqual({ refusals: [], found: ['agents v1.1.2 to v1.1.4 on 3 of 3', 'schema 2'], noReturn: null });
  });

  it('lets a patch follow within its own row, and judges a candidate as what it becomes', () => {
    expect(texts(mended, 'v2.0.1', nodes('v2.0.0', fine))).toEqual([]);
    expect(texts(mended, 'v2.0.0-rc.1', nodes('v1.1.0', fine))).toEqual([]);
  });

  it('asks nothing of what the row does not speak of', () => {
    expect(judge([row('2.0.x')], 'v2.0.0', nodes(null, null))).toEqual({ refusals: [], found: [], noReturn: null });
  });

  it('is not kept by a node that is silent while another lists all agents, nor by one that tells no schema', () => {
    const [first, second] = nodes('v1.1.0', fine, 2);
    const down = { ...second, inventory: { agents: silence, schema: silence } } as NodeKnown;
    expect(judge(mended, 'v2.0.0', [first as NodeKnown, down])).toMatchObject({
      refusals: [],
      found: ['agents v1.1.2 to v1.1.4 on 1 of 2', 'schema 2'],
    });
  });

  it('tells of the migration after it from which nothing comes back', () => {
    const rows = [
      row('1.1.x', { schema: { min: 1, max: 2 } }),
      row('2.0.x', { schema: { min: 2, max: 3 }, before: 2, after: 3 }),
    ];
    expect(judge(rows, 'v2.0.0', nodes('v1.1.0', { schema: told(2) })).noReturn).toBe(
      'the migration after v2.0.0 makes schema 3, which v1.1.0 does not work with: from then on nothing can be brought back to it',
    );
    expect(judge(rows, 'v2.0.1', nodes('v2.0.0', { schema: told(2) })).noReturn).toBeNull();
  });
});

describe('a matrix that a version does not go with', () => {
  const old = (version: string) => ({ ...fine, agents: agents({ 'eu-7': version, 'eu-8': 'v1.1.4' }) });
  it.each<[string, Row[], string, NodeKnown[], string[]]>([
    [
      'an agent is too old',
      mended,
      'v2.0.0',
      nodes('v1.1.0', old('v1.0.4')),
      ['v2.0.0 needs agents from v1.1.x; eu-7 runs v1.0.4: upgrade its agent first'],
    ],
    [
      'an agent is too new',
      mended,
      'v2.0.0',
      nodes('v1.1.0', old('v2.1.0')),
      ['v2.0.0 works with agents up to v2.0.x; eu-7 runs v2.1.0: choose a newer release, or correct agent in its row'],
    ],
    [
      'an agent tells no version',
      mended,
      'v2.0.0',
      nodes('v1.1.0', { ...fine, agents: agents({ 'eu-7': null }) }),
      ['eu-7 does not say a version, and unknown counts as no: look at it'],
    ],
    [
      'nobody could be asked for agents',
      mended,
      'v2.0.0',
      nodes('v1.1.0', { ...fine, agents: silence }, 2),
      [
        'the agents of eu-west could not be asked (connection refused), and unknown counts as no: mend that, see inventory.agent',
      ],
    ],
    [
      'a node that tells of its own agent is silent',
      mended,
      'v2.0.0',
      [
        ...nodes('v1.1.0', { ...fine, agents: agents({}, false) }),
        { node: 'eu-2', region: 'eu-west', version: 'v1.1.0', inventory: { ...fine, agents: silence } },
      ],
      [
        'the agent of eu-2 could not be asked (connection refused), and unknown counts as no: mend that, see inventory.agent',
      ],
    ],
    [
      'a version is skipped',
      mended,
      'v2.0.0',
      nodes('v1.0.3', { ...fine, schema: told(1) }, 4),
      [
        'v1.0.3 -> v2.0.0 skips v1.1.x: upgrade eu-1, eu-2, eu-3 and 1 more to v1.1.x first',
        'v2.0.0 works with schema 2; it is 1: migrate to 2 first',
        'v1.0.3, which runs on eu-1, eu-2, eu-3 and 1 more, works with schema 1, and v2.0.0 wants 2: they cannot run side by side, nor can anything be brought back; upgrade to a version that works with both first',
      ],
    ],
    [
      'the way there is none that is known',
      [row('1.2.x'), row('2.0.x', { from: '1.1.x' })],
      'v2.0.0',
      nodes('v1.2.0', null),
      [
        'v1.2.0 -> v2.0.0 is no way that compatibility knows, only from v1.1.x: choose another version for eu-1, or correct from in its row',
      ],
    ],
    [
      'the schema was not migrated',
      mended,
      'v2.0.0',
      nodes('v1.1.0', { ...fine, schema: told(1) }),
      ['v2.0.0 works with schema 2; it is 1: migrate to 2 first'],
    ],
    [
      'it works with both, and wants the migration before it',
      [row('1.1.x', { schema: { min: 1, max: 2 } }), row('2.0.x', { schema: { min: 1, max: 2 }, before: 2 })],
      'v2.0.0',
      nodes('v1.1.0', { schema: told(1) }),
      ['v2.0.0 wants schema 2 before its first node; it is 1: migrate to 2 first'],
    ],
    [
      'the schema is newer than it',
      mended,
      'v1.1.1',
      nodes('v1.1.0', { ...fine, schema: told(3) }),
      [
        'v1.1.1 works with schema 1 to 2; it is 3: choose a release that works with 3, or correct its row',
        'v1.1.0, which runs on eu-1, works with schema 1 to 2, and it is 3: nothing could be brought back to it; bring the schema back first, or correct the row of v1.1.0',
      ],
    ],
    [
      'what runs does not work with the schema',
      guide,
      'v2.0.0',
      nodes('v1.1.0', fine),
      [
        'v1.1.0, which runs on eu-1, works with schema 1, and it is 2: nothing could be brought back to it; bring the schema back first, or correct the row of v1.1.0',
      ],
    ],
    [
      'nobody could be asked for the schema',
      mended,
      'v2.0.0',
      nodes('v1.1.0', { ...fine, schema: silence }),
      [
        'the version of the schema could not be asked (connection refused), and unknown counts as no: mend that, see inventory.schema',
      ],
    ],
    [
      'two tell of two schemas',
      mended,
      'v2.0.0',
      [
        ...nodes('v1.1.0', fine),
        { node: 'eu-2', region: 'eu-west', version: 'v1.1.0', inventory: { ...fine, schema: told(1) } },
      ],
      [
        'the version of the schema could not be asked (eu-1 tells 2, eu-2 tells 1), and unknown counts as no: mend that, see inventory.schema',
      ],
    ],
    [
      'it stands in no row',
      mended,
      'v3.0.0',
      nodes('v2.0.0', fine),
      ['v3.0.0 stands in no row of compatibility, and unknown counts as no: add a row for it'],
    ],
    [
      'what runs stands in no row',
      mended,
      'v1.1.0',
      nodes('v0.9.0', { agents: agents({ 'eu-7': 'v1.0.0' }), schema: told(1) }),
      ['v0.9.0, which eu-1 runs, stands in no row of compatibility, and unknown counts as no: add a row for it'],
    ],
    [
      'nobody knows what runs',
      mended,
      'v2.0.0',
      nodes(null, fine),
      [
        'eu-1 does not say which version runs there, and unknown counts as no: see verify, and bring it to a known version first',
        'eu-1 does not say which version runs there, and unknown counts as no: see verify, and bring it to a known version first',
      ],
    ],
    [
      'its worker does not ask',
      mended,
      'v2.0.0',
      nodes('v1.1.0', null),
      [
        'the agents of eu-west could not be asked (its worker does not ask, since it is of an older version or its settings name no inventory), and unknown counts as no: mend that, see inventory.agent',
        'the version of the schema could not be asked (its worker does not ask, since it is of an older version or its settings name no inventory), and unknown counts as no: mend that, see inventory.schema',
      ],
    ],
  ])('since %s refuses with the way out', (_, rows, target, known, wanted) => {
    expect(texts(rows, target, known)).toEqual(wanted);
  });

  it("is the guide's own for its own upgrade: no schema lets v1.1 and v2.0 run side by side", () => {
    const start = nodes('v1.1.0', { agents: agents({ 'eu-7': 'v1.1.0' }), schema: told(1) });
    expect(texts(guide, 'v2.0.0', start)).toEqual([
      'v2.0.0 works with schema 2; it is 1: migrate to 2 first',
      'v1.1.0, which runs on eu-1, works with schema 1, and v2.0.0 wants 2: they cannot run side by side, nor can anything be brought back; upgrade to a version that works with both first',
    ]);
    expect(texts(guide, 'v2.0.0', nodes('v1.1.0', fine))).toHaveLength(1);
    expect(texts(mended, 'v2.0.0', nodes('v1.1.0', fine))).toEqual([]);
  });
});

describe('the way back', () => {
  const at = (schema: Told<number>) => [{ node: 'eu-1', inventory: { schema } }];

  it('is not there for a version that the schema excludes', () => {
    expect(noWayBack(guide, ['v1.1.0', 'v1.1.0'], at(told(2)))?.reason).toBe(
      'v1.1.0 works with schema 1, and it is 2: that was the point of no return; go forward with a release that works with 2, bring the schema back first, or correct its row',
    );
  });

  it('is never kept by what nobody knows', () => {
    expect(noWayBack(guide, ['v1.1.0'], at(silence))).toBeNull();
    expect(noWayBack(guide, ['v0.9.0', 'dev'], at(told(2)))).toBeNull();
    expect(noWayBack(guide, ['v1.1.0'], at(told(1)))).toBeNull();
    expect(noWayBack([row('1.1.x')], ['v1.1.0'], at(told(9)))).toBeNull();
  });
});

const schemas = fc
  .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 3 }))
  .map(([min, more]) => ({ min, max: min + more }));
const lines = ['1.0.x', '1.1.x', '2.0.x'];
const span = fc.tuple(fc.nat(2), fc.nat(2)).map(([a, b]) => `${lines[Math.min(a, b)]} - ${lines[Math.max(a, b)]}`);
const version = fc.constantFrom('v1.0.3', 'v1.1.0', 'v2.0.0', 'v0.9.0', null);
const story = fc.record({
  rows: fc.tuple(
    ...lines.map((operator) =>
      fc.record({ agent: span, schema: schemas, from: span }).map((each) => row(operator, each)),
    ),
  ),
  running: fc.array(version, { minLength: 1, maxLength: 4 }),
  agents: fc.array(fc.constantFrom('v1.0.3', 'v1.1.0', 'v2.0.0', 'v2.1.0', null), { minLength: 1, maxLength: 3 }),
  schema: fc.oneof(fc.nat(6).map(told), fc.constant(silence)),
  target: fc.constantFrom('v1.1.5', 'v2.0.5'),
  which: fc.nat(2),
  what: fc.constantFrom('agent', 'schema', 'from'),
  more: fc.record({ below: fc.nat(2), above: fc.nat(2), span }),
});

/** The same range, and more. */
function wider({ rows, which, what, more }: typeof story extends fc.Arbitrary<infer T> ? T : never): Row[] {
  return rows.map((each, at) => {
    if (at !== which || each.schema === null) return each;
    const { min, max } = each.schema;
    if (what === 'schema') return { ...each, schema: { min: Math.max(0, min - more.below), max: max + more.above } };
    const [low, high] = [...(each[what]?.split(' - ') ?? []), ...more.span.split(' - ')]
      .map((line) => lines.indexOf(line))
      .toSorted((a, b) => a - b)
      .filter((_, index, all) => index === 0 || index === all.length - 1);
    return { ...each, [what]: `${lines[low ?? 0]} - ${lines[high ?? 0]}` };
  });
}

describe('a judgement', () => {
  const keys = (
    rows: Row[],
    {
      running,
      agents: all,
      schema,
      target,
    }: Pick<typeof story extends fc.Arbitrary<infer T> ? T : never, 'running' | 'agents' | 'schema' | 'target'>,
  ) => {
    const inventory = { agents: agents(Object.fromEntries(all.map((each, at) => [`a${at}`, each]))), schema };
    const known = running.map((each, at) => ({ node: `n${at}`, region: 'eu', version: each, inventory }));
    return judge(rows, target, known).refusals.map(({ what, about }) => `${what} ${about}`);
  };

  it('is monotone: a wider range never adds a refusal', () => {
    let refused = 0;
    let helped = 0;
    fc.assert(
      fc.property(story, (told) => {
        const before = keys(told.rows, told);
        const after = keys(wider(told), told);
        refused += before.length > 0 ? 1 : 0;
        helped += after.length < before.length ? 1 : 0;
        expect(after.filter((each) => !before.includes(each))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(500);
    expect(helped).toBeGreaterThan(20);
  });

  it('never lets a version go where it says that it does not work', () => {
    fc.assert(
      fc.property(story, (told) => {
        if (keys(told.rows, told).length > 0) return;
        const target = told.rows.find(({ operator }) => holds(operator, told.target));
        const wants = target?.schema;
        if (wants == null || told.schema.is !== 'told') throw new Error('nothing unknown may be let through');
        expect(told.schema.what).toBeGreaterThanOrEqual(wants.min);
        expect(told.schema.what).toBeLessThanOrEqual(wants.max);
        for (const each of told.agents) expect(holds(target?.agent ?? '', each ?? '')).toBe(true);
        for (const each of told.running)
          expect(holds(target?.from ?? '', each ?? '') || holds(target?.operator ?? '', each ?? '')).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
