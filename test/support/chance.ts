import { isOfNode, next, nextWake, nodesInOrder, plan, todo } from '../../src/upgrade/rollout/index.ts';
import type { Event, NodeTask, Rollout, Task } from '../../src/upgrade/rollout/types.ts';
import { strategyNames } from '../../src/upgrade/rollout/types.ts';
import { fc } from './fast-check.ts';
import { checkStep, checkStop, workTakes } from './invariants.ts';
import {
  bothOf,
  fitWith,
  fleetOf,
  hours,
  inputOf,
  minutes,
  newImage,
  siblingsOf,
  surveyOf,
  tuesday,
} from './rollouts.ts';
import { intentOf, perform, type Reach, type World, worldOf } from './simulation.ts';

/** What chance does in one move; `pick` chooses among what is possible. */
const kinds = [
  ...Array.from({ length: 6 }, () => 'work'),
  'lose',
  'half',
  'half-then-outage',
  'stop-in-trouble',
  'lost-worker',
  'repeat',
  'deliver-late',
  'never-began',
  'wait',
  'click',
  'click',
  'outage',
  'silence',
  'restart-by-itself',
  'lost-probe',
  'freeze',
  'alert',
  'break-traffic',
  'mend',
  'tick',
] as const;
type Kind = (typeof kinds)[number];

const move = fc.record({ kind: fc.constantFrom(...(kinds as readonly Kind[])), pick: fc.nat(1000) });

/** One story: what is wrong from the start, and what happens. */
export const scenario = fc.record({
  strategy: fc.constantFrom(...strategyNames.filter((name) => name !== 'blue-green')),
  windows: fc.constantFrom('guide' as const, 'always' as const),
  autoRollback: fc.constantFrom('node' as const, 'region' as const, 'everything' as const, 'none' as const),
  rehearse: fc.constantFrom('never' as const, 'always' as const),
  bad: fc.uniqueArray(fc.nat(8), { maxLength: 2 }),
  badRestore: fc.uniqueArray(fc.nat(8), { maxLength: 2 }),
  /** Nodes at the same time; with 1 as the minimum two of a region fit, too. */
  atOnce: fc.constantFrom(1, 1, 2, 3),
  minimumHealthy: fc.constantFrom(2, 1),
  /** Nodes are taken out of service around their switch. */
  drains: fc.boolean(),
  /** Nodes that run the target already. */
  already: fc.oneof(
    { weight: 4, arbitrary: fc.uniqueArray(fc.nat(8), { maxLength: 2 }) },
    fc.constantFrom<number[]>([0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 1, 2, 3, 4, 5], [0, 3, 6]),
  ),
  /** An agent beside each operator; and whether it is blinded while that is restarted. */
  siblings: fc.constantFrom('none' as const, 'none' as const, 'beside' as const, 'blinded' as const),
  moves: fc.array(move, { minLength: 30, maxLength: 160 }),
});
export type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

const onIt = { sha256: newImage, fitness: fitWith(newImage) };

const decisions = (rollout: Rollout, at: number): Event[] => [
  { type: 'approved', at, phase: 'approval/eu-west', by: 'U-eu-west' },
  { type: 'approved', at, phase: 'approval/ap-south', by: 'U-ap-south' },
  { type: 'approved', at, phase: 'approval/rest', by: 'U-us-east' },
  { type: 'approved', at, phase: 'approval/us-east', by: rollout.requester },
  { type: 'paused', at, by: 'U1' },
  { type: 'resumed', at, by: 'U1' },
  { type: 'resumed', at, by: 'U1' },
  { type: 'retried', at, by: 'U1', epoch: rollout.epoch },
  { type: 'retried', at, by: 'U2', epoch: 0 },
  { type: 'rollback-asked', at, by: 'U1', scope: { is: 'region', region: 'us-east' }, epoch: at },
  { type: 'rollback-asked', at, by: 'U1', scope: { is: 'node', node: 'eu-west-op-2' }, epoch: at },
  { type: 'rollback-asked', at, by: 'U1', scope: { is: 'node', node: 'us-east-op-1' }, epoch: at },
  { type: 'rollback-asked', at, by: 'U1', scope: { is: 'all' }, epoch: at },
  { type: 'stopped', at, by: 'U3' },
  ...(rollout.services === undefined ? [] : ofSiblings(at)),
];

