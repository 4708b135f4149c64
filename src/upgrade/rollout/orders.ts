import { day } from '../../base/duration.ts';
import { Bug } from '../../base/errors.ts';
import { isAny } from '../../base/is-any.ts';
import { approvals, takesNodes, turnOf } from './phases.ts';
import { nodesInOrder } from './queries.ts';
import { broughtTo } from './services.ts';
import type { Event, NodeRun, Rollout } from './types.ts';

/**
 * What an order lets a node's helper do. `stage`: take the archive and make everything ready; `change`: the node's turn, and
 * its way back to a backup that was made in it; `return`: the way back alone; `recover`: the release as it was there before,
 * whatever lies there now; `tidy`: remove backups of long ago, once nobody goes back to them; `restart`: what runs there is started
 * anew, and no file is touched.
 */
export const orderClasses = ['stage', 'change', 'return', 'recover', 'tidy', 'restart'] as const;
export type OrderClass = (typeof orderClasses)[number];

/** What one decision lets one node do. */
export interface Order {
  fleet: string;
  rollout: string;
  node: string;
  unit: string;
  class: OrderClass;
  /** SHA-256 of the binary, and of the archive that it comes in. */
  release: string;
  archive: string;
  /** The commands that may be done under it carry this number. */
  epoch: number;
  /** A backup that was made under this number may be gone back to. */
  madeUnder: number;
  /** The same for this one, which an earlier run recorded: `BINARY ENVIRONMENT`; null when none is known. */
  backup: string | null;
  /** What a person decided about somebody's work on the node, by its one name; null when nobody did. */
  decided: { as: 'replace' | 'keep'; sha256: string } | null;
  /** Bytes of the archive; null where none may be sent. */
  bytes: number | null;
  /** Epoch ms. */
  notAfter: number;
}

/** What is signed: lines that a shell can read. */
export function orderText(order: Order): string {
  if (!isSpelled(order)) throw new Bug(`not an order: ${JSON.stringify(order)}`);
  return linesOf(order)
    .map(([key, value]) => `${key} ${value}\n`)
    .join('');
}

/** Hashes are what a worker reported: with a line break in one it would add a line of its own to what is signed. */
const isSpelled = (order: Order): boolean =>
  linesOf(order).every(([, value]) => /^[!-~]+(?: [!-~]+)?$/.test(String(value)));

function linesOf(order: Order): [string, string | number][] {
  return [
    ['zeitwork-order', 1],
    ['fleet', order.fleet],
    ['rollout', order.rollout],
    ['node', order.node],
    ['unit', order.unit],
    ['class', order.class],
    ['release', order.release],
    ['archive', order.archive],
    ['epoch', order.epoch],
    ['made-under', order.madeUnder],
    ['backup', order.backup ?? '-'],
    // Only where there is something to say: a helper of before refuses what it does not know, and a way back must not wait for it.
    ...(order.decided === null ? [] : [['decided', `${order.decided.as} ${order.decided.sha256}`] as [string, string]]),
    ...(order.bytes === null ? [] : [['bytes', order.bytes] as [string, number]]),
    ['not-after', Math.floor(order.notAfter / 1_000)],
  ];
}

/** How long an order may be presented: windows, watches and approvals take days; a way back may be wanted weeks later. */
export const lifetimes: Record<OrderClass, number> = {
  stage: 14 * day,
  change: 14 * day,
  return: 90 * day,
  recover: 14 * day,
  tidy: 90 * day,
  restart: 14 * day,
};

type Decision = Event | { type: 'created'; at: number };

/**
 * The orders that follow from one decision; empty for what is none. An order is issued for what the decision opens and
 * for nothing else: a new run has a number of its own, so it wants all that was open anew.
 * @param rollout as it is after it
 */
export const ordersAfter = (rollout: Rollout, decision: Decision): Order[] =>
  allAfter(rollout, decision).filter(isSpelled);

function allAfter(rollout: Rollout, decision: Decision): Order[] {
  // What nobody signed may name any backup: its way back is the newest on the node, and needs none (`zeitwork return`).
  if (rollout.onlyBack) return [];
  if (rollout.recovery !== undefined) return toRecover(rollout, decision);
  if (rollout.change?.is === 'restart') return toRestart(rollout, decision);
  // Where a helper takes orders no configuration is changed.
  if (rollout.change?.is === 'config') return [];
  switch (decision.type) {
    case 'created':
    case 'retried':
    case 'decided':
    case 'resumed':
      return nodesInOrder(rollout).flatMap((node) => forward(rollout, node, decision.at));
    case 'approved':
      return openedBy(rollout, decision.phase).flatMap((node) => forward(rollout, node, decision.at));
    case 'rollback-asked':
      return nodesInOrder(rollout)
        .filter(({ touched, drained }) => touched || drained)
        .flatMap((node) => [
          orderFor(rollout, node, 'return', decision.at),
          tidying(rollout, node, decision.at),
          lyingReturn(rollout, node, decision.at),
        ]);
    default:
      return [];
  }
}

