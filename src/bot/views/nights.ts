import type { NightFound, NodeFound } from '../../jobs/index.ts';
import { fingerprint } from '../../trust/index.ts';
import { isToldOf } from '../../upgrade/ledger/index.ts';
import type { Ledger, Left } from '../../upgrade/ledger/types.ts';
import { verbs } from '../command.ts';
import { driftDetail, driftKind, isAdoptable, isRepairable } from './drift.ts';
import type { Button, Part } from './parts.ts';
import { count, foreign, span, when, who } from './text.ts';

/** Stands for a rollout's id where the messages of nights are kept: no rollout is called so. */
export const nightsName = 'drift';

export interface NightView {
  night: string;
  /** Of the regions whose last night this was. */
  found: NightFound[];
  /** Regions that no worker looked at in this night. */
  missed: string[];
  ledger: Ledger;
  /** By node, the open rollout that is at it. */
  busy: Record<string, string>;
  /** ms */
  snooze: number;
  /** Epoch ms. */
  now: number;
}

/** What stands in the channel of a night; `tells`: something of it wants somebody, so it is posted where it does not stand yet. */
export function nightParts(view: NightView): { tells: boolean; parts: Part[] } {
  const nodes = view.found.flatMap(({ nodes: all, at }) => all.map((each) => ({ ...each, at })));
  const told = nodes.map((each) => ({ each, answer: answerTo(each, view) }));
  const open = told.flatMap(({ each, answer }) => (answer === null ? [each] : []));
  const drifted = open.filter(({ found }) => found.is === 'off').length;
  const parts: Part[] = [
    { is: 'title', text: titleOf(drifted, open.length, view.missed.length) },
    ...open.slice(0, mostWithButtons).flatMap((each) => openParts(each, view)),
    ...linesOf(open.slice(mostWithButtons).map((each) => lineOf(each, view))),
    ...linesOf(told.flatMap(({ each, answer }) => (answer === null ? [] : [`✓ ${foreign(each.node, 80)}: ${answer}`]))),
    ...linesOf(
      view.missed.map((region) => `✗ *${foreign(region, 80)} was not looked at*: no worker of it did. Is one running?`),
    ),
    { is: 'note', text: `The night of ${view.night}. \`/zeitwork drift\` looks now.` },
  ];
  return { tells: open.length + view.missed.length > 0, parts };
}

const linesOf = (lines: string[]): Part[] => (lines.length === 0 ? [] : [{ is: 'lines', lines }]);

function titleOf(drifted: number, open: number, missed: number): string {
  if (drifted > 0) return `Drift: ${count(drifted, 'node')} ${drifted === 1 ? 'is' : 'are'} not as recorded`;
  if (open > 0)
    return `${count(open, 'node')} could not be compared with ${open === 1 ? 'its record' : 'their records'}`;
  return missed > 0 ? 'Not every region was looked at' : 'No drift is left of that night';
}

type Told = NodeFound & { at: number };

/** What became of it since, in words; null while nothing did. */
function answerTo({ node, as, at, found }: Told, { ledger, busy, now }: NightView): string | null {
  const left = recordOf(ledger, node);
  if (left !== undefined && left.at > at) return sinceThen(left);
  const snoozed = Object.hasOwn(ledger.snoozed, node) ? ledger.snoozed[node] : undefined;
  if (found.is === 'off' && snoozed !== undefined && !isToldOf(snoozed, as, now))
    return `snoozed by ${who(snoozed.by)} until ${when(snoozed.until)}`;
  const rollout = Object.hasOwn(busy, node) ? busy[node] : undefined;
  return rollout === undefined ? null : `rollout ${foreign(rollout, 60)} is at it`;
}

const recordOf = ({ nodes }: Ledger, node: string): Left | undefined =>
  Object.hasOwn(nodes, node) ? nodes[node] : undefined;

function sinceThen({ rollout, accepted, version, at }: Left): string {
  if (accepted !== undefined) return `accepted by ${who(accepted.by)}: ${foreign(accepted.reason, 200)}`;
  const what = foreign(version ?? 'what it was brought back to', 60);
  return rollout === null
    ? `found as it is by those who adopted the ledger, ${when(at)}`
    : `${what} was proven on it by rollout ${foreign(rollout, 60)}, ${when(at)}`;
}

/** A message has room for fifty blocks; what is said of the others stands in one. */
const mostWithButtons = 8;

function lineOf(each: Told, { ledger }: NightView): string {
  const detail = driftDetail(each, recordOf(ledger, each.node));
  return `✗ ${foreign(each.node, 80)}: *${driftKind(each) ?? ''}*. ${detail}.`;
}

function openParts(each: Told, view: NightView): Part[] {
  const left = recordOf(view.ledger, each.node);
  const { found } = each;
  const isLeft = found.is === 'off' && found.binary === 'memory' && found.starts === undefined;
  const rolls = isLeft && verbs.includes('restart');
  const more = rolls ? ['For more nodes than this one, `/zeitwork restart` goes through them one by one.'] : [];
  return [
    { is: 'lines', lines: [lineOf(each, view), ...more] },
    { is: 'buttons', buttons: buttonsOf(each, view, left) },
  ];
}

function buttonsOf(each: Told, { ledger, snooze }: NightView, left: Left | undefined): Button[] {
  const { node, as, found } = each;
  if (found.is !== 'off') return [];
  const reference = { r: nightsName, g: node, v: 0, o: fingerprint({ as }) };
  const repair: Button = {
    label: `Repair ${node}`,
    action: `recover:${node}`,
    reference,
    style: 'primary',
    typed: `recover ${node}`,
  };
  const adopt: Button = {
    label: `Adopt… ${node}`,
    action: `accept:${node}`,
    reference,
    typed: `drift adopt ${node} --reason "…"`,
  };
  const later: Button = {
    label: `Snooze ${node} for ${span(snooze)}`,
    action: `snooze:${node}`,
    reference,
    typed: `drift snooze ${node}`,
  };
  return [...(isRepairable(each, ledger, left) ? [repair] : []), ...(isAdoptable(each) ? [adopt] : []), later];
}
