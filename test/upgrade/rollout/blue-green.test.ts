import { describe, expect, it } from 'vitest';
import { Refused } from '../../../src/base/errors.ts';
import { leftBy } from '../../../src/upgrade/ledger/index.ts';
import {
  balancersDone,
  isAction,
  isLeftSwitched,
  next,
  plan,
  todo,
  touchedNewestFirst,
} from '../../../src/upgrade/rollout/index.ts';
import type { Fleet, Report, Rollout, Slots } from '../../../src/upgrade/rollout/types.ts';
import { fit, fleetOf, hours, inputOf, newImage, surveyOf, tuesday } from '../../support/rollouts.ts';

const slots: Slots = {
  ...{ port: 8081, unit: 'zeitwork-operator-green', binary: '/usr/local/bin/zeitwork-operator-green' },
  ...{ envFile: '/etc/zeitwork/operator-green.env', set: {}, server: '{name}-green', warm: hours(1) },
};
const base = fleetOf();
const fleet: Fleet = {
  ...base,
  service: { ...base.service, slots },
  regions: base.regions.map((region) => ({ ...region, balanced: true })),
};
const planned = (changes: Parameters<typeof inputOf>[1] = {}, of = fleet) =>
  plan(inputOf(of, { strategy: 'blue-green', ...changes }));
const idsOf = (rollout: Rollout) => rollout.phases.map(({ id }) => id);

describe('a plan of blue-green', () => {
  it('has the release beside what serves, a yes, one switch, the old one warm, the nodes, and the way home', () => {
    const rollout = planned({ regions: ['us-east'] });
    expect(idsOf(rollout)).toEqual([
      ...['stage', 'nodes/us-east-green', 'approval/us-east', 'nodes/us-east-lb', 'watch/us-east-lb'],
      ...['nodes/us-east', 'nodes/us-east-lb-home'],
    ]);
    const opens = rollout.phases.flatMap((phase) => (phase.is === 'approval' ? [phase.opens] : []));
    expect(opens).toEqual([['nodes/us-east-lb', 'nodes/us-east', 'nodes/us-east-lb-home']]);
    const paths = rollout.phases.flatMap((phase) => (phase.is === 'nodes' ? [[phase.path, phase.undo]] : []));
    expect(paths[1]).toEqual([['beside'], ['retire']]);
    expect(paths[2]).toEqual([
      ['lb-switch', 'traffic'],
      ['lb-back', 'traffic-back'],
    ]);
    expect(paths[4]).toEqual([['lb-home', 'traffic', 'retire'], []]);
    expect(rollout.nodes['us-east-lb']?.balances).toEqual(['us-east-op-1', 'us-east-op-2', 'us-east-op-3']);
  });

  it('asks before anything of it runs in a later region, and again before its switch', () => {
    const ids = idsOf(planned({ regions: ['us-east', 'eu-west'] }));
    expect(ids.slice(ids.indexOf('nodes/us-east-lb-home') + 1)).toEqual([
      ...['watch/us-east', 'approval/eu-west-green', 'nodes/eu-west-green', 'approval/eu-west', 'nodes/eu-west-lb'],
      ...['watch/eu-west-lb', 'nodes/eu-west', 'nodes/eu-west-lb-home'],
    ]);
  });

  it('leaves out the balancer of a region that runs the release already', () => {
    const onIt = {
      sha256: newImage,
      fitness: { ...fit, seen: fit.seen === null ? null : { ...fit.seen, disk: newImage } },
    };
    const changes = Object.fromEntries((fleet.regions[0]?.nodes ?? []).map(({ name }) => [name, onIt]));
    const rollout = planned({ regions: ['us-east', 'eu-west'], survey: surveyOf(fleet, changes) });
    expect(idsOf(rollout).filter((id) => id.includes('us-east'))).not.toContain('nodes/us-east-lb');
    expect(rollout.nodes['us-east-lb']).toBeUndefined();
    expect(rollout.nodes['eu-west-lb']).toBeDefined();
  });

  it.each<[string, Fleet, RegExp]>([
    ['no second place', { ...fleet, service: base.service }, /write service\.slots/],
    ['no balancer', { ...fleet, regions: base.regions }, /us-east, eu-west, ap-south has none/],
    [
      'a node that is called so',
      {
        ...fleet,
        regions: fleet.regions.map((region, at) =>
          at > 0
            ? region
            : {
                ...region,
                nodes: region.nodes.map((node, index) => (index > 0 ? node : { ...node, name: 'us-east-lb' })),
              },
        ),
      },
      /call it otherwise/,
    ],
  ])('is refused with %s', (_, of, why) => {
    expect(() => planned({ survey: surveyOf(of) }, of)).toThrow(Refused);
    expect(() => planned({ survey: surveyOf(of) }, of)).toThrow(why);
  });
});

it('nothing but a release of whole regions is brought so', () => {
  expect(() => planned({ change: { is: 'restart' } })).toThrow(/brings a release and nothing else/);
  expect(() => planned({ limit: 2 })).toThrow(/leave --nodes out/);
});

/** Plays one region: whatever is due succeeds, and a look finds all well, but for what is said. */
class Played {
  rollout = planned({ regions: ['us-east'] });
  now = tuesday;
  readonly done: string[] = [];
  fails: Record<string, Report> = {};

  until(isThere: (rollout: Rollout) => boolean): void {
    for (let turns = 0; turns < 4_000 && !isThere(this.rollout); turns += 1) this.#step();
    if (!isThere(this.rollout))
      throw new Error(`never: ${this.done.slice(-10).join(', ')}, ${JSON.stringify(this.rollout.status)}`);
  }

  say(event: Parameters<typeof next>[1]): void {
    this.rollout = next(this.rollout, event);
  }

