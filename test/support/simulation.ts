import {
  actionGates,
  actionOf,
  asked,
  asksFrom,
  blindedBy,
  blindingOf,
  currentPhase,
  fenceOf,
  gates,
  isAction,
  isLook,
  isOpen,
  next,
  nextWake,
  nodesInOrder,
  todo,
  unwellIn,
  watching,
  whyWaiting,
} from '../../src/upgrade/rollout/index.ts';
import type {
  ActionReport,
  ActionTask,
  Alerts,
  BackSeen,
  Compatibility,
  Elsewhere,
  Event,
  Evidence,
  Halt,
  LookTask,
  NodeTask,
  Report,
  Rollout,
  Seen,
  Sight,
  Standing,
  Task,
} from '../../src/upgrade/rollout/types.ts';
import type { Freeze } from '../../src/windows/types.ts';
import { newImage, oldImage, recorded } from './rollouts.ts';

/** What is true of the nodes, how the new build behaves on them, and how the way there misbehaves. */
export interface World {
  /** The running image and the file on disk, by node. */
  image: Record<string, string>;
  disk: Record<string, string>;
  /** What each node ran before anything was done. */
  initial: Record<string, string>;
  /** Rises with every start of the service. */
  invocation: Record<string, number>;
  /** The service is not running; the machine answers. */
  down: Set<string>;
  /** Taken out of service by a drain, and not put back. */
  out: Set<string>;
  /** Nodes on which the commands for traffic fail. */
  brokenTraffic: Set<string>;
  /** Drains that answer "under way" the next n times, by node. */
  slowDrain: Map<string, number>;
  /** The machine does not answer at all. */
  silent: Set<string>;
  /** Nodes on which the new build never proves healthy. */
  bad: Set<string>;
  /** Nodes whose environment file is the new one, and those whose process was started with it. */
  configured: Set<string>;
  runsConfigured: Set<string>;
  /** Nodes that are sick with it. */
  badFile: Set<string>;
  /** Nodes that do not come up when they are restarted, the next n times. */
  badRestart: Map<string, number>;
  /** Nodes whose rollback does not prove healthy the first n times. */
  badRestore: Map<string, number>;
  /** Probes of healthy nodes that get lost, the next n by node. */
  lostProbes: Map<string, number>;
  /** What a look sees of a changed node's way back; whole where nothing is said. */
  waysBack: Map<string, BackSeen>;
  /** Declared in the settings of now, for all regions. */
  freezes: Freeze[];
  alerts: Alerts;
  elsewhere: Elsewhere;
  compatibility: Compatibility;
  /** On the machine of every worker. */
  halt: Halt;
  /** Every stop of the service, with what was true right before. */
  starts: {
    node: string;
    image: string;
    at: number;
    peersLeft: number;
    /** Of a service that it blinds and that served, how many are left; the fewest. null: none is blinded. */
    blindedLeft: number | null;
    wasDown: boolean;
    wasOut: boolean;
    frozen: boolean;
    alerts: Alerts;
    elsewhere: Elsewhere;
    compatibility: Compatibility;
    isFirstOfAll: boolean;
    isFirstThere: boolean;
  }[];
  fence: Record<string, [epoch: number, attempt: number]>;
  /** What actions did, in order; and what was begun of them and is not over for so many looks. */
  acts: string[];
  acting: Map<string, number>;
  /** For how many looks an action is under way, and how those end that do not end well. */
  actsFor: number;
  badActs: Map<string, 'clean' | 'half'>;
}

export function worldOf(rollout: Rollout): World {
  const names = Object.values(rollout.peers).flat();
  const each = <T>(value: T) => Object.fromEntries(names.map((name) => [name, value]));
  return {
    image: each(oldImage),
    disk: each(oldImage),
    initial: each(oldImage),
    invocation: each(0),
    down: new Set(),
    out: new Set(),
    brokenTraffic: new Set(),
    slowDrain: new Map(),
    silent: new Set(),
    bad: new Set(),
    configured: new Set(),
    runsConfigured: new Set(),
    badFile: new Set(),
    badRestart: new Map(),
    badRestore: new Map(),
    lostProbes: new Map(),
    waysBack: new Map(),
    freezes: [],
    alerts: { is: 'quiet' },
    elsewhere: { is: 'not wanted' },
    compatibility: { is: 'not wanted' },
    halt: { is: 'clear' },
    starts: [],
    fence: {},
    acts: [],
    acting: new Map(),
    actsFor: 0,
    badActs: new Map(),
  };
}

