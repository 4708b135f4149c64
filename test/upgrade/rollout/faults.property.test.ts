import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOpen, next, nextWake, nodesInOrder, plan, todo } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Rollout, Task } from '../../../src/upgrade/rollout/types.ts';
import { openInterval } from '../../../src/windows/index.ts';
import { fleetOf, hours, inputOf, newImage, tuesday } from '../../support/rollouts.ts';
import { drive, perform, type World, worldOf } from '../../support/simulation.ts';

/** One thing that chance does; `pick` chooses among what is possible. */
const move = fc.record({
  kind: fc.constantFrom(
    'work',
    'work',
    'work',
    'work',
    'lose',
    'repeat',
    'deliver-late',
    'crash',
    'wait',
    'click',
    'outage',
    'mend',
    'tick',
  ),
  pick: fc.nat(1000),
});
const scenario = fc.record({
  strategy: fc.constantFrom('rolling' as const, 'regions' as const),
  windows: fc.constantFrom('guide' as const, 'always' as const),
  autoRollback: fc.constantFrom('node' as const, 'none' as const),
  bad: fc.uniqueArray(fc.nat(8), { maxLength: 2 }),
  badRestore: fc.uniqueArray(fc.nat(8), { maxLength: 1 }),
  moves: fc.array(move, { minLength: 30, maxLength: 160 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

const clicks = (rollout: Rollout, at: number): Event[] => [
  { type: 'approved', at, region: 'eu-west', by: 'U-eu-west' },
  { type: 'approved', at, region: 'ap-south', by: 'U-ap-south' },
  { type: 'approved', at, region: 'us-east', by: rollout.requester },
  { type: 'paused', at, by: 'U1' },
  { type: 'resumed', at, by: 'U1' },
  { type: 'retried', at, by: 'U1', epoch: rollout.epoch },
  { type: 'retried', at, by: 'U2', epoch: 0 },
  { type: 'rollback-asked', at, by: 'U1', scope: { is: 'region', region: 'us-east' }, epoch: at },
  { type: 'rollback-asked', at, by: 'U1', scope: { is: 'node', node: 'eu-west-op-2' }, epoch: at },
  { type: 'rollback-asked', at, by: 'U1', scope: { is: 'all' }, epoch: at },
];

class Run {
  rollout: Rollout;
  now = tuesday;
  readonly world: World;
  readonly sent: Event[] = [];
  readonly late: Event[] = [];

  constructor({ strategy, windows, autoRollback, bad, badRestore }: Scenario) {
    const fleet = fleetOf({ autoRollback, bake: hours(0.1) }, { windows });
    this.rollout = plan(inputOf(fleet, { strategy }));
    this.world = worldOf(this.rollout);
    const names = nodesInOrder(this.rollout).map(({ name }) => name);
    for (const index of bad) this.world.bad.add(names[index] ?? '');
    for (const index of badRestore) this.world.badRestore.set(names[index] ?? '', 1);
  }

  apply(event: Event): void {
    const before = this.rollout;
    const after = next(before, event);
    this.sent.push(event);
    if (after === before) return;
    this.rollout = { ...after, revision: before.revision + 1 };
    checkStep(before, after, event, this.world);
  }

  /** What a worker does with a task it holds: intent, work, and (unless lost) the report. */
  work(task: Task, report: 'sent' | 'lost' | 'late' | 'never-began'): void {
    if (report === 'never-began') return;
    this.now += 50;
    if (task.step !== 'watch') {
      const { run, node, step, attempt } = task;
      this.apply({ type: 'begun', at: this.now, run, node, step, attempt });
      if (!todo(this.rollout, this.now).some(({ id }) => id === task.id)) return;
    }
    const before = this.world.starts.length;
    const event = perform(this.rollout, task, this.world, this.now + 500);
    this.now += 500;
    if (this.world.starts.length > before) checkStop(this.rollout, task, this.world, this.now);
    if (report === 'sent') this.apply(event);
    if (report === 'late') this.late.push(event);
    if (report === 'lost' && task.step !== 'watch') {
      const { run, node, step, attempt } = task;
      this.apply({
        type: 'reported',
        at: this.now,
        run,
        node,
        step,
        attempt,
        report: { is: 'unknown', reason: 'lost' },
      });
    }
  }

  step({ kind, pick }: { kind: string; pick: number }): void {
    const tasks = todo(this.rollout, this.now);
    const task = tasks[pick % Math.max(tasks.length, 1)];
    const names = Object.keys(this.rollout.nodes);
    if (kind === 'work' && task) this.work(task, 'sent');
    else if (kind === 'lose' && task) this.work(task, 'lost');
    else if (kind === 'deliver-late' && task) this.work(task, 'late');
    else if (kind === 'crash' && task) this.work(task, 'never-began');
    else if (kind === 'repeat') this.repeat(pick);
    else if (kind === 'click') this.click(pick);
    else if (kind === 'outage') this.world.down.add(names[pick % names.length] ?? '');
    else if (kind === 'mend') this.world.down.clear();
    else this.wait(kind === 'tick' ? 1_000 : (pick + 1) * 10_000);
  }

  repeat(pick: number): void {
    const source = pick % 2 === 0 ? this.late : this.sent;
    const event = source[pick % Math.max(source.length, 1)];
    if (event) this.apply(event);
  }

  click(pick: number): void {
    const all = clicks(this.rollout, this.now);
    const event = all[pick % all.length];
    if (event) this.apply(event);
  }

  wait(ms: number): void {
    this.now = Math.min(this.now + ms, nextWake(this.rollout, this.now) ?? this.now + ms);
    this.apply({ type: 'ticked', at: this.now });
  }
}

/** What must hold at every change (safety.md: 2, 5, 7, 8, 10, 11). */
function checkStep(before: Rollout, after: Rollout, event: Event, world: World): void {
  const nodes = nodesInOrder(after);
  expect(nodes.filter(({ state }) => state.is === 'working').length).toBeLessThanOrEqual(1);
  expect(after.epoch).toBeGreaterThanOrEqual(before.epoch);
  expect(after.run > before.run).toBe(after.epoch > before.epoch);
  for (const node of nodes) {
    const was = before.nodes[node.name];
    expect(node.attempt).toBeGreaterThanOrEqual(was?.attempt ?? 0);
    if (node.state.is === 'done' && was?.state.is !== 'done') {
      expect(node.proof?.sha256).toBe(after.release.binarySha256);
      expect(world.image[node.name]).toBe(newImage);
    }
    if (was?.touched && !node.touched && event.type === 'reported') expect(world.image[node.name]).not.toBe(newImage);
    if (node.state.is === 'working' && node.state.direction === 'back') expect(node.touched).toBe(true);
  }
}

/** What must hold when a service is stopped (safety.md: 1, 3, 4, 6). */
function checkStop(rollout: Rollout, task: Task, world: World, now: number): void {
  const stop = world.starts.at(-1);
  expect(stop?.wasDown || (stop?.peersLeft ?? 0) >= rollout.policy.minimumHealthy).toBe(true);
  if (task.step !== 'switch') return;
  const batch = rollout.batches.find(({ nodes }) => nodes.includes(task.node));
  expect(batch?.approval === true && batch.approved === null).toBe(false);
  expect(nodesInOrder(rollout).filter(({ state }) => state.is === 'staging')).toEqual([]);
  const calendar = rollout.calendars[task.region];
  const state = rollout.nodes[task.node]?.state;
  const firstTry = state?.is === 'working' && state.failures === 0 && state.unknowns === 0;
  if (firstTry && calendar) expect(openInterval(calendar, now - 500)).not.toBeNull();
}

/** Once the faults end and people answer, it ends in bounded time (safety.md, liveness). */
function comesToAnEnd(run: Run): void {
  run.world.down.clear();
  run.world.bad.clear();
  run.world.badRestore.clear();
  for (let round = 0; round < 40 && isOpen(run.rollout); round++) {
    const { rollout, now } = drive(run.rollout, run.world, { from: run.now, limit: 2_000 });
    run.rollout = rollout;
    run.now = now + 1;
    if (!isOpen(rollout)) break;
    for (const event of [
      { type: 'resumed', at: run.now, by: 'U1' } as const,
      { type: 'retried', at: run.now, by: 'U1', epoch: 0 } as const,
      { type: 'approved', at: run.now, region: 'eu-west', by: 'U-eu-west' } as const,
      { type: 'approved', at: run.now, region: 'ap-south', by: 'U-ap-south' } as const,
      { type: 'approved', at: run.now, region: 'us-east', by: 'U-us-east' } as const,
    ]) {
      run.apply(event);
    }
  }
  expect(['done', 'rolled-back', 'stopped']).toContain(run.rollout.status.is);
}

describe('a rollout under faults', () => {
  it('keeps every invariant and comes to an end, over 2,000 seeded runs', { timeout: 300_000 }, () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    fc.assert(
      fc.property(scenario, (chance) => {
        const run = new Run(chance);
        for (const one of chance.moves) run.step(one);
        comesToAnEnd(run);
      }),
      { seed, numRuns: Number(process.env.RUNS ?? 2_000), endOnFailure: false },
    );
  });

  it('takes any event twice as once', () => {
    fc.assert(
      fc.property(scenario, (chance) => {
        const run = new Run(chance);
        for (const one of chance.moves) run.step(one);
        for (const event of run.sent.slice(-20)) {
          if (event.type === 'watched') continue;
          const once = next(run.rollout, event);
          expect(next(once, event)).toBe(once);
        }
      }),
      { numRuns: 100 },
    );
  });
});
