import { describe, expect, it } from 'vitest';
import { complaints, edited, load } from './settings.ts';

const withMatrix = (...lines: string[]) => edited('channel: C1', ['channel: C1', ...lines].join('\n'));
const row = (text: string, asks = '') =>
  withMatrix('compatibility:', `  - { ${text} }`, ...(asks === '' ? [] : [`inventory: { ${asks} }`]));
const agents = 'agent: { get: "http://{address}:8080/{region}", select: "[].v" }';
const schema = 'schema: { get: "http://{name}/s", select: version }';

describe('the compatibility matrix of the settings', () => {
  it('is read, with where each node is asked', () => {
    const { fleet, inventory } = load(
      row(
        'operator: 2.0.x, agent: 1.1.x - 2.0.x, schema: [2, 3], from: 1.1.x, before: 2, after: 3',
        `${agents}, ${schema}`,
      ),
    );
    expect(fleet.compatibility).toEqual([
      { operator: '2.0.x', agent: '1.1.x - 2.0.x', schema: { min: 2, max: 3 }, from: '1.1.x', before: 2, after: 3 },
    ]);
    expect(inventory?.agents).toMatchObject({ select: '[].v', urls: { 'op-1': 'http://10.0.0.1:8080/eu-west' } });
    expect(inventory?.schema?.urls['op-3']).toBe('http://op-3/s');
  });

  it('may ask by a path, where the health of each node is asked', () => {
    const written = row('operator: 2.0.x', 'schema: { get: "/api/v1/schema?of={name}", select: version }').replace(
      '{ name: op-2, address: 10.0.0.2 }',
      '{ name: op-2, address: 10.0.0.2, healthUrl: "https://10.0.0.2:9090/up/health" }',
    );
    expect(load(written).inventory?.schema?.urls).toEqual({
      'op-1': 'http://10.0.0.1:8080/api/v1/schema?of=op-1',
      'op-2': 'https://10.0.0.2:9090/api/v1/schema?of=op-2',
      'op-3': 'http://10.0.0.3:8080/api/v1/schema?of=op-3',
    });
    expect(complaints(row('operator: 2.0.x', 'schema: { get: "//elsewhere/s", select: v }'))).toHaveLength(1);
  });

  it('is absent where nothing is written', () => {
    const { fleet, inventory } = load(edited('C1', 'C2'));
    expect('compatibility' in fleet).toBe(false);
    expect(inventory).toBeNull();
  });

  it.each([
    [
      'operator: ^1.0',
      '4: compatibility[0].operator: "^1.0" is not a range of versions; write one like 1.1.x, 2.0.3, or 1.0.x - 1.1.x',
    ],
    [
      'operator: 1.10',
      '4: compatibility[0].operator: 1.1 is not a range of versions; write one like 1.1.x, 2.0.3, or 1.0.x - 1.1.x',
    ],
    [
      'operator: 2.0.x - 1.1.x',
      '4: compatibility[0].operator: "2.0.x - 1.1.x" is not a range of versions; write one like 1.1.x, 2.0.3, or 1.0.x - 1.1.x',
    ],
    [
      'operator: 1.1.x, agent: 1.1.x',
      '4: compatibility[0].agent: nobody could say which one there is; write where to ask under inventory.agent',
    ],
    [
      'operator: 1.1.x, schema: [1, 1]',
      '4: compatibility[0].schema: nobody could say which one there is; write where to ask under inventory.schema',
    ],
    [
      'operator: 1.1.x, schema: [2, 1]',
      '4: compatibility[0].schema: a list is not a range of schemas; write the first and the last one, like [1, 2]',
      schema,
    ],
    [
      'operator: 1.1.x, schema: [1, 2], before: 3',
      '4: compatibility[0].before: 3 is not within the schema that the row works with, 1 to 2',
      schema,
    ],
    [
      'operator: 1.1.x, after: 3',
      '4: compatibility[0].after: is a schema, and the row names none that it works with; write schema',
    ],
    [
      'operator: 1.1.x',
      '5: inventory.agent.select: "[" is not a JMESPath expression; write one like [].agent_version',
      'agent: { get: http://a, select: "[" }',
    ],
    [
      'operator: 1.1.x',
      '5: inventory.agent.get: "http://***@a/" is not an address; write a path like /api/v1/nodes, where health is asked, or a URL without user, in which {address}, {name} or {region} may stand',
      'agent: { get: "http://bob@a/", select: a }',
    ],
  ])('refuses { %s }', (text, complaint, asks = '') => {
    expect(complaints(row(text, asks))).toEqual([`zeitwork.yaml:${complaint}`]);
  });

  it('names the second of two rows that speak of one version, by its line', () => {
    const lines = [
      'compatibility:',
      '  - { operator: 1.0.x }',
      '  - { operator: 1.0.x - 1.1.x }',
      '  - { operator: 1.2.x }',
    ];
    expect(complaints(withMatrix(...lines))).toEqual([
      'zeitwork.yaml:5: compatibility[1].operator: "1.0.x - 1.1.x" and the row before it with "1.0.x" speak of the same versions; a version has one row',
    ]);
  });
});
