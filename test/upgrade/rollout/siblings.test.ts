import { describe, expect, it } from 'vitest';
import { placeOf, serviceIn } from '../../../src/base/sibling.ts';
import { leftBy } from '../../../src/upgrade/ledger/index.ts';
import {
  approvals,
  backPlan,
  fleetOf as fleetFor,
  gates,
  isLook,
  next,
  nodesInOrder,
  ordersAfter,
  plan,
  releaseOf,
  todo,
  turns,
} from '../../../src/upgrade/rollout/index.ts';
import type { Evidence, Fleet, Rollout, Standing } from '../../../src/upgrade/rollout/types.ts';
import {
  agent,
  agentRelease,
  bothOf,
  fleetOf,
  inputOf,
  noHalt,
  notWanted,
  oldImage,
  quiet,
  release,
  service,
  siblingsOf,
  surveyOf,
  tuesday,
} from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

const always = (changes = {}) => fleetOf({ bake: 60_000, canarySoak: 0, soak: 0, pause: 0, ...changes });
const planOf = (fleet: Fleet, changes = {}): Rollout => plan(inputOf(fleet, { ...bothOf(), ...changes }));
const people = (rollout: Rollout, at: number): Rollout =>
  approvals(rollout).reduce((acc, { id }) => next(acc, { type: 'approved', at, phase: id, by: 'U-ana' }), rollout);

/** Everybody says yes to all that is asked. */
function through(
  rollout: Rollout,
  world: World,
  until?: (rollout: Rollout) => boolean,
): { rollout: Rollout; now: number } {
  let at = { rollout, now: tuesday };
  for (let round = 0; round < 30; round += 1) {
    at = drive(people(at.rollout, at.now), world, { from: at.now + 1, ...(until === undefined ? {} : { until }) });
    if (at.rollout.status.is === 'done' || until?.(at.rollout)) break;
  }
  return at;
}

const isDone = (rollout: Rollout, key: string) =>
  nodesInOrder(rollout).every(({ name, state }) => serviceIn(name) !== key || state.is === 'done');

describe('the plan of two services', () => {
  it('goes through one after the other, each by the strategy and each with its own release and service', () => {
    const rollout = planOf(siblingsOf(always()), { strategy: 'regions' });
    expect(rollout.phases.map(({ id }) => id)).toEqual([
      'stage',
      'nodes/us-east/operator',
      'watch/us-east/operator',
      'approval/eu-west/operator',
      'nodes/eu-west/operator',
      'watch/eu-west/operator',
      'approval/ap-south/operator',
      'nodes/ap-south/operator',
      'watch/ap-south/operator',
      'approval/us-east/agent',
      'nodes/us-east/agent',
      'watch/us-east/agent',
      'approval/eu-west/agent',
      'nodes/eu-west/agent',
      'watch/eu-west/agent',
      'approval/ap-south/agent',
      'nodes/ap-south/agent',
    ]);
    expect(releaseOf(rollout, 'us-east-op-1/operator')).toBe(release);
    expect(releaseOf(rollout, 'us-east-op-1/agent')).toBe(agentRelease);
    expect(rollout.services?.agent).toEqual({ service: agent, release: agentRelease });
  });

  it.each([
    ['rolling', ['nodes/all/operator', 'nodes/all/agent']],
    ['canary-all', ['nodes/canaries/operator', 'nodes/rest/operator', 'nodes/canaries/agent', 'nodes/rest/agent']],
  ] as const)('has parts of their own with %s', (strategy, parts) => {
    expect(turns(planOf(siblingsOf(always()), { strategy })).map(({ id }) => id)).toEqual(parts);
  });

  it('is one of its own where one of them is named alone, in a place or in all', () => {
    const fleet = siblingsOf(always());
    const services = [{ key: 'agent', release: agentRelease, begun: null }];
    const rollout = plan(inputOf(fleet, { release: agentRelease, services, regions: ['us-east'] }));
    expect(Object.keys(rollout.nodes)).toEqual(['us-east-op-1/agent', 'us-east-op-2/agent', 'us-east-op-3/agent']);
    expect([rollout.service, rollout.release, rollout.services]).toEqual([agent, agentRelease, undefined]);
  });

  it('asks for the second one also where one person may begin', () => {
    const rollout = planOf(siblingsOf(always({ oneMayBegin: 'canary' })), { strategy: 'regions' });
    const opened = approvals(rollout).flatMap(({ opens }) => opens);
    expect(opened).not.toContain('nodes/us-east/operator');
    expect(opened).toContain('nodes/us-east/agent');
  });

  it('is as ever where the fleet has one', () => {
    const rollout = plan(inputOf(always()));
    expect(rollout).not.toHaveProperty('services');
    expect(rollout).not.toHaveProperty('blinds');
    expect(Object.keys(rollout.peers)).toEqual(['us-east', 'eu-west', 'ap-south']);
  });

  it('asks of a sibling neither checks nor changes of keys, which are about the first', () => {
    const fleet = {
      ...siblingsOf(always()),
      checks: [],
      config: { secret: [], values: {}, files: null, changes: [{} as never] },
    };
    expect(fleetFor(fleet, 'operator')).toMatchObject({ checks: [], config: { changes: [{}] } });
    expect(fleetFor(fleet, 'agent')).not.toHaveProperty('checks');
    expect(fleetFor(fleet, 'agent').config?.changes).toEqual([]);
  });
});

