import { day } from '../../base/duration.ts';
import { sameVersion } from '../../base/version.ts';
import { changedBuild } from './builds.ts';
import { isProven } from './proven.ts';
import type { Begun, DeclaredFreeze, Ledger, LedgerEvent, Left, Timing } from './types.ts';

/** Milliseconds for which a freeze is kept after its end; rollouts are kept as long. */
export const retention = 400 * day;

export const emptyLedger: Ledger = {
  revision: 0,
  freezes: [],
  nodes: {},
  begun: [],
  timings: {},
  snoozed: {},
  builds: {},
};

/**
 * Folds one fact into the ledger. Total: what is late, repeated or impossible returns the same object.
 * Never raises `revision`; the store does.
 */
export function fold(ledger: Ledger, event: LedgerEvent): Ledger {
  const after = change(ledger, event);
  if (after === ledger) return ledger;
  return { ...after, freezes: after.freezes.filter(({ end }) => end >= event.at - retention) };
}

function change(ledger: Ledger, event: LedgerEvent): Ledger {
  switch (event.type) {
    case 'froze':
      return froze(ledger, event);
    case 'unfroze':
      return unfroze(ledger, event);
    case 'began':
      return began(ledger, event);
    case 'left':
      return left(ledger, event);
    case 'timed':
      return timed(ledger, event);
    case 'accepted':
      return accepted(ledger, event);
    case 'snoozed':
      return snoozed(ledger, event);
    case 'build-asked':
    case 'build-stopped':
    case 'build-begun':
    case 'build-reported':
      return changedBuild(ledger, event);
  }
}

function froze(ledger: Ledger, event: Extract<LedgerEvent, { type: 'froze' }>): Ledger {
  const { id, at, by, regions, start, end, reason } = event;
  if (end <= start || end <= at || ledger.freezes.some((each) => each.id === id)) return ledger;
  const freeze: DeclaredFreeze = { id, regions, start, end, reason, author: by, declaredAt: at };
  return { ...ledger, freezes: [...ledger.freezes, freeze] };
}

/** It ends now; one that has not begun is left as an empty span, so that a repeat of its declaration changes nothing. */
function unfroze(ledger: Ledger, { at, ids }: Extract<LedgerEvent, { type: 'unfroze' }>): Ledger {
  const isLifted = (freeze: DeclaredFreeze) => ids.includes(freeze.id) && isStanding(freeze, at);
  if (!ledger.freezes.some(isLifted)) return ledger;
  const lifted = (freeze: DeclaredFreeze) => ({ ...freeze, end: Math.max(freeze.start, at) });
  return { ...ledger, freezes: ledger.freezes.map((each) => (isLifted(each) ? lifted(each) : each)) };
}

/** Whether it freezes anything at `at` (epoch ms) or later. */
export const isStanding = ({ start, end }: DeclaredFreeze, at: number): boolean => end > at && end > start;

/** A release is known by its version and by its binary: neither a new name nor a new binary makes it another one. */
function began(ledger: Ledger, { type: _type, ...begun }: Extract<LedgerEvent, { type: 'began' }>): Ledger {
  return begunBefore(ledger, begun) === null ? { ...ledger, begun: [...ledger.begun, begun] } : ledger;
}

/** Who began this release without an approval; null when nobody did. */
export function begunBefore({ begun }: Ledger, { version, sha256 }: Pick<Begun, 'version' | 'sha256'>): Begun | null {
  return begun.find((each) => sameVersion(each.version, version) || each.sha256 === sha256) ?? null;
}

function left(ledger: Ledger, { at, rollout, nodes }: Extract<LedgerEvent, { type: 'left' }>): Ledger {
  const newer = Object.entries(nodes)
    .filter(([name]) => (ledger.nodes[name]?.at ?? Number.NEGATIVE_INFINITY) < at)
    .map(([name, node]): [string, Left] => [name, { ...node, at, rollout }]);
  return newer.length === 0 ? ledger : { ...ledger, nodes: { ...ledger.nodes, ...Object.fromEntries(newer) } };
}

/** Timings of a node that are kept: what was long ago says little of now. */
const timingsKept = 10;

/** A rollout that went on after its end, with a rollback, says it again. */
function timed(ledger: Ledger, { at, rollout, bytes, nodes }: Extract<LedgerEvent, { type: 'timed' }>): Ledger {
  const changed = Object.entries(nodes).flatMap(([name, took]): [string, Timing[]][] => {
    const known = ledger.timings[name] ?? [];
    if (known.some((each) => each.rollout === rollout && each.at >= at)) return [];
    const others = known.filter((each) => each.rollout !== rollout);
    const all = [...others, { rollout, at, bytes, took }].toSorted((a, b) => a.at - b.at).slice(-timingsKept);
    return all.some((each) => each.rollout === rollout) ? [[name, all]] : [];
  });
  if (changed.length === 0) return ledger;
  return { ...ledger, timings: { ...ledger.timings, ...Object.fromEntries(changed) } };
}

/** What a rollout left later than that stays the record. */
function accepted(ledger: Ledger, event: Extract<LedgerEvent, { type: 'accepted' }>): Ledger {
  const { at, by, node, reason, found } = event;
  const before = Object.hasOwn(ledger.nodes, node) ? ledger.nodes[node] : undefined;
  if (before !== undefined && before.at >= at) return ledger;
  const first = event.with === undefined ? {} : { with: event.with };
  const proven = isProven(ledger, found.sha256);
  const { version, sha256, envSha256 } = found;
  const left: Left = { version, sha256, envSha256, at, rollout: null, accepted: { by, ...first, reason, proven } };
  return { ...ledger, nodes: { ...ledger.nodes, [node]: left } };
}

function snoozed(ledger: Ledger, event: Extract<LedgerEvent, { type: 'snoozed' }>): Ledger {
  const { at, by, node, as, until } = event;
  const before = Object.hasOwn(ledger.snoozed, node) ? ledger.snoozed[node] : undefined;
  if (until <= at || (before !== undefined && before.at >= at)) return ledger;
  return { ...ledger, snoozed: { ...ledger.snoozed, [node]: { as, by, at, until } } };
}