const serves = (world: World, node: string) =>
  !world.down.has(node) &&
  !world.silent.has(node) &&
  !(world.image[node] === newImage && world.bad.has(node)) &&
  !(world.runsConfigured.has(node) && world.badFile.has(node));

/** What HTTP says: a lost probe of a healthy node proves nothing. */
function standingOf(world: World, node: string): Standing {
  if (world.silent.has(node)) return 'unclear';
  if (!serves(world, node)) return 'down';
  const lost = world.lostProbes.get(node) ?? 0;
  if (lost > 0) world.lostProbes.set(node, lost - 1);
  return lost > 0 ? 'unclear' : 'healthy';
}

/** A region, and what counts with it. */
function countedIn(rollout: Rollout, region: string): string[] {
  const own = rollout.peers[region] ?? [];
  const blinded = own.flatMap((name) => blindedBy(rollout, name));
  const blinding = [...own, ...blinded].flatMap((name) => blindingOf(rollout, name));
  return [...new Set([...own, ...blinded, ...blinding])];
}

function evidenceOf(world: World, names: string[], sight: Sight): Evidence {
  const standing = Object.fromEntries(names.map((name) => [name, standingOf(world, name)]));
  return {
    standing,
    sight,
    freezes: world.freezes,
    alerts: world.alerts,
    elsewhere: world.elsewhere,
    compatibility: world.compatibility,
    halt: world.halt,
  };
}

/** How far the worker gets: `half`: it is lost between the rename and the restart. */
export type Reach = 'whole' | 'half';

/** What an honest worker does for one task, on the simulated nodes; the event that it would report. */
export function perform(rollout: Rollout, task: Task, world: World, now: number, reach: Reach = 'whole'): Event {
  if (isAction(task)) return act(rollout, task, world, now, reach);
  return isLook(task) ? lookAt(rollout, task, world, now) : work(rollout, task, world, now, reach);
}

function lookAt(rollout: Rollout, { run, region, step, attempt }: LookTask, world: World, at: number): Event {
  const proofOf = (name: string): Seen['proof'] => {
    const node = rollout.nodes[name];
    if (step === 'watch' || node?.state.is !== 'done') return 'not asked';
    if (world.silent.has(name)) return 'unseen';
    const wanted = rollout.change === undefined ? newImage : rollout.release.binarySha256;
    const same = world.disk[name] === wanted && node.proof?.invocation === `i${world.invocation[name]}`;
    return same && world.image[name] === wanted && !world.down.has(name) ? 'holds' : 'broken';
  };
  const names = rollout.peers[region] ?? [];
  const seen = names.map((name): [string, Seen] => {
    const standing = standingOf(world, name);
    const proof = proofOf(name);
    const asked = proof !== 'not asked' && rollout.nodes[name]?.touched;
    const back = asked ? { back: world.waysBack.get(name) ?? ('ready' as const) } : {};
    return [name, { standing, detail: standing === 'healthy' ? 'healthy' : 'connection refused', proof, ...back }];
  });
  if (step === 'after')
    return { type: 'looked-after', at, run, region, attempt, unwell: unwellIn(Object.fromEntries(seen), {}) };
  const { freezes, alerts, elsewhere, compatibility, halt } = world;
  return {
    type: 'watched',
    at,
    run,
    region,
    attempt,
    seen: Object.fromEntries(seen),
    freezes,
    alerts,
    elsewhere,
    compatibility,
    halt,
  };
}