const ofSiblings = (at: number): Event[] => [
  ...['us-east/operator', 'eu-west/operator', 'ap-south/operator', 'rest/operator', 'all/agent', 'us-east/agent'].map(
    (part): Event => ({ type: 'approved', at, phase: `approval/${part}`, by: 'U-ana' }),
  ),
  { type: 'approved', at, phase: 'approval/canaries/agent', by: 'U-ana' },
  { type: 'rollback-asked', at, by: 'U1', scope: { is: 'service', service: 'agent' }, epoch: at },
  { type: 'rollback-asked', at, by: 'U1', scope: { is: 'service', service: 'operator' }, epoch: at },
];

/** A rollout, a fleet, and chance. Every change and every stop of a service is checked. */
export class Run {
  rollout: Rollout;
  now = tuesday;
  readonly world: World;
  readonly sent: Event[] = [];
  readonly late: Event[] = [];

  constructor({
    strategy,
    windows,
    autoRollback,
    rehearse,
    bad,
    badRestore,
    already,
    drains,
    atOnce,
    minimumHealthy,
    siblings,
  }: Scenario) {
    const alone = fleetOf({ autoRollback, rehearse, atOnce, minimumHealthy, bake: hours(0.1) }, { windows });
    const traffic = drains ? { drain: ['/d'], undrain: ['/u'], limit: minutes(1) } : null;
    const one = { ...alone, service: { ...alone.service, traffic } };
    const fleet = siblings === 'none' ? one : siblingsOf(one, siblings === 'blinded' ? ['agent'] : []);
    const both = siblings === 'none' ? {} : bothOf();
    const every = fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => name));
    // What is wrong is wrong of both services.
    const names = every.filter((_, index) => siblings === 'none' || index % 2 === 0);
    const running = already.map((index) => names[index] ?? '');
    const survey = surveyOf(fleet, Object.fromEntries(running.map((name) => [name, onIt])));
    this.rollout = plan(inputOf(fleet, { strategy, survey, ...both }));
    this.world = worldOf(this.rollout);
    for (const index of bad) this.world.bad.add(names[index] ?? '');
    for (const index of badRestore) this.world.badRestore.set(names[index] ?? '', 1);
    for (const name of running) {
      this.world.image[name] = newImage;
      this.world.disk[name] = newImage;
      this.world.initial[name] = newImage;
      this.world.bad.delete(name);
    }
  }

  apply(event: Event): void {
    const before = this.rollout;
    const after = next(before, event);
    this.sent.push(event);
    if (after === before) return;
    this.rollout = { ...after, revision: before.revision + 1 };
    checkStep(before, after, event, this.world);
  }

  /** What a worker does with a task that it holds: intent, work, and (unless lost) the report. */
  work(task: Task, report: 'sent' | 'lost' | 'late' | 'none', reach: Reach = 'whole'): void {
    this.now += 50;
    const intent = intentOf(task, this.now);
    if (intent !== null) {
      this.apply(intent);
      if (!todo(this.rollout, this.now).some(({ id }) => id === task.id)) return;
    }
    const before = this.world.starts.length;
    this.now += workTakes;
    const event = perform(this.rollout, task, this.world, this.now, reach);
    if (this.world.starts.length > before) checkStop(this.rollout, task, this.world, this.now);
    if (report === 'sent') this.apply(event);
    if (report === 'late') this.late.push(event);
    if (report === 'lost' && isOfNode(task)) {
      const { run, node, step, attempt } = task;
      const unknown = { is: 'unknown', reason: 'lost' } as const;
      this.apply({ type: 'reported', at: this.now, run, node, step, attempt, report: unknown });
    }
  }

  step({ kind, pick }: { kind: Kind; pick: number }): void {
    const tasks = todo(this.rollout, this.now);
    const task = tasks[pick % Math.max(tasks.length, 1)];
    const names = Object.keys(this.rollout.nodes);
    const elsewhere = this.elsewhere(names[pick % names.length] ?? '', pick);
    if (Object.hasOwn(elsewhere, kind)) elsewhere[kind]?.();
    else if (task) this.doWork(kind, task);
  }

  /** What happens without a worker. */
  private elsewhere(name: string, pick: number): Partial<Record<Kind, () => void>> {
    const { world, now } = this;
    return {
      outage: () => void world.down.add(name),
      silence: () => void world.silent.add(name),
      'restart-by-itself': () => world.down.has(name) || this.comesUpAgain(name),
      'lost-probe': () => void world.lostProbes.set(name, 1 + (pick % 2)),
      freeze: () => {
        world.freezes = [{ start: now, end: now + hours(1), reason: `freeze ${pick}`, author: 'U9' }];
      },
      'break-traffic': () => void world.brokenTraffic.add(name),
      alert: () => {
        if (pick % 3 === 0) world.elsewhere = { is: 'unproven', reason: 'too young' };
        else if (pick % 5 === 0) world.compatibility = { is: 'refused', reasons: ['an agent is too old'] };
        else world.alerts = pick % 2 === 0 ? { is: 'firing', names: ['Disk'] } : { is: 'unknown', reason: 'no answer' };
      },
      'half-then-outage': () => this.halfThenOutage(pick),
      'stop-in-trouble': () => this.stopInTrouble(pick),
      mend: () => this.mend(),
      repeat: () => this.repeat(pick),
      click: () => this.click(pick),
      wait: () => this.wait((pick + 1) * 10_000),
      tick: () => this.wait(1_000),
    };
  }

  private doWork(kind: Kind, task: Task): void {
    if (kind === 'work') this.work(task, 'sent');
    if (kind === 'lose') this.work(task, 'lost');
    if (kind === 'half') this.work(task, 'none', 'half');
    if (kind === 'lost-worker') this.work(task, 'none');
    if (kind === 'deliver-late') this.work(task, 'late');
  }

  /** Honest work until a service is to be stopped; that task, or null. */
  private untilStop(): NodeTask | null {
    for (let count = 0; count < 25; count += 1) {
      const tasks = todo(this.rollout, this.now);
      const stop = tasks.find((task): task is NodeTask => task.step === 'switch' || task.step === 'restore');
      if (stop) return stop;
      const [task] = tasks;
      if (task) this.work(task, 'sent');
      else this.wait(10_000);
    }
    return null;
  }

  /** Its worker is lost between the rename and the restart; then a peer falls ill, and somebody halts it all. */
  private halfThenOutage(pick: number): void {
    const stop = this.untilStop();
    if (stop === null) return;
    this.work(stop, 'none', 'half');
    this.peerOf(stop, pick, this.world.down);
    if (pick % 3 === 0) this.click(pick);
  }

  /** A peer falls ill right before a stop, and the answer of the node itself gets lost. */
  private stopInTrouble(pick: number): void {
    const stop = this.untilStop();
    if (stop === null) return;
    this.peerOf(stop, pick, pick % 3 === 0 ? this.world.silent : this.world.down);
    this.world.lostProbes.set(stop.node, 1);
    this.work(stop, 'sent');
  }

  private peerOf({ region, node }: NodeTask, pick: number, trouble: Set<string>): void {
    const peers = (this.rollout.peers[region] ?? []).filter((name) => name !== node);
    trouble.add(peers[pick % peers.length] ?? '');
  }

  /** systemd brings it up again, with what lies on disk. */
  private comesUpAgain(name: string): void {
    this.world.image[name] = this.world.disk[name] ?? '';
    this.world.invocation[name] = (this.world.invocation[name] ?? 0) + 1;
  }

  /** A person mends machines and services; a build stays what it is. */
  mend(): void {
    for (const name of this.world.down) this.comesUpAgain(name);
    this.world.down.clear();
    this.world.silent.clear();
    this.world.lostProbes.clear();
    this.world.brokenTraffic.clear();
    this.world.alerts = { is: 'quiet' };
    this.world.elsewhere = { is: 'not wanted' };
    this.world.compatibility = { is: 'not wanted' };
  }

  private repeat(pick: number): void {
    const source = pick % 2 === 0 ? this.late : this.sent;
    const event = source[pick % Math.max(source.length, 1)];
    if (event) this.apply(event);
  }

  private click(pick: number): void {
    const all = decisions(this.rollout, this.now);
    const event = all[pick % all.length];
    if (event) this.apply(event);
  }

  private wait(ms: number): void {
    this.now = Math.min(this.now + ms, nextWake(this.rollout, this.now) ?? this.now + ms);
    this.apply({ type: 'ticked', at: this.now });
  }

  names = (): string[] => nodesInOrder(this.rollout).map(({ name }) => name);
}
