import { minute } from '../base/duration.ts';
import { placeOf, serviceIn, siblingName } from '../base/sibling.ts';
import { timeLimit } from '../base/time-limit.ts';
import { canonical } from '../trust/index.ts';
import type { ActionResult } from '../upgrade/actions/types.ts';
import type { Comparison } from '../upgrade/comparison/types.ts';
import { isRecorded } from '../upgrade/ledger/index.ts';
import {
  actionEvidence,
  actionGates,
  actionOf,
  askedByLooks,
  askedForLists,
  asksChecks,
  asksComparison,
  asksGates,
  asksWayBack,
  asSeenBy,
  backQuestion,
  balancersDone,
  blindedBy,
  blindingOf,
  changesAnything,
  changesNode,
  evidenceFor,
  fenceOf,
  finishedNodes,
  gates,
  isAction,
  isBalancer,
  isLeftSwitched,
  isLook,
  nodeOf,
  releaseOf,
  serviceOf,
  todo,
} from '../upgrade/rollout/index.ts';
import type {
  ActionPhase,
  ActionTask,
  BackSeen,
  CheckTallies,
  Fleet,
  Gate,
  LookTask,
  NodeTask,
  Policy,
  Report,
  Rollout,
  Sight,
  StepName,
  Task,
} from '../upgrade/rollout/types.ts';
import type { StepContext, StepResult } from '../upgrade/steps/types.ts';
import { begunSince, lookAfterwards } from './afterwards.ts';
import { collect } from './evidence.ts';
import { Halted, heeding } from './halt.ts';
import { LetGo, orAborted } from './lease.ts';
import { reasonOf } from './log.ts';
import { type LookParts, lookAt } from './looks.ts';
import { type FindOrder, presenting } from './orders.ts';
import { asWeKnow, disagreement } from './own-settings.ts';
import type { WorkOnNodes } from './parts.ts';
import type { StepEnd } from './queues.ts';
import type { RecordEvent } from './record.ts';
import { tallied } from './tallies.ts';
import type { LedgerStore, Store } from './types.ts';

export interface StepParts extends WorkOnNodes {
  store: Pick<Store, 'load' | 'newestIds'>;
  /** As the settings of this worker have it. */
  fleet: Pick<Fleet, 'service' | 'services' | 'regions' | 'policy'>;
  ledger: Pick<LedgerStore, 'load'>;
  record: RecordEvent;
  /** What allows a step on a node whose helper asks for it. */
  orders: FindOrder;
  /** Milliseconds after which a step counts as hung; `stepLimit` when absent. */
  limit?: (policy: Policy) => number;
}

/** Works on one task, if it is still to be done. `signal` aborts when another worker may have taken the task over. */
export type RunTask = (task: Task, signal: AbortSignal) => Promise<StepEnd>;

const overtaken: Gate = { name: 'state', reason: 'the rollout moved on meanwhile', owner: 'nobody', opensAt: null };

/** Word for word: a job may bear the name of a task that is due, and tell of another step or node. */
const isDue = (rollout: Rollout, task: Task, now: number): boolean =>
  todo(rollout, now).some((due) => canonical(due) === canonical(task));

/** The longest that any step may take under `policy`, in ms: beyond it the step hangs. */
export function stepLimit(policy: Policy): number {
  // Checks have as long as health has, and wait for two samples of a rate at most that long.
  const proof = 3 * policy.healthDeadline + 2 * Math.max(policy.soak, policy.canarySoak);
  return 2 * policy.transferTimeout + 10 * policy.commandTimeout + proof + minute;
}

