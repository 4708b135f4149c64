import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Redis } from 'ioredis';
import { createLedger, createStore } from '../src/jobs/index.ts';
import { leftBy } from '../src/upgrade/ledger/index.ts';
import { asked, next, plan, todo, unbegunAction } from '../src/upgrade/rollout/index.ts';
import type {
  ActionPhase,
  Aftercare,
  Event,
  NodeTask,
  PlanInput,
  Policy,
  Rollout,
  Unwell,
} from '../src/upgrade/rollout/types.ts';
import { belief } from '../test/support/belief.ts';
import type { Stored } from '../test/support/golden.ts';
import { startTestRedis } from '../test/support/redis.ts';
import { fleetOf, inputOf, minutes, tuesday } from '../test/support/rollouts.ts';
import { apply, drive, failed, intentOf, type World, worldOf } from '../test/support/simulation.ts';

/**
 * Writes test/golden/format-3.json: what this version stores, signed by the keys of the tests. Only while no released version
 * has this format: what a released one stored is never written anew, and a fold that no longer reads it is a mistake.
 */
const out = resolve(import.meta.dirname, '../test/golden/format-3.json');

/** How a rollout went until it was stored. */
class Story {
  readonly events: Event[] = [];
  readonly world: World;
  readonly start: Rollout;
  rollout: Rollout;
  now = tuesday;

  constructor(start: Rollout) {
    this.start = start;
    this.rollout = start;
    this.world = worldOf(start);
  }

  drive(until: (rollout: Rollout, now: number) => boolean = () => false): this {
    const { rollout, now, events } = drive(this.rollout, this.world, { from: this.now, until });
    Object.assign(this, { rollout, now });
    this.events.push(...events);
    return this;
  }

  /** Until `step` is due. */
  upTo(step: NodeTask['step'], node?: string): NodeTask {
    const due = (rollout: Rollout, now: number) =>
      todo(rollout, now).find((task): task is NodeTask => task.step === step && task.node === (node ?? task.node));
    this.drive((rollout, now) => due(rollout, now) !== undefined);
    const task = due(this.rollout, this.now);
    if (task === undefined) throw new Error(`${step} is not due`);
    return task;
  }

  say(event: Event | null): this {
    if (event === null) throw new Error('nothing to say');
    const before = this.rollout;
    this.rollout = apply(before, event, this.events);
    if (this.rollout === before) throw new Error(`${event.type} changes nothing`);
    this.now = event.at;
    return this;
  }

  get later(): number {
    return this.now + 500;
  }
}

function story(
  policy: Partial<Policy>,
  input: Partial<PlanInput>,
  options: { perRegion?: number; drains?: true; aftercare?: Aftercare } = {},
) {
  const fleet = fleetOf({ bake: minutes(3), watch: minutes(1), pause: 0, ...policy }, options);
  const balancer = '/usr/local/sbin/balancer';
  const traffic = { drain: [balancer, 'out', '{name}'], undrain: [balancer, 'in', '{name}'], limit: minutes(5) };
  const service = { ...fleet.service, traffic: options.drains ? traffic : null };
  const { aftercare } = options;
  const after = aftercare === undefined ? {} : { aftercare };
  return new Story(plan(inputOf({ ...fleet, ...after, service }, { regions: ['us-east'], ...input })));
}

const by = 'U1';
const count = ({ nodes }: Rollout, is: string) => Object.values(nodes).filter(({ state }) => state.is === is).length;

