import { day } from '../../base/duration.ts';
import { openInterval } from '../../windows/index.ts';
import type { Interval } from '../../windows/types.ts';
import { calendarNow, overridden } from './calendars.ts';
import { passingEvidence } from './facts.ts';
import { next } from './next.ts';
import { dueNotices } from './notice.ts';
import { stepMs, wayMs } from './pace.ts';
import { actionOf, actions, asked, endOf, pathOf, sinceOf, turnOf } from './phases.ts';
import { isAction, isCanary, isLook, isOfNode, isOpen, nodeOf, nodesInOrder } from './queries.ts';
import { todo } from './todo.ts';
import { traits } from './traits.ts';
import type {
  ActionPhase,
  ActionTask,
  Duration,
  Event,
  LookTask,
  NodeRun,
  NodeTask,
  RegionLooks,
  Report,
  Rollout,
  Seen,
} from './types.ts';
import { nextWake } from './wake.ts';

export interface RegionForecast {
  /** Id of the phase. */
  phase: string;
  region: string;
  /** Epoch ms when its first open node is begun, and when its last one is proven. */
  begin: number;
  end: number;
  /** Instants at which it goes on in a later window, since the nodes did not fit into the one before; empty when they fit. */
  goesOn: number[];
}

export interface Forecast {
  /** Regions with work left, in order. */
  regions: RegionForecast[];
  /** Epoch ms when the last node is proven, not counting the time that approvals take; null when nobody can know. */
  end: number | null;
  /** From the first switch to that, ms: as long run two versions side by side. */
  mixed: number | null;
}

/**
 * When what is left happens, if nothing fails and every approval is given at once: the same core that will do it, on a
 * clock that jumps, with workers that need as long as was recorded. Goes by what the rollout says alone.
 * @param already nodes that run the target, as far as was seen
 */
export function forecast(rollout: Rollout, of: keyof Duration, already: readonly string[] = []): Forecast {
  if (!isOpen(rollout) || rollout.status.is === 'rolling-back') return { regions: [], end: null, mixed: null };
  return new Night(rollout, of, already).played();
}

/** Looks in between show nothing new in a night in which nothing fails. */
const neverLooks = 3_650 * day;
/** More events than a night has, for one node and for all. */
const most = { each: 100, all: 5_000 };

class Night {
  readonly #of: keyof Duration;
  readonly #already: readonly string[];
  readonly #regions: RegionForecast[] = [];
  readonly #windows = new Map<RegionForecast, Interval | null>();
  /** What is under way, and when it ends. */
  readonly #underWay = new Map<string, { task: NodeTask | ActionTask; ends: number }>();
  #rollout: Rollout;
  #now: number;

  constructor(rollout: Rollout, of: keyof Duration, already: readonly string[]) {
    this.#of = of;
    this.#already = already;
    this.#now = lastHappened(rollout);
    this.#rollout = asIfItWentOn(rollout, this.#now);
  }

