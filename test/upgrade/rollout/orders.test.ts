import { describe, expect, it } from 'vitest';
import { type Order, ordersAfter, orderText } from '../../../src/upgrade/rollout/index.ts';
import type { Event, NodeRun, Phase, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { planned, recorded } from '../../support/rollouts.ts';

const at = 1_000_000;
const by = 'U2';
const short = (orders: Order[]) => orders.map((order) => `${order.class} ${order.node} ${order.epoch}`);
const made = planned({}, { strategy: 'regions', epoch: 7 });
const [firstRegion = '', secondRegion = ''] = Object.keys(made.peers);
const inRegion = (region: string) =>
  Object.values(made.nodes)
    .filter((node) => node.region === region)
    .map(({ name }) => name);
const approvalOf = (region: string) => `approval/${region}`;

const given = (rollout: Rollout, region: string): Rollout => ({
  ...rollout,
  phases: rollout.phases.map(
    (phase): Phase => (phase.id === approvalOf(region) ? { ...phase, state: { is: 'done', since: at, at } } : phase),
  ),
});

describe('the orders that follow from a decision', () => {
  it('let every node be staged when it is created, and change the first region alone', () => {
    const orders = short(ordersAfter(made, { type: 'created', at }));
    for (const name of Object.keys(made.nodes)) expect(orders).toContain(`stage ${name} 7`);
    const changes = orders.filter((order) => order.startsWith('change '));
    expect(changes).toEqual(inRegion(firstRegion).map((name) => `change ${name} 7`));
  });

  it('let a region be changed by the last approval that it waits for, and no other region', () => {
    const approved = { type: 'approved', at, by, phase: approvalOf(secondRegion) } as const;
    expect(ordersAfter(made, approved)).toEqual([]);
    const changes = short(ordersAfter(given(made, secondRegion), approved)).filter((order) =>
      order.startsWith('change '),
    );
    expect(changes).toEqual(inRegion(secondRegion).map((name) => `change ${name} 7`));
  });

  it('let a new run do what was open, under its own number', () => {
    const again = { ...given(made, secondRegion), run: 2, epoch: 9 };
    const orders = short(ordersAfter(again, { type: 'retried', at, by, epoch: 9 }));
    const open = [...inRegion(firstRegion), ...inRegion(secondRegion)];
    expect(orders.filter((order) => order.startsWith('change '))).toEqual(open.map((name) => `change ${name} 9`));
    expect(orders.every((order) => /^(?:stage|change|tidy) \S+ 9$|^return \S+ 10$/.test(order))).toBe(true);
  });

  it('let what was begun be finished in a new run, and what is out of service go back, when its approval has expired', () => {
    const [one = '', other = '', third = ''] = inRegion(secondRegion);
    const changed = (name: string, changes: Partial<NodeRun>) => ({
      [name]: { ...(made.nodes[name] as NodeRun), ...changes },
    });
    const nodes = {
      ...made.nodes,
      ...changed(one, { touched: true, drained: true }),
      ...changed(other, { drained: true }),
    };
    const orders = short(ordersAfter({ ...made, nodes, run: 2, epoch: 9 }, { type: 'retried', at, by, epoch: 9 }));
    const of = (name: string) => orders.filter((order) => order.split(' ')[1] === name && order.endsWith(' 9'));
    expect(of(one)).toEqual([`stage ${one} 9`, `change ${one} 9`, `return ${one} 9`, `tidy ${one} 9`]);
    expect(of(other)).toEqual([`stage ${other} 9`, `return ${other} 9`]);
    expect(of(third)).toEqual([`stage ${third} 9`]);
  });

  it('let nothing but what was touched go back, to what was recorded', () => {
    const [first = '', second = ''] = Object.keys(made.nodes);
    const { [first]: one, [second]: other } = made.nodes;
    if (!one || !other) throw new Error('no nodes');
    const nodes = {
      ...made.nodes,
      [first]: { ...one, touched: true, before: recorded },
      [second]: { ...other, before: recorded },
    };
    const asked = { type: 'rollback-asked', at, by, scope: { is: 'all' }, epoch: 8 } as const;
    const orders = ordersAfter({ ...made, nodes, epoch: 8 }, asked);
    expect(short(orders)).toEqual([`return ${first} 8`, `tidy ${first} 8`, `return ${first} 9`]);
    expect(orders[0]?.backup).toBe(`${recorded.sha256} ${recorded.envSha256 ?? '-'}`);
  });

  it('let nobody clean up a node but who may change it, for ninety days, and say nothing of what was decided about work on it', () => {
    const foreign = { what: 'environment', sha256: 'f'.repeat(64), version: null } as const;
    const [first] = Object.values(made.nodes);
    if (!first) throw new Error('no node');
    const nodes = { ...made.nodes, [first.name]: { ...first, decided: { foreign, as: 'replace', by } as const } };
    const orders = ordersAfter({ ...made, nodes }, { type: 'created', at });
    const of = (which: Order['class']) => orders.filter((order) => order.class === which);
    expect(of('tidy').map(({ node }) => node)).toEqual(of('change').map(({ node }) => node));
    for (const order of of('tidy'))
      expect(order).toMatchObject({ epoch: 7, decided: null, bytes: null, notAfter: at + 90 * 86_400_000 });
  });

  it('lie with a backup for the way back under the next number, so that what comes late of the run is fenced', () => {
    const lying = ordersAfter(made, { type: 'created', at }).filter(({ class: which }) => which === 'return');
    expect(lying).toHaveLength(Object.keys(made.nodes).length);
    for (const order of lying) expect(order).toMatchObject({ epoch: 8, madeUnder: 7 });
  });

  it('name the work that a person decided about, but for those that lie with a backup; and the size of what may be sent', () => {
    const foreign = { what: 'environment', sha256: 'f'.repeat(64), version: null } as const;
    const [first] = Object.values(made.nodes);
    if (!first) throw new Error('no node');
    const nodes = { ...made.nodes, [first.name]: { ...first, decided: { foreign, as: 'replace', by } as const } };
    const orders = ordersAfter({ ...made, nodes }, { type: 'created', at });
    const decided = orders.filter((order) => order.decided !== null);
    expect([...new Set(decided.map(({ node, epoch }) => `${node} ${epoch}`))]).toEqual([`${first.name} 7`]);
    expect(decided.map(orderText).every((text) => text.includes(`\ndecided replace ${'f'.repeat(64)}\n`))).toBe(true);
    for (const order of orders) expect(/\nbytes \d+\n/.test(orderText(order))).toBe(order.class === 'stage');
  });

  it.each<Event>([
    { type: 'paused', at, by },
    { type: 'stopped', at, by },
    { type: 'ticked', at },
    { type: 'begun', at, run: 1, node: 'us-east-op-1', step: 'switch', attempt: 1 },
  ])('are none for $type', (event) => {
    expect(ordersAfter(made, event)).toEqual([]);
  });

  it.each<[string, Partial<NodeRun>]>([
    [
      'a binary',
      { before: { ...recorded, sha256: `${'a'.repeat(64)}\nnode ap-south-op-1\nrelease ${'6'.repeat(64)}` } },
    ],
    ['an environment file', { before: { ...recorded, envSha256: `-\nclass change\nepoch 99` } }],
    ['no text at all', { before: { ...recorded, envSha256: ['-\nclass change'] as unknown as string } }],
    [
      "somebody's work",
      {
        decided: { foreign: { what: 'binary', sha256: 'f\nunit sshd', version: null }, as: 'replace', by },
      },
    ],
  ])('hold no line that a worker who was taken over reported as the hash of %s', (_, changes) => {
    const [first, second] = Object.values(made.nodes);
    if (!first || !second) throw new Error('no nodes');
    const nodes = { ...made.nodes, [first.name]: { ...first, touched: true, ...changes } };
    for (const decision of [
      { type: 'created', at },
      { type: 'retried', at, by, epoch: 7 },
      { type: 'rollback-asked', at, by, scope: { is: 'all' }, epoch: 8 },
    ] as const) {
      const orders = ordersAfter({ ...made, nodes }, decision);
      for (const order of orders) {
        const keys = orderText(order)
          .trimEnd()
          .split('\n')
          .map((line) => line.split(' ')[0]);
        expect(keys).toEqual([...new Set(keys)]);
        expect(orderText(order)).toContain(`\nnode ${order.node}\n`);
      }
      // Nobody else is kept waiting.
      if (decision.type === 'created') expect(short(orders)).toContain(`stage ${second.name} 7`);
    }
  });

  it('are lines that a shell reads, with the time in seconds', () => {
    const [order] = ordersAfter(made, { type: 'created', at });
    if (!order) throw new Error('no order');
    expect(orderText({ ...order, notAfter: 5_999 })).toMatch(
      /^zeitwork-order 1\nfleet \S+\nrollout \S+\nnode \S+\nunit \S+\nclass stage\nrelease [0-9a-f]{64}\narchive [0-9a-f]{64}\nepoch 7\nmade-under 7\nbackup -\nbytes \d+\nnot-after 5\n$/,
    );
  });
});