/** A host that remembers: what was begun there once is never begun again in the same run, whoever asks. */
function act(rollout: Rollout, task: ActionTask, world: World, at: number, reach: Reach): Event {
  const { run, node: id, step: action, attempt } = task;
  const told = { at, run, phase: id, action, attempt };
  const report = (report: ActionReport): Event => ({ type: 'action-reported', ...told, report });
  const phase = actionOf(rollout, id);
  if (phase === null) throw new Error(`no action ${id}`);
  const fence = fenceOf(rollout, phase);
  const [epoch, held] = world.fence[phase.subject] ?? [0, 0];
  if (epoch > rollout.epoch || (epoch === rollout.epoch && held > fence))
    return report({ is: 'failed', reason: 'a newer run owns this host', retry: false });
  world.fence[phase.subject] = [rollout.epoch, fence];
  const name = `${id} ${action} ${run}`;
  if (world.acts.some((each) => each.startsWith(`${id} ${action} `) && !world.acting.has(each)))
    return report({ is: 'succeeded', facts: { schema: 2 } });
  const left = world.acting.get(name);
  if (left === undefined) {
    const evidence = evidenceOf(world, rollout.peers[phase.region] ?? [], { down: false, unchanged: true });
    const closed = actionGates(rollout, phase, at, evidence);
    if (closed.length > 0) return { type: 'action-gated', ...told, gates: closed, unchanged: true };
    const bad = world.badActs.get(id);
    if (bad === 'clean') return report({ is: 'failed', reason: 'no connection', retry: false, clean: true });
    world.acts.push(name);
    world.acting.set(name, world.actsFor);
    if (reach === 'half') return report({ is: 'unknown', reason: 'cut' });
    return report({ is: 'later', reason: 'it runs', after: 2_000 });
  }
  if (world.badActs.get(id) === 'half') return report({ is: 'failed', reason: 'exit code 1', retry: false });
  if (left > 0) {
    world.acting.set(name, left - 1);
    return report({ is: 'later', reason: 'it runs', after: 2_000 });
  }
  world.acting.delete(name);
  return report({ is: 'succeeded', facts: { schema: 2 } });
}

function work(rollout: Rollout, task: NodeTask, world: World, now: number, reach: Reach): Event {
  const { run, node, step, attempt, region } = task;
  const common = { at: now, run, node, step, attempt };
  if (world.silent.has(node))
    return { type: 'reported', ...common, report: { is: 'unknown', reason: 'does not answer', silent: true } };
  const [epoch, held] = world.fence[node] ?? [0, 0];
  if (epoch > rollout.epoch || (epoch === rollout.epoch && held > attempt)) {
    return { type: 'reported', ...common, report: failed('a newer run owns this node', false) };
  }
  world.fence[node] = [rollout.epoch, attempt];
  if (step === 'restart') {
    const before = rollout.nodes[node]?.before?.invocation;
    const isSame = before === `i${world.invocation[node]}`;
    const down = world.down.has(node);
    if (!isSame && !down) return { type: 'reported', ...common, report: succeeded({}) };
    const unchanged = isSame && !rollout.nodes[node]?.again;
    const closed = gates(rollout, node, now, evidenceOf(world, countedIn(rollout, region), { down, unchanged }));
    if (closed.length > 0) return { type: 'gated', ...common, gates: closed, unchanged };
    start(rollout, world, node, region, now);
    const bad = world.badRestart.get(node) ?? 0;
    world.badRestart.set(node, bad - 1);
    if (bad > 0) world.down.add(node);
    if (reach === 'half') return { type: 'reported', ...common, report: { is: 'unknown', reason: 'cut' } };
  }
  if (step === 'configure' || (step === 'restore' && rollout.change !== undefined)) {
    const isForward = step === 'configure';
    const [lies, runs] = [world.configured.has(node), world.runsConfigured.has(node)];
    if (lies === isForward && runs === isForward && !world.down.has(node))
      return { type: 'reported', ...common, report: succeeded({}) };
    const sight = { down: world.down.has(node), unchanged: lies !== isForward };
    const closed = gates(rollout, node, now, evidenceOf(world, countedIn(rollout, region), sight));
    if (closed.length > 0) return { type: 'gated', ...common, gates: closed, unchanged: sight.unchanged };
    if (isForward) world.configured.add(node);
    else world.configured.delete(node);
    if (reach === 'half') return { type: 'reported', ...common, report: { is: 'unknown', reason: 'cut' } };
    start(rollout, world, node, region, now);
  } else if (step === 'switch' || step === 'restore' || step === 'recover') {
    const [from, to] = step === 'restore' ? [newImage, oldImage] : [step === 'recover' ? '' : oldImage, newImage];
    if (world.image[node] === to && world.disk[node] === to && !world.down.has(node)) {
      return { type: 'reported', ...common, report: succeeded({}) };
    }
    const sight = {
      down: world.down.has(node),
      unchanged: world.image[node] === from && world.disk[node] === from,
    };
    const closed = gates(rollout, node, now, evidenceOf(world, countedIn(rollout, region), sight));
    if (closed.length > 0) return { type: 'gated', ...common, gates: closed, unchanged: sight.unchanged };
    if (world.disk[node] !== to && world.disk[node] !== from) {
      return { type: 'reported', ...common, report: failed('somebody replaced the file on disk', false) };
    }
    world.disk[node] = to;
    if (reach === 'half') return { type: 'reported', ...common, report: { is: 'unknown', reason: 'cut' } };
    start(rollout, world, node, region, now);
  }
  if (step === 'drain') {
    const sight = { down: false, unchanged: true };
    const closed = gates(rollout, node, now, evidenceOf(world, countedIn(rollout, region), sight));
    if (closed.length > 0) return { type: 'gated', ...common, gates: closed, unchanged: true };
    if (world.brokenTraffic.has(node)) return { type: 'reported', ...common, report: failed('exit code 3', true) };
    const left = world.slowDrain.get(node) ?? 0;
    world.slowDrain.set(node, left - 1);
    if (left > 0)
      return { type: 'reported', ...common, report: { is: 'later', reason: '3 connections', after: 2_000 } };
    world.out.add(node);
  }
  if (step === 'undrain' && world.brokenTraffic.has(node))
    return { type: 'reported', ...common, report: failed('exit code 3', true) };
  if (step === 'undrain') world.out.delete(node);
  return { type: 'reported', ...common, report: reportOf(task, world, rollout) };
}