  played(): Forecast {
    let left = most.all + most.each * Object.keys(this.#rollout.nodes).length;
    while (isOpen(this.#rollout)) {
      const event = this.#nextEvent();
      left -= 1;
      if (event === null || left < 0) return { regions: this.#regions, end: null, mixed: null };
      this.#apply(event);
    }
    const ends = nodesInOrder(this.#rollout).map(({ state }) => (state.is === 'done' ? state.at : this.#now));
    const switched = nodesInOrder(this.#rollout).flatMap(({ touchedAt }) => touchedAt ?? []);
    const acted = actions(this.#rollout).map(({ work }) => (work.state.is === 'done' ? work.state.at : this.#now));
    const end = Math.max(...ends, ...acted);
    return { regions: this.#regions, end, mixed: switched.length === 0 ? 0 : end - Math.min(...switched) };
  }

  /** What happens now; else what the clock brings next. Null when only a person or a miracle could go on. */
  #nextEvent(): Event | null {
    const [due] = dueNotices(this.#rollout, null);
    if (due !== undefined) return { type: 'announced', ...due, at: this.#now };
    for (const phase of asked(this.#rollout)) {
      const regions = phase.each === undefined ? {} : { for: Object.keys(phase.each) };
      return { type: 'approved', at: this.#now, phase: phase.id, by: `approver ${phase.given.length + 1}`, ...regions };
    }
    const tasks = todo(this.#rollout, this.#now).filter(({ id }) => !this.#underWay.has(id));
    const action = tasks.find(isAction);
    if (action !== undefined) return this.#act(action);
    const step = tasks.find(isOfNode);
    if (step !== undefined) return this.#begin(step);
    // A look takes no time here: one region that wants another at the same moment must not keep the others from theirs.
    const [look] = tasks.filter(isLook).toSorted((a, b) => this.#lookedAt(a) - this.#lookedAt(b));
    if (look !== undefined) return this.#look(look);
    const first = [...this.#underWay.values()].toSorted((a, b) => a.ends - b.ends)[0];
    const wake = nextWake(this.#rollout, this.#now);
    if (first !== undefined && (wake === null || first.ends <= wake)) return this.#end(first);
    if (wake === null) return null;
    this.#now = wake;
    return { type: 'ticked', at: wake };
  }

  #apply(event: Event): void {
    this.#rollout = next(this.#rollout, event);
    if (event.type !== 'reported') return;
    const { state, name } = nodeOf(this.#rollout, event.node);
    if (state.is === 'done') this.#entry(name).end = state.at;
  }

  #begin(task: NodeTask): Event {
    const { node: name, step, run, attempt } = task;
    const isFirst = nodeOf(this.#rollout, name).state.is === 'ready';
    this.#underWay.set(task.id, { task, ends: this.#now + this.#needs(task, isFirst) });
    if (step !== 'stage') this.#note(name, isFirst);
    return { type: 'begun', at: this.#now, run, node: name, step, attempt };
  }

  #act(task: ActionTask): Event {
    const { node: phase, step: action, run, attempt } = task;
    const takes = actionOf(this.#rollout, phase)?.expected ?? 0;
    this.#underWay.set(task.id, { task, ends: this.#now + takes });
    return { type: 'action-begun', at: this.#now, run, phase, action, attempt };
  }

  #end({ task, ends }: { task: NodeTask | ActionTask; ends: number }): Event {
    this.#underWay.delete(task.id);
    this.#now = Math.max(this.#now, ends);
    if (isAction(task)) {
      const { node: phase, step: action, run, attempt } = task;
      const report = { is: 'succeeded', facts: {} } as const;
      return { type: 'action-reported', at: this.#now, run, phase, action, attempt, report };
    }
    const { node, step, run, attempt } = task;
    return { type: 'reported', at: this.#now, run, node, step, attempt, report: this.#success(task) };
  }

  #success({ node, step }: NodeTask): Report {
    const before = nodeOf(this.#rollout, node).before ?? unknownBefore;
    const proof = { sha256: '', invocation: '', mainPid: 1, restarts: 0, version: null, soaked: 0 };
    if (step === 'stage') return { is: 'succeeded', facts: { before, already: this.#already.includes(node) } };
    return { is: 'succeeded', facts: traits[step].proves ? { proof } : {} };
  }

  #needs({ node: name, step }: NodeTask, isFirst: boolean): number {
    const { policy, pace } = this.#rollout;
    if (step === 'stage') return stepMs(this.#rollout, name, step, 0, this.#of) ?? 0;
    const path = pathOf(turnOf(this.#rollout, name), name);
    const soak = isCanary(this.#rollout, nodeOf(this.#rollout, name)) ? policy.canarySoak : policy.soak;
    if (wayMs(this.#rollout, name, path, soak, this.#of) === null) return traits[step].proves ? policy.expectedNode : 0;
    const before = isFirst ? (pace?.[name]?.between?.[this.#of] ?? 0) : 0;
    return before + (stepMs(this.#rollout, name, step, soak, this.#of) ?? 0);
  }

  #look({ run, region, attempt, step }: LookTask): Event {
    const seen = (this.#rollout.peers[region] ?? []).map((name): [string, Seen] => {
      const finished = this.#rollout.nodes[name]?.state.is === 'done';
      const proof = step === 'prove' && finished ? 'holds' : 'not asked';
      return [name, { standing: 'healthy', detail: 'healthy', proof }];
    });
    const alerts = { is: 'quiet' } as const;
    return { type: 'watched', at: this.#now, run, region, attempt, seen: Object.fromEntries(seen), alerts };
  }

  #lookedAt = ({ region }: LookTask): number => this.#rollout.looks[region]?.at ?? 0;

  #note(name: string, isFirst: boolean): void {
    const entry = this.#entry(name);
    const known = this.#windows.get(entry);
    if (known !== undefined && (!isFirst || known === null || this.#now < known.end)) return;
    if (known !== undefined) entry.goesOn.push(this.#now);
    const calendar = calendarNow(this.#rollout, entry.region);
    const isFree = calendar === null || overridden(this.#rollout, this.#now);
    this.#windows.set(entry, isFree ? null : openInterval(calendar, this.#now));
  }

  /** One for each region in each phase. */
  #entry(name: string): RegionForecast {
    const phase = turnOf(this.#rollout, name).id;
    const { region } = nodeOf(this.#rollout, name);
    const known = this.#regions.find((each) => each.phase === phase && each.region === region);
    if (known !== undefined) return known;
    const entry = { phase, region, begin: this.#now, end: this.#now, goesOn: [] };
    this.#regions.push(entry);
    return entry;
  }
}

const unknownBefore = { version: null, sha256: '', envSha256: null, invocation: '' };

/** The newest instant that the state tells of; looks do not count, or a forecast would move with each of them. */
function lastHappened(rollout: Rollout): number {
  const phases = rollout.phases.flatMap((phase) => [
    sinceOf(phase) ?? 0,
    endOf(phase) ?? 0,
    ...(phase.is === 'approval' ? phase.given.map(({ at }) => at) : []),
  ]);
  const nodes = nodesInOrder(rollout).map(({ state }) => {
    if (state.is === 'done') return state.at;
    return 'since' in state ? (state.since ?? 0) : 0;
  });
  return Math.max(rollout.createdAt, rollout.startedAt ?? 0, rollout.lastNodeAt ?? 0, ...phases, ...nodes);
}

/** Paused, held or told to stop: as it would go on from `at` if somebody let it, and all was ticked. */
function asIfItWentOn({ unsigned: _, checklists: __, ...rollout }: Rollout, at: number): Rollout {
  const { policy, lastNodeAt } = rollout;
  const looks = Object.entries(rollout.looks).map(([region, look]): [string, Rollout['looks'][string]] => {
    return [region, { ...withoutPassing(look), at: null, standing: {}, misses: {} }];
  });
  return {
    ...rollout,
    status: { is: 'running' },
    policy: { ...policy, watch: neverLooks },
    nodes: Object.fromEntries(Object.entries(rollout.nodes).map(([name, node]) => [name, anew(node, at)])),
    phases: rollout.phases.map((phase) => (phase.is === 'action' ? actedAnew(phase, at) : phase)),
    looks: Object.fromEntries(looks),
    rest: lastNodeAt === null || at - lastNodeAt >= policy.pause ? null : { ms: 0, at: lastNodeAt },
    unattended: [],
  };
}

function withoutPassing(look: RegionLooks): RegionLooks {
  const rest = { ...look };
  for (const name of passingEvidence) delete rest[name];
  return rest;
}

function anew(node: NodeRun, at: number): NodeRun {
  const { state } = node;
  if (state.is === 'done') return { ...node, sick: null };
  const again = { ...node, attempt: node.attempt + 1, begun: null, held: null, silentSince: null, sick: null };
  const tried = { failures: 0, unknowns: 0, notBefore: at };
  if (state.is === 'staging') return { ...again, state: { ...state, ...tried } };
  if (state.is === 'working' && state.direction === 'forward') return { ...again, state: { ...state, ...tried } };
  const ready = { ...again, state: { is: 'ready' as const, notBefore: at } };
  if (state.is === 'ready') return ready;
  return { ...ready, touched: false, touchedAt: null, drained: false, uncertain: false, failure: null, foreign: null };
}

function actedAnew(phase: ActionPhase, at: number): ActionPhase {
  const { state, attempt } = phase.work;
  if (state.is === 'done') return phase;
  const again = { ...phase.work, attempt: attempt + 1, begun: null, held: null };
  return { ...phase, work: { ...again, state: { is: 'waiting', notBefore: at }, touched: false, touchedAt: null } };
}