describe('what two services are to each other', () => {
  it('both arrive, each node on its own release', () => {
    const first = planOf(siblingsOf(always()), { strategy: 'regions' });
    const { rollout } = through(first, worldOf(first));
    expect(rollout.status.is).toBe('done');
    expect(leftBy(rollout)).toMatchObject({
      nodes: {
        'us-east-op-1/operator': { version: 'v2.0.0' },
        'us-east-op-1/agent': { version: 'v1.1.0' },
      },
    });
  });

  it('nothing of the second is begun before all of the first is proven', () => {
    const first = planOf(siblingsOf(always()), { strategy: 'rolling' });
    const world = worldOf(first);
    const { rollout } = through(first, world);
    expect(rollout.status.is).toBe('done');
    const keys = world.starts.map(({ node }) => serviceIn(node));
    expect(keys).toEqual([...Array(9).fill('operator'), ...Array(9).fill('agent')]);
  });

  it('one that fails holds the other, which keeps what it is', () => {
    const first = planOf(siblingsOf(always()), { strategy: 'rolling' });
    const world = worldOf(first);
    world.bad.add('us-east-op-1/agent');
    const { rollout } = through(first, world, ({ nodes }) => nodes['us-east-op-1/agent']?.state.is === 'rolled-back');
    expect(rollout.status.is).toBe('held');
    expect(isDone(rollout, 'operator')).toBe(true);
    expect(rollout.nodes['us-east-op-1/agent']?.state.is).toBe('rolled-back');
    expect(world.image['us-east-op-1/operator']).not.toBe(oldImage);
  });

  it('all goes back in reverse order, what is down of the first one, too', () => {
    const made = planOf(siblingsOf(always()), { strategy: 'rolling' });
    // What is stored may have its keys in any order.
    const first = { ...made, services: Object.fromEntries(Object.entries(made.services ?? {}).reverse()) };
    const world = worldOf(first);
    const { rollout, now } = through(first, world);
    world.starts.length = 0;
    world.down.add('us-east-op-1/operator');
    const asked = { type: 'rollback-asked', at: now + 1, by: 'U1', scope: { is: 'all' }, epoch: now + 1 } as const;
    const back = drive(next(rollout, asked), world, { from: now + 2 }).rollout;
    expect(back.status.is).toBe('rolled-back');
    expect(world.starts.map(({ node }) => serviceIn(node))).toEqual([
      ...Array(9).fill('agent'),
      ...Array(9).fill('operator'),
    ]);
    const said = backPlan(rollout, asked, null).back.map(({ node }) => serviceIn(node.name));
    expect(said).toEqual([...Array(9).fill('agent'), ...Array(9).fill('operator')]);
  });

  it('all goes back where what is down of the first leaves too few of what it blinds', () => {
    const first = planOf(siblingsOf(always(), ['agent']), { strategy: 'rolling' });
    const world = worldOf(first);
    const { rollout, now } = through(first, world);
    world.down.add('us-east-op-1/operator');
    world.down.add('us-east-op-2/operator');
    const asked = { type: 'rollback-asked', at: now + 1, by: 'U1', scope: { is: 'all' }, epoch: now + 1 } as const;
    const back = drive(next(rollout, asked), world, { from: now + 2 }).rollout;
    expect(back.status.is).toBe('rolled-back');
  });

  it('nothing of the first goes back while one of the second waits at its gate', () => {
    const first = planOf(siblingsOf(always()), { strategy: 'rolling' });
    const world = worldOf(first);
    const { rollout, now } = through(first, world);
    const asked = { type: 'rollback-asked', at: now + 1, by: 'U1', scope: { is: 'all' }, epoch: now + 1 } as const;
    const isNext = (each: Rollout, at: number) => todo(each, at).some((task) => !isLook(task));
    const looked = drive(next(rollout, asked), world, { from: now + 2, until: isNext });
    const held = { gates: [], since: looked.now, at: looked.now, times: 1, until: looked.now + 60_000 };
    const nodes = Object.entries(looked.rollout.nodes).map(([name, node]) => [
      name,
      serviceIn(name) === 'agent' ? { ...node, held } : node,
    ]);
    const waiting: Rollout = { ...looked.rollout, nodes: Object.fromEntries(nodes) };
    expect(isNext(looked.rollout, looked.now)).toBe(true);
    expect(isNext(waiting, looked.now)).toBe(false);
  });

  it.each([
    [{ is: 'service', service: 'agent' }, 9, 'agent'],
    [{ is: 'node', node: 'us-east-op-1' }, 2, null],
    [{ is: 'node', node: 'us-east-op-1/agent' }, 1, 'agent'],
    [{ is: 'region', region: 'us-east' }, 6, null],
    [{ is: 'region', region: 'us-east/operator' }, 3, 'operator'],
  ] as const)('%j goes back alone', (scope, count, key) => {
    const first = planOf(siblingsOf(always()), { strategy: 'rolling' });
    const world = worldOf(first);
    const { rollout, now } = through(first, world);
    world.starts.length = 0;
    const asked = { type: 'rollback-asked', at: now + 1, by: 'U1', scope, epoch: now + 1 } as const;
    drive(next(rollout, asked), world, { from: now + 2 });
    expect(world.starts).toHaveLength(count);
    if (key !== null) expect(new Set(world.starts.map(({ node }) => serviceIn(node)))).toEqual(new Set([key]));
  });

  it('an order lets a node do the work of its own service, with its own archive', () => {
    const first = planOf(siblingsOf(always()));
    const orders = ordersAfter(first, { type: 'created', at: tuesday });
    const of = (node: string) =>
      new Set(orders.flatMap((each) => (each.node === node ? [`${each.unit} ${each.archive}`] : [])));
    expect(of('us-east-op-1/agent')).toEqual(new Set([`${agent.unit} ${agentRelease.archiveSha256}`]));
    expect(of('us-east-op-1/operator')).toEqual(new Set([`${service.unit} ${release.archiveSha256}`]));
  });
});