/** One class for all of it: nobody is asked in between, and what it may put there is what was there before. */
function toRecover(rollout: Rollout, { type, at }: Decision): Order[] {
  const opens = isAny(type, 'created', 'retried', 'decided', 'resumed');
  const serves = nodesInOrder(rollout).filter(({ drained }) => type === 'rollback-asked' && drained);
  return (opens ? nodesInOrder(rollout) : serves).flatMap((node) => [
    orderFor(rollout, node, 'recover', at),
    tidying(rollout, node, at),
  ]);
}

/** Goes with what changes a node: who decides that decides what becomes of its backups once it stands. */
const tidying = (rollout: Rollout, node: NodeRun, at: number): Order => ({
  ...orderFor(rollout, node, 'tidy', at),
  decided: null,
});

/** Nothing is staged, and no backup is needed: an approval opens the restart. What is out of service goes back into it in any case. */
function toRestart(rollout: Rollout, decision: Decision): Order[] {
  const { type, at } = decision;
  const all = nodesInOrder(rollout);
  const opened = isAny(type, 'created', 'retried', 'decided', 'resumed')
    ? all.filter((node) => node.touched || isOpened(rollout, node))
    : decision.type === 'approved'
      ? openedBy(rollout, decision.phase)
      : [];
  const out = all.filter(({ drained }) => drained && isAny(type, 'retried', 'rollback-asked'));
  return [
    ...opened.map((node) => orderFor(rollout, node, 'restart', at)),
    ...out.map((node) => orderFor(rollout, node, 'return', at)),
  ];
}

function forward(rollout: Rollout, node: NodeRun, at: number): Order[] {
  const changes = isOpened(rollout, node) ? (['change'] as const) : [];
  // What was begun is finished without another approval, and what is out of service goes back into it.
  const begun = node.touched && changes.length === 0 ? (['change'] as const) : [];
  const back = node.drained ? (['return'] as const) : [];
  const classes = ['stage', ...changes, ...begun, ...back] as const;
  const after = changes.length + begun.length > 0 ? [tidying(rollout, node, at)] : [];
  return [...classes.map((each) => orderFor(rollout, node, each, at)), ...after, lyingReturn(rollout, node, at)];
}

/** No approval that its turn waits for is missing. Where nothing was to be changed, nobody was asked, and nothing is. */
function isOpened(rollout: Rollout, node: NodeRun): boolean {
  const turn = turnOf(rollout, node.name);
  if (!takesNodes(turn)) return false;
  return approvals(rollout).every(({ opens, state }) => !opens.includes(turn.id) || state.is === 'done');
}

function openedBy(rollout: Rollout, phase: string): NodeRun[] {
  const said = approvals(rollout).find(({ id }) => id === phase);
  if (said?.state.is !== 'done') return [];
  return nodesInOrder(rollout).filter(({ name }) => said.opens.includes(turnOf(rollout, name).id));
}

function orderFor(rollout: Rollout, node: NodeRun, which: OrderClass, at: number): Order {
  const { fleet, id, epoch } = rollout;
  const { service, release } = broughtTo(rollout, node.name);
  const { before, decided } = node;
  return {
    fleet,
    rollout: id,
    node: node.name,
    unit: service.unit,
    class: which,
    release: release.binarySha256,
    archive: release.archiveSha256,
    epoch,
    madeUnder: epoch,
    backup: before === null ? null : `${before.sha256} ${before.envSha256 ?? '-'}`,
    decided: decided === null ? null : { as: decided.as, sha256: decided.foreign.sha256 },
    bytes: isAny(which, 'stage', 'recover') ? release.archiveBytes : null,
    notAfter: Math.max(at, rollout.startAt ?? 0) + lifetimes[which],
  };
}

/**
 * Lies with the backup on the node, for whoever has to go back when nobody can be asked. Its number is the next one: what
 * comes late of the run that made the backup changes nothing any more.
 */
function lyingReturn(rollout: Rollout, node: NodeRun, at: number): Order {
  return { ...orderFor(rollout, node, 'return', at), decided: null, epoch: rollout.epoch + 1 };
}
