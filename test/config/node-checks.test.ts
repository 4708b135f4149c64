import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { complaints, load, shortest } from './settings.ts';

const withChecks = (...checks: string[]) => `${shortest}checks:\n${checks.map((each) => `  - ${each}\n`).join('')}`;
const problems = (...checks: string[]) =>
  complaints(withChecks(...checks)).map((line) => line.replace(/^zeitwork\.yaml:\d+: checks(?:\[(\d+)\])?/, '$1'));
const errors = 'metrics: /metrics, rate: errors_total, over: 1m, bad: 0.05';

describe('the checks of the settings', () => {
  it('come with addresses of each node and with defaults', () => {
    const { fleet } = load(
      withChecks(
        '{ name: ready, get: /health/ready, at: [node, node], absent: skip, then: rollback }',
        '{ name: nodes, get: "http://{address}:9090/{name}/{region}", that: "length(@) >= `9`", within: 2s }',
        '{ name: errors, metrics: /metrics, rate: [a_total, "b_total{code=\\"500\\"}"], per: c_total, over: 1m, watch: 1, bad: 5 }',
        '{ name: log, journal: err, over: 10m, bad: 5 }',
        '{ name: database, database: DATABASE_URL, query: select 1 }',
        '{ name: disk, command: [/bin/df-check, "{name}"] }',
      ),
    );
    const [ready, nodes, rate, log, database, disk] = fleet.checks ?? [];
    const common = { at: ['watch', 'verify'], absent: 'bad', onBad: 'hold', within: 5_000 };
    expect(ready).toEqual({
      ...common,
      ...{ kind: 'get', name: 'ready', at: ['node'], absent: 'skip', onBad: 'rollback', status: 200, that: null },
      urls: Object.fromEntries([1, 2, 3].map((at) => [`op-${at}`, `http://10.0.0.${at}:8080/health/ready`])),
    });
    expect(nodes).toMatchObject({
      ...{ that: 'length(@) >= `9`', within: 2_000 },
      urls: { 'op-1': 'http://10.0.0.1:9090/op-1/eu-west' },
    });
    expect(rate).toMatchObject({ ...common, kind: 'metrics', over: 60_000, watch: 1, bad: 5 });
    expect(rate).toMatchObject({ rate: [{ name: 'a_total' }, { name: 'b_total' }], per: [{ name: 'c_total' }] });
    expect(log).toEqual({
      ...common,
      kind: 'journal',
      name: 'log',
      priority: 'err',
      over: 600_000,
      watch: null,
      bad: 5,
    });
    expect(database).toEqual({
      ...common,
      ...{ kind: 'database', name: 'database', key: 'DATABASE_URL', query: 'select 1', that: null },
    });
    expect(disk).toEqual({ ...common, kind: 'command', name: 'disk', command: ['/bin/df-check', '{name}'] });
  });

  it('are none where nobody wrote any', () => {
    expect(load(shortest).fleet.checks).toBeUndefined();
  });

  it('that the example shows are accepted', () => {
    const example = readFileSync(resolve(import.meta.dirname, '../../zeitwork.example.yaml'), 'utf8');
    const [, shown = ''] = /\n(# {3}checks:\n(?:# .*\n)+)\n/.exec(example) ?? [];
    const { fleet } = load(shortest + shown.replaceAll(/^# {3}/gm, ''));
    expect(fleet.checks?.map(({ name }) => name)).toEqual(['ready', 'nodes', 'errors', 'log', 'database', 'disk']);
  });

  it.each([
    ['{ name: a }', '0: write one of get, metrics, journal, database, command, and not more of them'],
    [
      '{ name: a, get: /x, journal: err }',
      '0: write one of get, metrics, journal, database, command, and not more of them',
    ],
    ['{ name: a, get: /x, rate: b }', '0.rate: "b" does not go with get; leave it out'],
    ['{ name: a, journal: err, bad: 1 }', '0: journal needs over as well'],
    ['{ name: a, metrics: /m, over: 1m, bad: 1 }', '0: metrics needs rate as well'],
    ['{ name: a, database: X }', '0: database needs query as well'],
    ['{ name: a, journal: err, over: 1m }', '0: has no limit, so that nothing is ever found; write watch, bad or both'],
    [`{ name: a, ${errors}, watch: 0.05 }`, '0.watch: 0.05 is not below bad (0.05)'],
    [
      `{ name: a, at: [node], ${errors.replace('1m', '2m')} }`,
      "0.over: 2m is longer than policy.healthDeadline (1m), and a node's turn waits for no check longer; shorten it, or take node out of at",
    ],
  ])('%s', (check, problem) => {
    expect(problems(check).map((line) => line.replace(/("b" )?does not go/, '"b" does not go'))).toEqual([problem]);
  });

  it.each([
    ['name: A b', 'name'],
    ['that: "length(@"', 'that'],
    ['get: ftp://x/y', 'get'],
    ['within: 1m', 'within'],
    ['at: []', 'at'],
    ['at: [bake]', 'at'],
    ['absent: maybe', 'absent'],
    ['then: panic', 'then'],
    ['status: 99', 'status'],
  ])('that say %s are refused with the key', (change, key) => {
    const check = { name: 'a', get: '/x', [change.split(':')[0] ?? '']: 0 };
    const line = Object.keys(check).map((each) =>
      change.startsWith(`${each}:`) ? change : each === 'name' ? 'name: a' : 'get: /x',
    );
    expect(complaints(withChecks(`{ ${line.join(', ')} }`)).join()).toMatch(new RegExp(`checks\\[0\\]\\.${key}`));
  });

  it.each(['rate: "a b"', 'rate: []', 'bad: 0', 'bad: -1', 'over: 2h', 'watch: "1"'])(
    'of metrics with %s are refused',
    (change) => {
      const key = change.split(':')[0] ?? '';
      const line = `{ name: a, ${errors} }`.replace(
        new RegExp(`${key}: [^,}]*[^,} ]|$`),
        change.includes('watch') ? 'bad: 1, watch: "1"' : change,
      );
      expect(complaints(withChecks(line)).length).toBeGreaterThan(0);
    },
  );

  it('have names of their own, and are not too many', () => {
    expect(problems('{ name: a, get: /x }', '{ name: a, get: /y }')).toEqual([
      '1.name: "a" is used twice; names are unique',
    ]);
    const many = Array.from({ length: 21 }, (_, at) => `{ name: a${at}, get: /x }`);
    expect(problems(...many).join()).toContain('has more than 20 of them');
  });
});