const evidenceWith = (rollout: Rollout, changes: Record<string, Standing>): Evidence => ({
  standing: {
    ...Object.fromEntries(
      Object.values(rollout.peers).flatMap((names) => names.map((name) => [name, 'healthy' as const])),
    ),
    ...changes,
  },
  sight: { down: false, unchanged: true },
  freezes: [],
  alerts: quiet,
  elsewhere: notWanted,
  compatibility: notWanted,
  halt: noHalt,
});

describe('the quorum', () => {
  const quorumOf = (fleet: Fleet, node: string, standing: Record<string, Standing>, key?: string) => {
    const services = key === undefined ? {} : { services: [{ key, release: agentRelease, begun: null }] };
    const rollout = planOf(fleet, { strategy: 'rolling', ...services });
    const staged = drive(rollout, worldOf(rollout), {
      from: tuesday,
      limit: 60,
      until: (r) => r.nodes[node]?.state.is !== 'staging',
    });
    return gates(staged.rollout, node, staged.now, evidenceWith(rollout, standing))
      .filter(({ name }) => name === 'quorum')
      .map(({ reason }) => reason);
  };

  it('is that of its own service alone where nothing is blinded', () => {
    const agentsDown = { 'us-east-op-2/agent': 'down', 'us-east-op-3/agent': 'down' } as const;
    expect(quorumOf(siblingsOf(always()), 'us-east-op-1/operator', agentsDown)).toEqual([]);
    expect(quorumOf(siblingsOf(always()), 'us-east-op-1/operator', { 'us-east-op-2/operator': 'down' })).toEqual([
      'stopping us-east-op-1/operator would leave 1 healthy in us-east/operator, 2 are needed; not healthy: us-east-op-2/operator',
    ]);
  });

  it('counts what is blinded, too', () => {
    expect(
      quorumOf(siblingsOf(always(), ['agent']), 'us-east-op-1/operator', { 'us-east-op-2/agent': 'down' }),
    ).toEqual([
      'stopping us-east-op-1/operator would leave 1 healthy in us-east/agent, 2 are needed; not healthy: us-east-op-2/agent',
    ]);
  });

  it('loses nothing of a sibling that does not serve anyway', () => {
    const down = { 'us-east-op-1/agent': 'down', 'us-east-op-2/agent': 'down' } as const;
    expect(quorumOf(siblingsOf(always(), ['agent']), 'us-east-op-1/operator', down)).toEqual([]);
  });

  it('costs a service nothing where it does not serve anyway, and says who is sick', () => {
    const fleet = siblingsOf(always(), ['agent']);
    const down = { 'us-east-op-1/operator': 'down', 'us-east-op-2/operator': 'down' } as const;
    expect(quorumOf(fleet, 'us-east-op-1/agent', down, 'agent')).toEqual([]);
    expect(quorumOf(fleet, 'us-east-op-3/agent', down, 'agent')).toEqual([
      'stopping us-east-op-3/agent would leave 0 healthy in us-east/agent, 2 are needed; not healthy: us-east-op-1/operator, us-east-op-2/operator',
    ]);
  });

  it('takes the silence of a sibling for no proof that it is down', () => {
    const silent = { 'us-east-op-1/agent': 'unclear', 'us-east-op-2/agent': 'down' } as const;
    expect(quorumOf(siblingsOf(always(), ['agent']), 'us-east-op-1/operator', silent)).toHaveLength(1);
  });

  it('of what is blinded counts only where what blinds it serves', () => {
    const down = { 'us-east-op-2/operator': 'down' } as const;
    expect(quorumOf(siblingsOf(always(), ['agent']), 'us-east-op-1/agent', down, 'agent')).toEqual([
      'stopping us-east-op-1/agent would leave 1 healthy in us-east/agent, 2 are needed; not healthy: us-east-op-2/operator',
    ]);
    expect(quorumOf(siblingsOf(always()), 'us-east-op-1/agent', down, 'agent')).toEqual([]);
  });
});