export function taskRunner(parts: StepParts): RunTask {
  const { store, record, probe, clock, log } = parts;

  return async (task, signal) => {
    const rollout = await store.load(task.rollout);
    if (!rollout || !isDue(rollout, task, clock.now())) return 'dropped';
    if (isAction(task)) return act(task, signal);
    if (!isLook(task)) return work(task, signal);
    return task.step === 'after' ? lookAfter(task, rollout, signal) : watch(task, rollout, signal);
  };

  async function work(task: NodeTask, signal: AbortSignal): Promise<StepEnd> {
    const { run, node, step, attempt, id: job } = task;
    const at = clock.now();
    const began = clock.monotonic();
    const { rollout } = await record(task.rollout, { type: 'begun', at, run, node, step, attempt });
    if (!isDue(rollout, task, at)) return 'dropped';
    signal.throwIfAborted();
    const result = await outcome(task, rollout, signal);
    const took = Math.round(clock.monotonic() - began);
    const told = { rollout: task.rollout, region: task.region, job, node, step, attempt: tryOf(rollout, node), took };
    log.info({ ...told, result: result.is, ...reasonIn(result) }, 'step ended');
    parts.meter?.worked({ region: task.region, step, outcome: result.is, ms: took });
    const end = { at: clock.now(), run, node, step, attempt };
    if (result.is === 'gated') {
      await record(task.rollout, { type: 'gated', ...end, gates: result.gates, unchanged: result.unchanged });
      return 'gated';
    }
    await record(task.rollout, { type: 'reported', ...end, report: result });
    return 'reported';
  }

  async function act(task: ActionTask, signal: AbortSignal): Promise<StepEnd> {
    const { run, node: phase, step: action, attempt, region, id: job } = task;
    const at = clock.now();
    const began = clock.monotonic();
    const { rollout } = await record(task.rollout, { type: 'action-begun', at, run, phase, action, attempt });
    if (!isDue(rollout, task, at)) return 'dropped';
    signal.throwIfAborted();
    const result = await actionOutcome(task, rollout, signal);
    const took = Math.round(clock.monotonic() - began);
    const told = { rollout: task.rollout, region, job, phase, step: action, attempt, took };
    log.info({ ...told, result: result.is, ...reasonIn(result) }, 'action ended');
    parts.meter?.worked({ region, step: action, outcome: result.is, ms: took });
    const end = { at: clock.now(), run, phase, action, attempt };
    if (result.is === 'gated') {
      await record(task.rollout, { type: 'action-gated', ...end, gates: result.gates, unchanged: result.unchanged });
      return 'gated';
    }
    await record(task.rollout, { type: 'action-reported', ...end, report: result });
    return 'reported';
  }

  async function actionOutcome(task: ActionTask, recorded: Rollout, lease: AbortSignal): Promise<ActionResult> {
    const rollout = asWeKnow(recorded, parts.fleet);
    const phase = actionOf(rollout, task.node);
    const action = parts.actions?.[task.step];
    if (phase === null) return { is: 'unknown', reason: 'the plan has no such phase' };
    // A try of before may have been a worker's whose settings have it.
    if (action === undefined)
      return { is: 'unknown', reason: `the settings of this worker have nothing to ${task.step} with` };
    const limit = timeLimit(clock, (parts.limit ?? stepLimit)(rollout.policy));
    const signal = AbortSignal.any([lease, limit.signal]);
    const ask = (unchanged: boolean) => orAborted(shutForAction(task, unchanged), signal);
    try {
      const lacking = parts.vouchedAction === undefined ? null : await parts.vouchedAction(rollout, phase);
      if (lacking !== null) return { is: 'failed', reason: lacking, retry: false, ...(isClean(phase) ? clean : {}) };
      const fence = fenceOf(rollout, phase);
      return await orAborted(action({ rollout, phase, fence, clock, signal, gates: ask }), signal);
    } catch (error) {
      if (lease.aborted) throw lease.reason instanceof LetGo ? lease.reason : new LetGo(reasonOf(lease.reason));
      return { is: 'unknown', reason: limit.signal.aborted ? 'it hung and was given up' : reasonOf(error) };
    } finally {
      limit.lift();
    }
  }

  /** As for a stop: what is asked first, the newest rollout last. */
  async function shutForAction(task: ActionTask, unchanged: boolean): Promise<Gate[]> {
    const stored = await store.load(task.rollout);
    const phase = stored === null ? null : actionOf(stored, task.node);
    if (stored === null || phase === null) return [overtaken];
    const place = placeIn(asWeKnow(stored, parts.fleet), task.region);
    const names = actionEvidence(phase).filter((name) => name !== 'halt');
    const found = await collect(names, place, parts);
    const newest = await store.load(task.rollout);
    const halt = await parts.halt(task.region);
    const now = clock.now();
    const current = newest === null ? null : actionOf(newest, task.node);
    if (newest === null || current === null || !isDue(newest, task, now)) return [overtaken];
    return actionGates(asWeKnow(newest, parts.fleet), current, now, {
      ...found,
      halt,
      sight: { down: false, unchanged },
    });
  }

  async function outcome(task: NodeTask, recorded: Rollout, lease: AbortSignal): Promise<StepResult> {
    const rollout = asWeKnow(recorded, parts.fleet);
    const disagrees = disagreement(task, recorded, parts.fleet);
    if (disagrees !== null) return disagrees;
    const limit = timeLimit(clock, (parts.limit ?? stepLimit)(rollout.policy));
    const signal = AbortSignal.any([lease, limit.signal]);
    try {
      // Those that ask the gates themselves know better what they have changed.
      const said = changesAnything(task.step) && !asksGates(task.step) ? await parts.halt(task.region) : null;
      if (said?.is === 'lies') return halted(task.step, said.reason);
      const lacking = await lackingFor(task, rollout);
      if (lacking !== null) return { is: 'failed', reason: lacking, retry: false, facts: {} };
      return await orAborted(parts.steps[task.step](contextOf(task, rollout, signal)), signal);
    } catch (error) {
      // Whoever took the task over reports; a second voice would count a try that was none.
      if (lease.aborted) throw lease.reason instanceof LetGo ? lease.reason : new LetGo(reasonOf(lease.reason));
      if (error instanceof Halted) return halted(task.step, error.message);
      return broken(task.step, limit.signal.aborted ? 'the step hung and was given up' : reasonOf(error));
    } finally {
      limit.lift();
    }
  }

  /** What a person decided is read again before each step that comes nearer to a change. That a bot calls it a recovery excuses no step of an upgrade. */
  async function lackingFor({ step, node }: NodeTask, rollout: Rollout): Promise<string | null> {
    const recovers = rollout.recovery === undefined ? step === 'recover' : ofRecovery.includes(step);
    if (recovers) return unrecorded(rollout, node);
    if (parts.vouched === undefined || !approachesChange.includes(step)) return null;
    return parts.vouched(rollout, node);
  }

  /** Nobody is asked for a recovery, so a worker reads itself that this was proven there: whoever took over a bot gives a node nothing new. */
  async function unrecorded({ release }: Rollout, node: string): Promise<string | null> {
    const region = parts.fleet.regions.find(({ nodes }) => nodes.some(({ name }) => name === node));
    const peers = region?.nodes.map(({ name }) => name) ?? [];
    if (isRecorded(await parts.ledger.load(), node, release.binarySha256, peers)) return null;
    return `the ledger does not say that ${release.version} was proven on ${node}: stop it, and start an upgrade`;
  }

  function contextOf(task: NodeTask, rollout: Rollout, signal: AbortSignal): StepContext {
    const node = nodeOf(rollout, task.node);
    const { attempt } = task;
    const heeded = heeding(parts.shell, () => parts.halt(task.region), clock);
    const shell = presenting(heeded, () => parts.orders(rollout, task.node, task.step));
    const release = releaseOf(rollout, task.node);
    const archive = (): Promise<string> => parts.archives(release, signal);
    const withdrawn = () => parts.withdrawn(release);
    const gatesNow = (sight: Sight): Promise<Gate[]> => orAborted(shutGates(task, sight), signal);
    // Unit and paths are this worker's own, also on the way back: whoever adopts what is stored has not read them.
    const own = { ...asSeenBy(rollout, task.node), service: serviceOf(parts.fleet, task.node) };
    const balancing = isBalancer(node) ? parts.balancing?.(task.region, heeded) : null;
    const more = {
      ...(balancing == null ? {} : { balancing }),
      ...(parts.checks === undefined ? {} : { checks: parts.checks }),
      ...(parts.resolve === undefined ? {} : { resolve: parts.resolve }),
    };
    return { rollout: own, node, attempt, shell, probe, clock, signal, archive, withdrawn, gates: gatesNow, ...more };
  }

  /** Looks first and reads the rollout last: a stop that was asked for during the looks still counts. */
  async function shutGates(task: NodeTask, sight: Sight): Promise<Gate[]> {
    const stored = await store.load(task.rollout);
    if (!stored) return [overtaken];
    const before = asWeKnow(stored, parts.fleet);
    const names = evidenceFor(before, task.node, sight);
    const { region } = task;
    const place = placeIn(before, region);
    const found = await collect(
      names.filter((name) => name !== 'halt'),
      place,
      parts,
    );
    const newest = await store.load(task.rollout);
    // Last of all: what the probes and Redis took may have been enough for somebody to stop everything.
    const halt = await parts.halt(region);
    const now = clock.now();
    if (!newest || !isDue(newest, task, now)) return [overtaken];
    return gates(asWeKnow(newest, parts.fleet), task.node, now, { ...found, halt, sight });
  }

  async function watch(task: LookTask, rollout: Rollout, signal: AbortSignal): Promise<StepEnd> {
    const { run, region, attempt } = task;
    // A look is as old as its first answer.
    const at = clock.now();
    const began = clock.monotonic();
    const finished = task.step === 'prove' ? finishedNodes(rollout, region) : [];
    const balancers = balancersDone(rollout, region);
    const nodes = [...(rollout.peers[region] ?? []), ...balancers];
    const [seen, lasting, tallies, compared] = await Promise.all([
      lookAt(nodes, finished, withBalancers(rollout, region, balancers), signal, (name, until) =>
        wayBackOf(rollout, name, at, until),
      ),
      collect(askedByLooks(rollout), placeIn(rollout, region), parts),
      talliesOf(rollout, region, signal),
      comparedAt(rollout, region, at),
    ]);
    signal.throwIfAborted();
    await record(task.rollout, {
      type: 'watched',
      at,
      run,
      region,
      attempt,
      seen,
      ...lasting,
      ...tallies,
      ...compared,
    });
    parts.meter?.worked({ region, step: task.step, outcome: 'watched', ms: clock.monotonic() - began });
    return 'watched';
  }

  /** Nothing of it is believed when another rollout began meanwhile: what it takes down is no fault of this one. */
  async function lookAfter(task: LookTask, rollout: Rollout, signal: AbortSignal): Promise<StepEnd> {
    const { run, region, attempt } = task;
    const at = clock.now();
    const found = await lookAfterwards(rollout, region, parts, signal);
    signal.throwIfAborted();
    const newer = await begunSince(store, rollout.id);
    const event =
      newer === null
        ? ({ type: 'looked-after', at, run, region, attempt, ...found } as const)
        : ({ type: 'superseded', at: clock.now(), rollout: newer } as const);
    await record(task.rollout, event);
    return 'watched';
  }

  /** What a checklist wants of a machine, besides what each look finds out anyway. */
  async function talliesOf(rollout: Rollout, region: string, signal: AbortSignal): Promise<{ tallies?: CheckTallies }> {
    const names = askedForLists(rollout);
    if (names.length === 0 || parts.checks === undefined) return {};
    return { tallies: await tallied(names, askedIn(rollout, region), parts.checks, clock, signal) };
  }

  /** Checks are about the first service: beside another one its nodes are asked, once. */
  function askedIn({ peers, nodes }: Rollout, region: string): readonly string[] {
    const first = parts.fleet.services?.[0]?.key ?? null;
    if (first === null || serviceIn(region) === first) return peers[region] ?? [];
    const other = siblingName(placeOf(region), first);
    return Object.values(nodes).some((node) => node.region === other) ? [] : (peers[other] ?? []);
  }

  /** At the end of its watch, and then alone. */
  async function comparedAt(rollout: Rollout, region: string, at: number): Promise<{ compared?: Comparison[] }> {
    if (parts.compared === undefined || !asksComparison(rollout, region, at)) return {};
    return { compared: await parts.compared(rollout, region, at) };
  }

  /** Whoever only looks whether the next node may begin does not wait for them. */
  function withChecks(rollout: Rollout, region: string): StepParts {
    const { checks, ...others } = parts;
    return checks === undefined || !asksChecks(rollout, region) ? others : parts;
  }

  /** A finished turn of a balancer answers through it, and is what it was as long as the pool is as it was left. */
  function withBalancers(rollout: Rollout, region: string, balancers: string[]): LookParts {
    const own = withChecks(rollout, region);
    const balancing = balancers.length === 0 ? null : (parts.balancing?.(region, parts.shell) ?? null);
    if (balancers.length === 0) return own;
    const { checks } = own;
    const isOne = (name: string) => balancers.includes(name);
    return {
      clock,
      probe: {
        health: async (name, timeout) => {
          if (!isOne(name)) return probe.health(name, timeout);
          return balancing?.through() ?? { is: 'unreachable', detail: 'this worker has no balancer for it' };
        },
      },
      stillProven: async (name, proof, until) => {
        if (!isOne(name)) return parts.stillProven(name, proof, until);
        if (!isLeftSwitched(rollout, region)) return { is: 'holds' };
        return balancing?.still(rollout.peers[region] ?? [], until) ?? { is: 'unseen', reason: 'no balancer' };
      },
      ...(checks === undefined
        ? {}
        : { checks: async (name, at, until) => (isOne(name) ? [] : checks(name, at, until)) }),
    };
  }

  function wayBackOf(rollout: Rollout, name: string, at: number, signal: AbortSignal): Promise<BackSeen> | null {
    const node = nodeOf(rollout, name);
    const question = asksWayBack(node, at) ? backQuestion(rollout, node) : null;
    return question === null ? null : parts.wayBack(name, question, signal);
  }
}