/** A stop and a start of the service: it comes up with what lies on disk. */
function start(rollout: Rollout, world: World, node: string, region: string, at: number): void {
  const peers = (rollout.peers[region] ?? []).filter((name) => name !== node);
  // What is under way may be stopped at any moment, whatever it answers now, unless it waits at its own gate.
  const mayStop = (name: string) => {
    const other = rollout.nodes[name];
    const waits = other?.held?.due === other?.attempt && other?.begun !== other?.attempt;
    return other?.state.is === 'working' && other.touched && !waits;
  };
  world.starts.push({
    node,
    image: world.disk[node] ?? '',
    at,
    peersLeft: peers.filter((name) => serves(world, name) && !world.out.has(name) && !mayStop(name)).length,
    blindedLeft: blindedLeft(rollout, world, node),
    wasDown: !serves(world, node),
    wasOut: world.out.has(node),
    alerts: world.alerts,
    elsewhere: world.elsewhere,
    compatibility: world.compatibility,
    isFirstThere: nodesInOrder(rollout).every(
      (other) => other.name === node || other.region !== region || !other.touched,
    ),
    isFirstOfAll: nodesInOrder(rollout).every(({ name, touched }) => name === node || !touched),
    frozen: world.freezes.some((freeze) => freeze.start <= at && at < freeze.end),
  });
  world.image[node] = world.disk[node] ?? '';
  if (world.configured.has(node)) world.runsConfigured.add(node);
  else world.runsConfigured.delete(node);
  world.invocation[node] = (world.invocation[node] ?? 0) + 1;
  world.down.delete(node);
}

function blindedLeft(rollout: Rollout, world: World, node: string): number | null {
  const isUp = (name: string) => serves(world, name) && !world.out.has(name);
  const seen = (name: string) => isUp(name) && blindingOf(rollout, name).every(isUp);
  const counts = blindedBy(rollout, node).flatMap((lost) => {
    const [, all = []] = Object.entries(rollout.peers).find(([, names]) => names.includes(lost)) ?? [];
    return seen(lost) ? [all.filter((name) => name !== lost && seen(name)).length] : [];
  });
  return counts.length === 0 ? null : Math.min(...counts);
}

function reportOf({ step, node }: NodeTask, world: World, rollout: Rollout): Report {
  const isRecovery = rollout.recovery !== undefined;
  const isRestart = rollout.change?.is === 'restart';
  const isConfig = rollout.change?.is === 'config';
  const before = rollout.nodes[node]?.before;
  const invocation = `i${world.invocation[node]}`;
  const proof = { ...proofOf(world.image[node] ?? ''), invocation: `i${world.invocation[node]}` };
  switch (step) {
    case 'stage':
      if (isRestart) return succeeded({ before: { ...recorded, sha256: world.image[node] ?? '', invocation } });
      if (isConfig)
        return succeeded({
          already: world.runsConfigured.has(node),
          before: { ...recorded, sha256: world.image[node] ?? '', invocation },
        });
      if (isRecovery) return succeeded({ already: false, gets: recorded });
      return succeeded(
        world.image[node] === newImage ? { already: true, before: recorded } : { already: false, before: recorded },
      );
    case 'verify':
      if (isRestart)
        return serves(world, node) && before?.invocation !== invocation
          ? succeeded({ proof })
          : failed('health stayed 503 starting', false);
      if (isConfig)
        return serves(world, node) && world.runsConfigured.has(node)
          ? succeeded({ proof })
          : failed('health stayed 503 starting', false);
      return serves(world, node) && world.image[node] === newImage
        ? succeeded({ proof })
        : failed('health stayed 503 starting', false);
    case 'verify-restored': {
      const left = world.badRestore.get(node) ?? 0;
      if (left > 0) world.badRestore.set(node, left - 1);
      return left === 0 && serves(world, node) && world.image[node] === oldImage && !world.runsConfigured.has(node)
        ? succeeded({ proof })
        : failed('still sick', false);
    }
    case 'diagnose':
      return succeeded({ diagnosis: { summary: 'never healthy', evidence: [] } });
    default:
      return succeeded({});
  }
}