describe('a service after another one', () => {
  it('begins with one node alone, also where several may be under way', () => {
    const fleet = siblingsOf(always({ atOnce: 3, minimumHealthy: 1 }));
    const first = planOf(fleet, { strategy: 'canary-all' });
    const isUnderWay = ({ state, name }: { state: { is: string }; name: string }) =>
      state.is === 'working' && serviceIn(name) === 'agent';
    let most = 0;
    through(first, worldOf(first), (each) => {
      const agents = nodesInOrder(each);
      const canary = agents.find(({ name }) => serviceIn(name) === 'agent');
      if (canary?.state.is !== 'done') most = Math.max(most, agents.filter(isUnderWay).length);
      return false;
    });
    expect(most).toBe(1);
  });

  it('waits for the proof of its own release, whatever was begun of the first', () => {
    const first = planOf(siblingsOf(always()), { strategy: 'rolling' });
    const begun = through(first, worldOf(first), (each) => isDone(each, 'operator'));
    const unproven = { is: 'unproven', reason: 'v1.1.0 is not proven' } as const;
    const shut = (node: string) =>
      gates(begun.rollout, node, begun.now, { ...evidenceWith(begun.rollout, {}), elsewhere: unproven }).some(
        ({ name }) => name === 'elsewhere',
      );
    expect(shut('us-east-op-1/agent')).toBe(true);
    expect(shut('us-east-op-1/operator')).toBe(false);
  });
});

describe('the matrix, fed by what the fleet runs', () => {
  const row = (operator: string, own: string) => ({
    operator,
    agent: own,
    schema: null,
    from: null,
    before: null,
    after: null,
  });
  const matrix = [row('1.0.x', '1.0.x'), row('2.0.x', '1.0.x - 1.1.x')];
  const fleetWith = (rows = matrix) => ({ ...siblingsOf(always()), compatibility: rows });
  const surveyWith = (fleet: Fleet, version: string) =>
    surveyOf(fleet).map((seen) => (serviceIn(seen.node) === 'agent' ? { ...seen, version } : seen));

  it('lets an operator go where the agents beside it go with it', () => {
    const fleet = fleetWith();
    const alone = { services: bothOf().services?.slice(0, 1) ?? [] };
    expect(() => planOf(fleet, { ...alone, survey: surveyWith(fleet, 'v1.0.3') })).not.toThrow();
    expect(() => planOf(fleet, { ...alone, survey: surveyWith(fleet, 'v0.9.0') })).toThrow(
      /v2\.0\.0 needs agents from v1\.0\.x; us-east-op-1\/agent, us-east-op-2\/agent, us-east-op-3\/agent run v0\.9\.0/,
    );
  });

  it('lets agents go where the operators, as this plan brings them by then, go with them', () => {
    const fleet = fleetWith();
    const survey = surveyWith(fleet, 'v1.0.3');
    expect(() => planOf(fleet, { survey })).not.toThrow();
    const alone = { release: agentRelease, services: [{ key: 'agent', release: agentRelease, begun: null }] };
    expect(() => plan(inputOf(fleet, { ...alone, survey }))).toThrow(
      /v1\.0\.0, which is on .* by then, works with agents v1\.0\.x, not with v1\.1\.0/,
    );
  });
});

it('a place is what is before the slash', () => {
  expect(['us-east', 'us-east/agent'].map(placeOf)).toEqual(['us-east', 'us-east']);
  expect(['us-east', 'us-east/agent'].map(serviceIn)).toEqual([null, 'agent']);
});
