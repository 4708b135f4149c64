import { asked, isAction, isLook, isOpen, next, nextWake, nodeOf, todo } from '../../src/upgrade/rollout/index.ts';
import type { Event, Policy, Report, Rollout, Seen, StrategyName, Task } from '../../src/upgrade/rollout/types.ts';
import { fc } from './fast-check.ts';
import { minutes, recorded } from './rollouts.ts';

/** How long everything takes in a fleet in which nothing fails. */
export interface Pacing {
  policy: Partial<Policy>;
  strategy: StrategyName;
  /** Usual milliseconds of a step, of a look at a region, and until a worker takes something up. */
  step: Record<string, number>;
  look: number;
  queue: number;
  /** How many times as long all takes in the last region. */
  slow: number;
  /** Numbers between 0.8 and 1.2, one after another, over and over. */
  luck: number[];
}

const ms = (min: number, max: number) => fc.integer({ min, max });
export const aWorld: fc.Arbitrary<Pacing> = fc.record({
  policy: fc.record({
    pause: ms(0, 20_000),
    bake: ms(0, 120_000),
    soak: ms(2_000, 30_000),
    canarySoak: ms(2_000, 60_000),
  }),
  strategy: fc.constantFrom<StrategyName>('rolling', 'regions', 'canary-all'),
  step: fc.record({
    stage: ms(500, 60_000),
    backup: ms(200, 3_000),
    switch: ms(500, 20_000),
    verify: ms(500, 20_000),
    cleanup: ms(200, 2_000),
  }),
  look: ms(50, 1_500),
  queue: ms(10, 300),
  slow: fc.constant(3),
  luck: fc.array(fc.double({ min: 0.8, max: 1.2, noNaN: true }), { minLength: 50, maxLength: 97 }),
});

/** Plays a rollout to its end with workers that need that long; whoever is asked approves at once. */
export function playedBy(begin: Rollout, world: Pacing): Rollout {
  let rollout = begin;
  let now = begin.createdAt;
  let drawn = begin.createdAt / minutes(1);
  const chance = () => world.luck[drawn++ % world.luck.length] ?? 1;
  const going: { at: number; event: (at: number) => Event; id: string }[] = [];
  const taken = new Set<string>();
  const last = Object.keys(begin.peers).at(-1);
  const needs = (task: Task) => {
    const usual = isLook(task) ? world.look : (world.step[task.step] ?? 0);
    const { soak, canarySoak } = rollout.policy;
    const first = Object.values(rollout.nodes).find(({ region }) => region === task.region)?.name === task.node;
    const watched = task.step === 'verify' ? (first ? canarySoak : soak) : 0;
    return usual * (task.region === last ? world.slow : 1) * chance() + watched;
  };
  const take = (task: Task) => {
    taken.add(task.id);
    const begins = now + world.queue * chance();
    const ends = begins + needs(task);
    if (isLook(task)) {
      going.push({ id: task.id, at: ends, event: (at) => lookOf(rollout, task, at) });
      return;
    }
    if (isAction(task)) throw new Error('a night of nodes has no action');
    const { run, node, step, attempt } = task;
    const soaked = step === 'verify' ? soakOf(rollout, node) : 0;
    going.push({ id: task.id, at: begins, event: (at) => ({ type: 'begun', at, run, node, step, attempt }) });
    going.push({
      id: task.id,
      at: ends,
      event: (at) => ({ type: 'reported', at, run, node, step, attempt, report: success(step, soaked) }),
    });
  };
  for (let count = 0; isOpen(rollout); count++) {
    if (count > 20_000) throw new Error('it does not come to an end');
    for (const task of todo(rollout, now)) if (!taken.has(task.id)) take(task);
    const [phase] = asked(rollout);
    if (phase !== undefined) {
      rollout = next(rollout, { type: 'approved', at: now, phase: phase.id, by: 'U-approver' });
      continue;
    }
    const wake = nextWake(rollout, now) ?? Number.POSITIVE_INFINITY;
    going.sort((a, b) => a.at - b.at);
    const [first] = going;
    if (first !== undefined && first.at <= wake) {
      going.shift();
      now = Math.max(now, Math.round(first.at));
      rollout = next(rollout, first.event(now));
      // One that was not due any more when it was taken up is asked for again.
      if (!going.some(({ id }) => id === first.id)) taken.delete(first.id);
    } else {
      if (wake === Number.POSITIVE_INFINITY) throw new Error('nothing goes on');
      now = wake;
      rollout = next(rollout, { type: 'ticked', at: now });
    }
  }
  return rollout;
}

function soakOf(rollout: Rollout, name: string): number {
  const first = Object.values(rollout.nodes).find(({ region }) => region === nodeOf(rollout, name).region);
  return first?.name === name ? rollout.policy.canarySoak : rollout.policy.soak;
}

function success(step: string, soaked: number): Report {
  if (step === 'stage') return { is: 'succeeded', facts: { before: recorded, already: false } };
  const proof = { sha256: '', invocation: 'i1', mainPid: 1, restarts: 0, version: null, soaked };
  return { is: 'succeeded', facts: step === 'verify' ? { proof } : {} };
}

function lookOf(rollout: Rollout, { run, region, attempt, step }: Task, at: number): Event {
  const seen = (rollout.peers[region] ?? []).map((name): [string, Seen] => {
    const finished = rollout.nodes[name]?.state.is === 'done';
    return [name, { standing: 'healthy', detail: '', proof: step === 'prove' && finished ? 'holds' : 'not asked' }];
  });
  return {
    type: 'watched',
    at,
    run,
    region,
    attempt,
    seen: Object.fromEntries(seen),
    freezes: [],
    alerts: { is: 'quiet' },
    elsewhere: { is: 'not wanted' },
    compatibility: { is: 'not wanted' },
  };
}