const stories: Record<string, () => Story> = {
  'at the gate of the second region, nodes taken out of service around their switch'() {
    const told = story({}, { strategy: 'regions', regions: ['us-east', 'eu-west'] }, { drains: true });
    told.world.slowDrain.set('us-east-op-1', 2);
    return told.drive();
  },
  'canary-all, two at once, a switch begun and not reported'() {
    const told = story({ atOnce: 2 }, { strategy: 'canary-all' }, { perRegion: 5 }).drive();
    const phase = asked(told.rollout)[0]?.id ?? '';
    told.say({ type: 'approved', at: told.later, phase, by: 'U-us-east' });
    told.drive((rollout) => count(rollout, 'working') === 2);
    return told.say(intentOf(told.upTo('switch'), told.later));
  },
  'held, rolled back by itself; somebody decided about their work on another node'() {
    const told = story({}, { strategy: 'rolling' });
    const { run, node, step, attempt } = told.upTo('switch', 'us-east-op-1');
    told.say(intentOf(told.upTo('switch', node), told.later));
    const foreign = { what: 'binary', sha256: 'f'.repeat(64), version: 'v1.0.1' } as const;
    const report = { ...failed('v1.0.1 was installed since', false), facts: { foreign, clean: true } } as const;
    told.say({ type: 'reported', at: told.later, run, node, step, attempt, report } as Event);
    told.say({ type: 'decided', at: told.later, by, node, sha256: foreign.sha256, as: 'replace', epoch: tuesday + 1 });
    told.world.bad.add('us-east-op-2');
    return told.drive();
  },
  'stopping, after a retry'() {
    const told = story({}, { strategy: 'rolling' });
    told.world.bad.add('us-east-op-1');
    told.drive();
    told.world.bad.clear();
    told.say({ type: 'retried', at: told.later, by, epoch: tuesday + 1 });
    told.upTo('verify');
    return told.say({ type: 'stopped', at: told.later, by });
  },
  'in the middle of a rollback of all'() {
    const told = story({}, { strategy: 'rolling' }).drive(({ nodes }) => nodes['us-east-op-3']?.state.is === 'working');
    told.say({ type: 'paused', at: told.later, by }).say({ type: 'resumed', at: told.later, by });
    told.say({ type: 'rollback-asked', at: told.later, by, scope: { is: 'all' }, epoch: tuesday + 2 });
    return told.drive((rollout) => count(rollout, 'rolled-back') === 1);
  },
  'finished, after a freeze that was lifted and an alert that ended'() {
    const told = story({}, { strategy: 'rolling' });
    told.upTo('switch');
    told.world.freezes = [{ id: 'f1', start: tuesday, end: tuesday + minutes(30), reason: 'audit', author: by }];
    told.drive(({ looks }) => looks['us-east']?.freezes?.length === 1);
    told.world.freezes = [];
    told.world.alerts = { is: 'firing', names: ['DiskFull'] };
    told.drive(({ looks }) => looks['us-east']?.alerts?.is === 'firing');
    told.world.alerts = { is: 'quiet' };
    return told.drive();
  },
  'an action is under way, which nothing brings back'() {
    const told = withAction(story({}, { strategy: 'rolling' }));
    told.world.actsFor = 3;
    return told.drive(({ phases }) =>
      phases.some((each) => each.is === 'action' && each.work.state.is === 'working' && each.work.attempt === 3),
    );
  },
  'held: an action failed half-way'() {
    const told = withAction(story({}, { strategy: 'rolling' }));
    told.world.badActs.set('action/migrate', 'half');
    return told.drive();
  },
  'done, and watched since: a node was restarted, a check is bad'() {
    const aftercare = { watch: minutes(30), every: minutes(5), stable: null, keep: 2 };
    const told = story({}, { strategy: 'rolling' }, { aftercare }).drive();
    const runs = { invocation: 'i9', restarts: 1 };
    const bad = { is: 'bad', says: '7 % over 300 s' } as const;
    const restarted: Unwell = {
      node: 'us-east-op-1',
      what: 'service',
      ...bad,
      says: 'was restarted',
      sure: true,
      runs,
    };
    const errors: Unwell = { node: 'us-east-op-2', what: { check: 'errors' }, ...bad };
    const looks: Unwell[][] = [[], [restarted], [], [errors], [errors], [errors]];
    for (const [at, unwell] of looks.entries()) {
      const rates = { errors: { value: 0.001 * at, says: `0.${at} %` } };
      const here = { run: 1, region: 'us-east', attempt: at + 1, unwell, rates };
      told.say({ type: 'looked-after', at: told.now + minutes(5), ...here });
    }
    return told;
  },
};

/** With an action of the whole fleet before its first turn, as a plan of later may have it. */
function withAction({ start }: Story): Story {
  const action: ActionPhase = {
    ...{ id: 'action/migrate', title: 'the migration', state: { is: 'pending' } },
    ...{ is: 'action', action: 'migrate', subject: 'fleet', region: 'us-east', undo: 'refuse' },
    ...{ limit: minutes(15), expected: minutes(5), work: unbegunAction(tuesday) },
  };
  return new Story({ ...start, phases: [action, ...start.phases] });
}

/** As the programs write it, line by line. */
async function store(redis: Redis, { start, events, rollout: end }: Story): Promise<void> {
  const [rollouts, ledger] = [createStore(redis, start.fleet, belief()), createLedger(redis, start.fleet, belief())];
  const { id, requester, release } = start;
  const begun = { version: release.version, sha256: release.binarySha256, by: requester, at: tuesday - 1, rollout: id };
  await ledger.record({ type: 'began', ...begun });
  await rollouts.create(start);
  let rollout = start;
  for (const event of events) {
    rollout = { ...next(rollout, event), revision: rollout.revision + 1 };
    if (!(await rollouts.save(rollout, event))) throw new Error(`${event.type} was not saved`);
  }
  const freeze = { id: 'f1', regions: ['us-east'], start: tuesday, end: tuesday + minutes(30), reason: 'audit' };
  await ledger.record({ type: 'froze', at: tuesday, by, ...freeze });
  await ledger.record({ type: 'unfroze', at: tuesday + minutes(1), by: 'U2', ids: ['f1'] });
  const left = leftBy(end);
  if (left !== null) await ledger.record(left);
}

async function keysIn(redis: Redis): Promise<Stored['keys']> {
  const names = (await redis.keys('*')).sort();
  const read = async (name: string): Promise<Stored['keys'][string]> => {
    switch (await redis.type(name)) {
      case 'hash':
        return { hash: await redis.hgetall(name) };
      case 'list':
        return { list: await redis.lrange(name, 0, -1) };
      case 'set':
        return { set: await redis.smembers(name) };
      case 'zset':
        return { sorted: await redis.zrange(name, '0', '-1', 'WITHSCORES') };
      default:
        return { text: (await redis.get(name)) ?? '' };
    }
  };
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
}

const server = await startTestRedis();
const redis = server.handle.caller;
const written: Stored[] = [];
for (const [name, tell] of Object.entries(stories)) {
  await redis.flushall();
  const told = tell();
  await store(redis, told);
  written.push({ name, now: told.now, keys: await keysIn(redis) });
}
await server.stop();
writeFileSync(out, `[\n${written.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`);