const succeeded = (facts: Extract<Report, { is: 'succeeded' }>['facts']): Report => ({ is: 'succeeded', facts });
export const failed = (reason: string, retry: boolean): Report => ({ is: 'failed', reason, retry, facts: {} });
const proofOf = (sha256: string) => ({ sha256, mainPid: 1, restarts: 0, version: null, soaked: 30_000 });

export interface Line {
  event: Event;
  tasks: string[];
}

/** The intent that a worker writes down before the first effect of a task; null for a look. */
export function intentOf(task: Task, at: number): Event | null {
  if (isLook(task)) return null;
  const { run, node, attempt } = task;
  if (isAction(task)) return { type: 'action-begun', at, run, phase: node, action: task.step, attempt };
  return { type: 'begun', at, run, node, step: task.step, attempt };
}

/** Drives a rollout with an honest worker until nothing is left to do; the clock jumps to what `nextWake` says. */
export function drive(
  begin: Rollout,
  world: World,
  options: { from: number; limit?: number; until?: (rollout: Rollout, now: number) => boolean },
): { rollout: Rollout; now: number; events: Event[] } {
  let rollout = begin;
  let now = options.from;
  const events: Event[] = [];
  for (let step = 0; step < (options.limit ?? 5_000) && isOpen(rollout); step++) {
    if (options.until?.(rollout, now)) break;
    const task = oneOf(rollout, todo(rollout, now), step);
    const opening = task && isLook(task) ? farOpening(rollout, now) : null;
    if (opening !== null) {
      now = opening;
      rollout = apply(rollout, { type: 'ticked', at: now }, events);
      continue;
    }
    if (task) {
      now += 100;
      const intent = intentOf(task, now);
      if (intent !== null) {
        rollout = apply(rollout, intent, events);
        if (!todo(rollout, now).some(({ id }) => id === task.id)) continue;
      }
      now += 1_000;
      rollout = apply(rollout, perform(rollout, task, world, now), events);
      continue;
    }
    if (isWatchedOnly(rollout)) break;
    const wake = nextWake(rollout, now);
    if (wake === null) break;
    now = wake;
    rollout = apply(rollout, { type: 'ticked', at: now }, events);
  }
  return { rollout, now, events };
}

/** What is begun is begun at once; nodes that are under way at the same time take turns. */
function oneOf({ policy, nodes }: Rollout, tasks: Task[], step: number): Task | undefined {
  if (policy.atOnce === 1) return tasks[0];
  return tasks.find(({ node }) => nodes[node]?.state.is === 'ready') ?? tasks[step % Math.max(tasks.length, 1)];
}

/** Hours until a window: the looks in between are not worth a test's time. */
function farOpening(rollout: Rollout, now: number): number | null {
  const phase = currentPhase(rollout);
  // Before anybody is asked, everything that is finished is looked at once more.
  const isDue =
    phase?.is === 'approval' && phase.state.is === 'pending' && (asksFrom(rollout, phase, now) ?? now) <= now;
  if (watching(rollout) !== null || isDue) return null;
  const far = whyWaiting(rollout, now).flatMap(({ opensAt }) =>
    opensAt !== null && opensAt > now + 300_000 ? [opensAt] : [],
  );
  return far.length === 0 ? null : Math.min(...far);
}

/** Nothing but a person moves it: it is looked at for days, which no test wants to see. */
function isWatchedOnly(rollout: Rollout): boolean {
  return (
    (rollout.status.is === 'paused' || asked(rollout).length > 0) &&
    !nodesInOrder(rollout).some(({ state }) => state.is === 'working' || state.is === 'staging')
  );
}

export function apply(rollout: Rollout, event: Event, events: Event[]): Rollout {
  const after = next(rollout, event);
  if (after !== rollout) events.push(event);
  return after === rollout ? rollout : { ...after, revision: rollout.revision + 1 };
}

export const states = (rollout: Rollout): string[] => nodesInOrder(rollout).map(({ state }) => state.is);