function placeIn(rollout: Rollout, region: string) {
  const { peers, nodes } = rollout;
  const before = Object.values(nodes).flatMap((node) =>
    node.region === region && node.before?.version != null ? [[node.name, node.before.version] as const] : [],
  );
  const own = peers[region] ?? [];
  return {
    region,
    nodes: own,
    beside: [...new Set(besideOf(rollout, own))],
    release: releaseOf(rollout, region),
    before: Object.fromEntries(before),
  };
}

/** What serves only with these nodes, what these serve only with, and all that counts with it. */
function besideOf(rollout: Rollout, nodes: readonly string[]): string[] {
  const blinded = nodes.flatMap((name) => blindedBy(rollout, name));
  return [...blinded, ...[...nodes, ...blinded].flatMap((name) => blindingOf(rollout, name))].filter(
    (name) => !nodes.includes(name),
  );
}

const clean = { clean: true } as const;

/** This try is the first, and nothing of it was done yet. */
const isClean = ({ work: { state } }: ActionPhase): boolean =>
  state.is === 'working' && state.failures + state.unknowns === 0 && state.underWaySince === undefined;

/** The how-manyth try of the step it is. The number in its id only rises, over all steps of the node. */
function tryOf(rollout: Rollout, name: string): number {
  const { state } = nodeOf(rollout, name);
  return 'failures' in state ? state.failures + state.unknowns + 1 : 1;
}

/** Nothing was sent. Where an earlier try may have changed something, it is left to the next one. */
const halted = (step: StepName, reason: string): StepResult => ({
  is: 'gated',
  gates: [{ name: 'halt', reason, owner: 'whoever put the file there', opensAt: null }],
  unchanged: step === 'stage' || step === 'backup',
});

const ofRecovery: readonly StepName[] = ['stage', 'drain', 'recover'];
const approachesChange: readonly StepName[] = [
  ...(['backup', 'drain', 'switch', 'restart', 'configure'] as const),
  ...(['beside', 'lb-switch', 'lb-home'] as const),
];

function broken(step: StepName, reason: string): Report {
  return changesNode(step) ? { is: 'unknown', reason } : { is: 'failed', reason, retry: true, facts: {} };
}

/** In words, and, of gates, in names that a search finds. */
function reasonIn(result: StepResult | ActionResult): { reason?: string; gates?: string[] } {
  if (result.is === 'gated')
    return { reason: result.gates.map(({ reason }) => reason).join('; '), gates: result.gates.map(({ name }) => name) };
  return result.is === 'succeeded' ? {} : { reason: result.reason };
}
