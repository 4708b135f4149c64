import {
  currentPhase,
  declineOf,
  isOpen,
  isQueued,
  keptSince,
  longWatch,
  nodesInOrder,
  workingNodes,
} from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout, WatchPhase } from '../../upgrade/rollout/types.ts';
import { describeLocal } from '../../windows/index.ts';
import { forecast, stagedAt } from './forecast.ts';
import { reachedShort } from './goal.ts';
import { halts } from './halted.ts';
import { tally } from './tally.ts';
import { clean, clip, count } from './text.ts';
import { standsStill } from './waits.ts';
import { scopeName } from './words.ts';

/** How a rollout stands, and what it waits for, in plain words for a title: every message and answer says it with these. */
export function verdict(rollout: Rollout): string {
  const { unsigned } = rollout;
  if (!isOpen(rollout)) return standing(rollout);
  if (unsigned) return 'waiting to be adopted';
  const still = halts(rollout).length > 0 ? 'stopped by a file' : standsStill(rollout);
  return still === null ? standing(rollout) : joined(standing(rollout), still);
}

/** Of the node that was named last, without its name again. */
function joined(stands: string, still: string): string {
  const [name = ''] = still.split(' ');
  return stands.endsWith(` ${name}`) ? `${stands}, which${still.slice(name.length)}` : `${stands}; ${still}`;
}

function standing(rollout: Rollout): string {
  const { status } = rollout;
  switch (status.is) {
    case 'running':
      return going(rollout);
    case 'paused':
      return `paused${underWay(rollout)}`;
    case 'held':
      return status.node === null
        ? 'held, a decision is needed'
        : `held over ${name(status.node)}, a decision is needed${underWay(rollout)}`;
    case 'rolling-back': {
      const left = nodesInOrder(rollout).filter((node) => isQueued(rollout, node)).length;
      return `rolling back ${clip(clean(scopeName(status.scope)), 60)}, ${count(left, 'node')} to go`;
    }
    case 'stopping':
      return `stopping${underWay(rollout)}`;
    case 'done':
      return 'done, every node proven';
    case 'rolled-back':
      return 'rolled back';
    case 'stopped':
      return `stopped, ${tally(rollout).onNew.length} of ${count(tally(rollout).all, 'node')} ${reachedShort(rollout)}`;
  }
}

function going(rollout: Rollout): string {
  const working = workingNodes(rollout);
  if (working.length > 0) return `working on ${those(working)}`;
  const phase = currentPhase(rollout);
  if (phase?.is === 'watch' && phase.state.is === 'active') return watched(rollout, phase);
  if (phase?.is === 'approval' && phase.state.is === 'active') {
    const title = name(phase.title);
    return declineOf(phase) === null ? `waiting for approval of ${title}` : `waiting, ${title} was declined`;
  }
  const stuck = nodesInOrder(rollout).find(
    (node) => (node.held !== null && node.state.is === 'ready') || keptSince(rollout, node) !== null,
  );
  if (stuck !== undefined) return `${name(stuck.name)} waits`;
  return waitsUntil(rollout) ?? (rollout.startedAt === null ? 'prepared, nothing is touched yet' : 'going on');
}

/** A node that keeps the watch from its end, once people are called for it. */
function watched(rollout: Rollout, { title }: WatchPhase): string {
  const [worst] = longWatch(rollout)?.flapping ?? [];
  return `watching ${name(title)}${worst === undefined ? '' : `, ${name(worst[0])} flaps`}`;
}

/** For a window or a time: as long as nothing but the clock opens it. */
function waitsUntil(rollout: Rollout): string | null {
  const [next] = forecast(rollout).regions;
  const zone = rollout.calendars[next?.region ?? '']?.zone;
  const { startAt, startedAt, lastNodeAt } = rollout;
  if (next === undefined || zone === undefined) return null;
  const free = Math.max(stagedAt(rollout), startedAt ?? 0, lastNodeAt ?? 0);
  const isLater = next.begin > free + rollout.policy.pause && (startAt !== null || next.begin > free + 60_000);
  return isLater ? `waiting until ${describeLocal(next.begin, zone)}` : null;
}

function underWay(rollout: Rollout): string {
  const working = workingNodes(rollout);
  return working.length === 0 ? '' : `; ${those(working)} still under way`;
}

const name = (text: string): string => clip(clean(text), 60);

function those(nodes: NodeRun[]): string {
  const [first, ...more] = nodes.map((node) => name(node.name));
  return more.length < 2 ? [first, ...more].join(' and ') : `${first} and ${more.length} more`;
}
