import { minute } from '../../base/duration.ts';
import { fileOf } from './configuration.ts';
import { gates } from './gates.ts';
import { next } from './next.ts';
import { goesForward, inScope, isDown, isQueued, leadsBack, nodeOf, nodesInOrder } from './queries.ts';
import { releaseOf } from './services.ts';
import { goingBack } from './todo.ts';
import type { BackQuestion, BackSeen, Event, Gate, NodeRun, Rollout, Standing } from './types.ts';

type Asked = Extract<Event, { type: 'rollback-asked' }>;

/** What a rollback would do now. */
export interface BackPlan {
  /** In the order in which they would go, each with what would keep it from its stop. */
  back: { node: NodeRun; shut: Gate[] }[];
  /** In its scope, and left as they are. */
  stays: NodeRun[];
}

/**
 * The decision is played and thrown away, so this cannot say anything else than what would happen.
 * @param standing what every node answers now, by name; null: nobody was asked, and no gate is
 */
export function backPlan(rollout: Rollout, asked: Asked, standing: Record<string, Standing> | null): BackPlan {
  const now = standing === null ? rollout : withStanding(rollout, standing);
  const after = next(now, asked);
  const all = nodesInOrder(after).filter((node) => inScope(node, asked.scope) || isQueued(after, node));
  const [first, rest] = [true, false].map((is) =>
    all.filter((node) => goesBackNow(after, node) && isUnderWay(node) === is),
  );
  const order = [...(first ?? []), ...goingBack(after, rest ?? [])];
  const back = order.map((node, index) => {
    const before = order.slice(0, index).map(({ name }) => name);
    return { node, shut: standing === null ? [] : shutFor(after, node, before, standing, asked.at) };
  });
  return { back, stays: all.filter((node) => !order.includes(node)) };
}

const isUnderWay = ({ state }: NodeRun): boolean => state.is === 'working';

const goesBackNow = (rollout: Rollout, node: NodeRun): boolean =>
  isQueued(rollout, node) || (node.state.is === 'working' && node.state.direction === 'back');

/** They go one by one: when it is this one's turn those before it serve again. */
function shutFor(
  rollout: Rollout,
  node: NodeRun,
  before: string[],
  standing: Record<string, Standing>,
  at: number,
): Gate[] {
  const others = Object.entries(rollout.nodes).map(([name, each]) => [
    name,
    name !== node.name && each.state.is === 'working' ? { ...each, touched: false, drained: false } : each,
  ]);
  const served = { ...standing, ...Object.fromEntries(before.map((name) => [name, 'healthy' as const])) };
  const sight = { down: standing[node.name] === 'down', unchanged: false };
  // Only a worker sees the file that halts it: as the last look told.
  const halt = rollout.looks[node.region]?.halt ?? ({ is: 'clear' } as const);
  const evidence = { standing: served, halt, sight };
  return gates({ ...rollout, nodes: Object.fromEntries(others) }, node.name, at, evidence);
}

function withStanding(rollout: Rollout, standing: Record<string, Standing>): Rollout {
  const looks = Object.entries(rollout.looks).map(([region, look]) => {
    const names = rollout.peers[region] ?? [];
    return [
      region,
      { ...look, standing: Object.fromEntries(names.map((name) => [name, standing[name] ?? 'unclear'])) },
    ];
  });
  return { ...rollout, looks: Object.fromEntries(looks) };
}

/** What a look at its way back goes by; null where this rollout left nothing to bring back, or knows not to what. */
export function backQuestion(rollout: Rollout, node: NodeRun): BackQuestion | null {
  const { touched, before, decided } = node;
  if (!touched || before === null || !leadsBack(rollout)) return null;
  const kept = decided?.as === 'keep' && decided.foreign.what === 'environment' ? decided.foreign.sha256 : null;
  const put = fileOf(rollout, node)?.after;
  return { before, release: releaseOf(rollout, node.name).binarySha256, kept, ...(put === undefined ? {} : { put }) };
}

/** It changes seldom, and costs the node a look of its own. */
const looksAgain = minute;

/** Whether the next look at a finished node asks for its way back, too. */
export function asksWayBack(node: NodeRun, now: number): boolean {
  const { wayBack, state } = node;
  const since = state.is === 'done' ? state.at : 0;
  return (
    wayBack === undefined || wayBack.at < since || wayBack.is !== 'ready' || Math.abs(now - wayBack.at) >= looksAgain
  );
}

/** Why nobody can say that a node could go back now. `peers`: too few others serve for its stop. */
export type BackLack = Exclude<BackSeen, 'ready'> | 'not seen' | 'peers';

export interface Readiness {
  /** Nodes that this rollout changed and has not brought back, but those that are being worked on. */
  all: NodeRun[];
  lacks: { node: NodeRun; lack: BackLack }[];
  /** The oldest of the looks that this rests on, epoch ms; null while others follow, or when there was none. */
  seenAt: number | null;
}

/** As looks saw it since each node was finished: what nobody saw is not ready. */
export function readiness(rollout: Rollout): Readiness {
  const all = leadsBack(rollout)
    ? nodesInOrder(rollout).filter(({ touched, state }) => touched && state.is !== 'working')
    : [];
  const lacks = all.flatMap((node) => {
    const lack = lackOf(rollout, node);
    return lack === null ? [] : [{ node, lack }];
  });
  const seen = all.flatMap(({ wayBack }) => wayBack?.at ?? []);
  return { all, lacks, seenAt: goesForward(rollout) || seen.length === 0 ? null : Math.min(...seen) };
}

function lackOf(rollout: Rollout, node: NodeRun): BackLack | null {
  const { wayBack, state } = node;
  if (wayBack === undefined || (state.is === 'done' && wayBack.at < state.at)) return 'not seen';
  if (wayBack.is !== 'ready') return wayBack.is;
  return hasPeers(rollout, node) ? null : 'peers';
}

/** The quorum of its way back, by the last look at the region. */
function hasPeers(rollout: Rollout, node: NodeRun): boolean {
  const { looks, peers, policy } = rollout;
  if (isDown(rollout, node)) return true;
  const standing = looks[node.region]?.standing ?? {};
  const others = (peers[node.region] ?? []).filter((name) => name !== node.name);
  return others.filter((name) => standing[name] === 'healthy').length >= policy.minimumHealthy;
}

/** By node, what to ask of those that a rollback would bring back. */
export function backQuestions(rollout: Rollout, names: string[]): Record<string, BackQuestion> {
  const asked = names.flatMap((name): [string, BackQuestion][] => {
    const question = backQuestion(rollout, nodeOf(rollout, name));
    return question === null ? [] : [[name, question]];
  });
  return Object.fromEntries(asked);
}