  #step(): void {
    this.now += 1_000;
    this.say({ type: 'ticked', at: this.now });
    for (const task of todo(this.rollout, this.now)) {
      const { run, node, attempt, region } = task;
      if (task.step === 'watch' || task.step === 'prove' || task.step === 'after') {
        const names = [...(this.rollout.peers[region] ?? []), ...balancersDone(this.rollout, region)];
        const seen = Object.fromEntries(
          names.map((name) => [name, { standing: 'healthy', detail: '', proof: 'holds' } as const]),
        );
        this.say({ type: 'watched', at: this.now, run, region, attempt, seen });
        continue;
      }
      if (isAction(task)) throw new Error(`no action is expected: ${task.step}`);
      const { step } = task;
      this.say({ type: 'begun', at: this.now, run, node, step, attempt });
      const proof = { ...{ sha256: newImage, invocation: 'i', mainPid: 1, restarts: 0 }, version: 'v2.0.0', soaked: 0 };
      const before = { version: 'v1.1.0', sha256: 'a'.repeat(64), envSha256: null, invocation: 'o' };
      const report = this.fails[step] ?? { is: 'succeeded', facts: step === 'stage' ? { before } : { proof } };
      this.say({ type: 'reported', at: this.now, run, node, step, attempt, report });
      this.done.push(`${step} ${node}`);
    }
    const asked = this.rollout.phases.find(({ is, state }) => is === 'approval' && state.is === 'active');
    if (asked !== undefined) this.say({ type: 'approved', at: this.now, phase: asked.id, by: 'U-us-east' });
  }
}

const isIn = (phase: string) => (rollout: Rollout) =>
  rollout.phases.some(({ id, state }) => id === phase && state.is === 'active');
const bad: Report = {
  is: 'failed',
  reason: 'of 100 answers through the balancer 3 were v1.1.0',
  retry: false,
  facts: {},
};

describe('blue-green, played', () => {
  it('goes through in this order, and leaves in the ledger what the nodes run', () => {
    const played = new Played();
    played.until(({ status }) => status.is === 'done');
    const order = played.done.filter((each) => !/^(?:stage|backup|cleanup|verify) /.test(each));
    expect(order).toEqual([
      ...['beside us-east-green', 'lb-switch us-east-lb', 'traffic us-east-lb'],
      ...['switch us-east-op-1', 'switch us-east-op-2', 'switch us-east-op-3'],
      ...['lb-home us-east-lb-home', 'traffic us-east-lb-home', 'retire us-east-lb-home'],
    ]);
    const left = leftBy(played.rollout);
    expect(left?.type === 'left' && Object.keys(left.nodes)).toEqual(['us-east-op-1', 'us-east-op-2', 'us-east-op-3']);
  });

  it('restarts no node before the old one was warm for as long as was wanted', () => {
    const played = new Played();
    played.until(isIn('watch/us-east-lb'));
    const since = played.now;
    expect(isLeftSwitched(played.rollout, 'us-east')).toBe(true);
    played.until(() => played.done.some((each) => each.startsWith('switch ')));
    expect(played.now - since).toBeGreaterThanOrEqual(slots.warm);
  });

  it('goes back by itself when clients get something else, and what runs beside stays until it is rolled back', () => {
    const played = new Played();
    played.fails = { traffic: bad };
    played.until(({ status }) => status.is === 'held');
    played.until(({ nodes }) => nodes['us-east-lb']?.state.is === 'rolled-back');
    expect(played.done.slice(-3)).toEqual(['traffic us-east-lb', 'lb-back us-east-lb', 'traffic-back us-east-lb']);
    expect(played.rollout.nodes['us-east-lb']?.touched).toBe(false);
    expect(touchedNewestFirst(played.rollout, { is: 'all' })).toEqual(['us-east-green']);
    played.say({
      type: 'rollback-asked',
      at: played.now,
      by: 'U1',
      scope: { is: 'region', region: 'us-east' },
      epoch: 99,
    });
    played.until(({ nodes }) => nodes['us-east-green']?.state.is === 'rolled-back');
    expect(played.done.at(-1)).toBe('retire us-east-green');
  });

  it('gives the traffic back before what has it is removed, when a rollback is asked for while the old one is warm', () => {
    const played = new Played();
    played.until(isIn('watch/us-east-lb'));
    played.say({ type: 'rollback-asked', at: played.now, by: 'U1', scope: { is: 'all' }, epoch: 99 });
    played.until(({ status }) => status.is === 'rolled-back');
    expect(played.done.slice(-3)).toEqual(['lb-back us-east-lb', 'traffic-back us-east-lb', 'retire us-east-green']);
    expect(played.done.filter((each) => each.startsWith('switch '))).toEqual([]);
  });

  it('is held, and people are called, when the pool is found otherwise', () => {
    const played = new Played();
    played.until(isIn('watch/us-east-lb'));
    const { run, looks, peers } = played.rollout;
    const well = { standing: 'healthy', detail: '', proof: 'holds' } as const;
    const seen = {
      ...Object.fromEntries((peers['us-east'] ?? []).map((name) => [name, well])),
      'us-east-green': well,
      'us-east-lb': {
        ...well,
        proof: 'broken',
        detail: 'the balancer is not as it was left, on lb-1: us-east-op-1 gets traffic',
      } as const,
    };
    played.say({
      type: 'watched',
      at: played.now,
      run,
      region: 'us-east',
      attempt: (looks['us-east']?.count ?? 0) + 1,
      seen,
    });
    expect(played.rollout.status).toMatchObject({
      is: 'held',
      reason: expect.stringContaining('us-east-op-1 gets traffic'),
    });
  });
});
