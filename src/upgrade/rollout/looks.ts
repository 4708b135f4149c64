import type { Freeze } from '../../windows/types.ts';
import type { CheckResult, ChecksSeen } from '../checks/types.ts';
import { holdForWorse, withComparison } from './compared.ts';
import { lastingEvidence } from './facts.ts';
import { isLeftToPeople } from './gates.ts';
import { asked, changePhase, over, sinceOf, watching } from './phases.ts';
import { nextNode } from './places.ts';
import { goesForward, isOpen, nodeOf } from './queries.ts';
import { capped } from './rest.ts';
import { moveStatus } from './transitions.ts';
import type { Elsewhere, Event, Healthy, Lasting, NodeRun, RegionLooks, Rollout, Seen, WatchPhase } from './types.ts';

type Watched = Extract<Event, { type: 'watched' }>;

/** Looks in a row that must miss a node before the rollout is held: one lost probe is no outage. */
const missesAllowed = 3;

/** Really watched: one look at a region, folded in. What is finished and no longer as it was proven holds the rollout. */
export function watched(rollout: Rollout, event: Watched): Rollout {
  const before = rollout.looks[event.region];
  if (!before || !isOpen(rollout) || event.run !== rollout.run || event.attempt !== before.count + 1) return rollout;
  const looks = { ...rollout.looks, [event.region]: seenBy(before, event) };
  const seen = noted({ ...rollout, looks }, event);
  const watched = holdForChecks(holdForSickness(baked(seen, event), event), event);
  return kept(holdForWorse(seen, watched, event.at), event, before.keptSince ?? event.at);
}

/** What goes on keeping the next node from beginning is somebody's to end. */
function kept(rollout: Rollout, { region, at }: Watched, since: number): Rollout {
  const look = rollout.looks[region];
  const node = nextNode(rollout);
  if (look === undefined || node?.region !== region || !isLeftToPeople(rollout, node, at)) return rollout;
  return { ...rollout, looks: { ...rollout.looks, [region]: { ...look, keptSince: since } } };
}

function seenBy(before: RegionLooks, event: Watched): RegionLooks {
  const { attempt, at, seen } = event;
  const names = Object.keys(seen);
  const missed = (name: string) => (isFine(seen[name]) ? 0 : (before.misses[name] ?? 0) + 1);
  return {
    count: attempt,
    at,
    standing: Object.fromEntries(names.map((name) => [name, seen[name]?.standing ?? 'unclear'])),
    misses: Object.fromEntries(names.map((name) => [name, missed(name)])),
    ...checksOf(before, event),
    ...lastingOf(before, event),
    ...(event.tallies === undefined ? {} : { tallies: event.tallies }),
  };
}

/** What was asked this time alone; what is bad counts on, as long as no look finds it good. */
function checksOf({ ill = {} }: RegionLooks, { seen }: Watched): Pick<RegionLooks, 'checks' | 'ill'> {
  const all = Object.entries(seen).flatMap(([name, { checks }]) => (checks === undefined ? [] : [{ name, checks }]));
  if (all.length === 0) return {};
  const times = (name: string, of: ChecksSeen) =>
    countsOf(of) === 'bad' ? (ill[name] ?? 0) + 1 : countsOf(of) === 'good' ? 0 : (ill[name] ?? 0);
  return {
    checks: Object.fromEntries(all.map(({ name, checks }) => [name, checks])),
    ill: Object.fromEntries(all.map(({ name, checks }) => [name, times(name, checks)])),
  };
}

const countsOf = ({ others }: ChecksSeen): CheckResult['counts'] =>
  others.find(({ counts }) => counts === 'bad')?.counts ??
  others.find(({ counts }) => counts === 'unknown')?.counts ??
  'good';

/** Whether a look asks the finished nodes of a region what the settings want to know of them: while that bears on a decision. */
export const asksChecks = (rollout: Rollout, region: string): boolean =>
  goesForward(rollout) && (watching(rollout)?.regions.includes(region) === true || asked(rollout).length > 0);

/** Freezes stay until a look tells others; of the rest nobody knows what a look did not ask for. */
function lastingOf(before: RegionLooks, event: Watched): Lasting {
  const told = { ...event, freezes: event.freezes ?? before.freezes };
  const names = lastingEvidence.filter((name) => told[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, told[name]]));
}

/** The rollout as it would be if its regions were looked at now and only freezes and proof had changed; for whoever asks. */
export function knowing(rollout: Rollout, freezes: (region: string) => Freeze[], elsewhere: Elsewhere): Rollout {
  const looks = Object.entries(rollout.looks).map(([region, each]) => {
    const told = elsewhere.is === 'not wanted' ? {} : { elsewhere };
    return [region, { ...each, freezes: freezes(region), ...told }];
  });
  return { ...rollout, looks: Object.fromEntries(looks) };
}

const isFine = (seen: Seen | undefined) =>
  seen?.standing === 'healthy' && (seen.proof === 'holds' || seen.proof === 'not asked');

/** What each finished node of the region is known to be now. */
function noted(rollout: Rollout, { region, at, seen }: Watched): Rollout {
  const nodes = { ...rollout.nodes };
  for (const node of Object.values(nodes)) {
    const now = seen[node.name];
    if (node.region !== region || node.state.is !== 'done' || now === undefined) continue;
    nodes[node.name] = noteOne(node, now, rollout.looks[region]?.misses[node.name] ?? 0, at);
  }
  return { ...rollout, nodes };
}

function noteOne(node: NodeRun, seen: Seen, misses: number, at: number): NodeRun {
  const healthy = seen.standing === 'healthy' && seen.proof !== 'broken';
  const isSick = seen.proof === 'broken' || misses >= missesAllowed;
  return {
    ...node,
    seenAt: healthy ? at : node.seenAt,
    provenAt: healthy && seen.proof === 'holds' ? at : node.provenAt,
    sick: node.sick ?? (isSick ? { reason: seen.detail, at } : null),
    ...wayBackOf(seen, at),
  };
}

/** Of what could not be looked at nothing is known any more. */
function wayBackOf({ back, proof }: Seen, at: number): Pick<NodeRun, 'wayBack'> {
  const is = proof === 'unseen' ? 'unseen' : back;
  return is === undefined ? {} : { wayBack: { is, at } };
}

/** Healthy time is summed over gaps between healthy looks: neither a jump of the clock nor a pause of ours adds to it. */
function baked(rollout: Rollout, { region, at, seen, compared }: Watched): Rollout {
  const phase = watching(rollout);
  if (phase === null || !phase.regions.includes(region) || !goesForward(rollout)) return rollout;
  const before = phase.healthy[region] ?? { ms: 0, at: sinceOf(phase) };
  const healthy = { ...phase.healthy, [region]: healthyTime(before, Object.values(seen), at, rollout.policy.watch) };
  const { misses = {}, ill = {} } = rollout.looks[region] ?? {};
  const watched: WatchPhase = { ...phase, healthy, ...unwellSince(phase, misses, ill, seen) };
  const after: WatchPhase = { ...watched, ...withComparison(watched, region, compared) };
  const isProven = (name: string) => {
    const node = nodeOf(rollout, name);
    return node.region === region ? node.provenAt === at : node.provenAt !== null && node.sick === null;
  };
  const isOver =
    phase.regions.every((each) => healthy[each]?.at !== null && (healthy[each]?.ms ?? -1) >= phase.for) &&
    phase.nodes.every(isProven);
  return changePhase(rollout, phase.id, () => (isOver ? over(after, at) : after));
}

/** The first miss of several in a row is counted: a node that flaps misses again and again, and is never gone for long. */
function unwellSince(
  { unwell = {} }: WatchPhase,
  misses: Record<string, number>,
  ill: Record<string, number>,
  seen: Watched['seen'],
): Pick<WatchPhase, 'unwell'> {
  const isIll = (name: string) => ill[name] === 1 && isBad(seen[name]);
  const again = Object.keys(misses).filter((name) => misses[name] === 1 || isIll(name));
  if (again.length === 0) return {};
  return { unwell: { ...unwell, ...Object.fromEntries(again.map((name) => [name, (unwell[name] ?? 0) + 1])) } };
}

function healthyTime({ ms, at: last }: Healthy, all: Seen[], at: number, interval: number): Healthy {
  if (all.some((each) => each.standing === 'down' || each.proof === 'broken' || isBad(each)))
    return { ms: 0, at: null };
  if (!all.every((each) => isFine(each) && isChecked(each))) return { ms, at: null };
  return { ms: ms + (last === null ? 0 : capped(at - last, 2 * interval)), at };
}

/** What was bad before anything was done to a node is no fault of the release. */
export const wasIllBefore = ({ nodes }: Rollout, node: string, check: string): boolean =>
  nodes[node]?.illBefore?.some((each) => each.check === check && each.counts === 'bad') === true;

const isBad = (seen: Seen | undefined): boolean => seen?.checks !== undefined && countsOf(seen.checks) === 'bad';

/** Nothing that the settings ask of it is bad or unknown. */
const isChecked = ({ checks }: Seen): boolean => checks === undefined || countsOf(checks) === 'good';

/** As for a node that is sick: one bad look begins the watch anew, and several in a row call people. */
function holdForChecks(rollout: Rollout, { region, at, seen }: Watched): Rollout {
  if (!goesForward(rollout)) return rollout;
  const isIll = (name: string) => isBad(seen[name]) && (rollout.looks[region]?.ill?.[name] ?? 0) >= missesAllowed;
  const [first, ...others] = Object.keys(seen).filter(isIll);
  const found = seen[first ?? '']?.checks?.others.find(({ counts }) => counts === 'bad');
  if (first === undefined || found === undefined) return rollout;
  const when = watching(rollout)?.regions.includes(region)
    ? `while ${region} was being watched`
    : 'after it was finished';
  const more = others.length === 0 ? '' : `; also on ${others.join(', ')}`;
  const before = wasIllBefore(rollout, first, found.check) ? ' (it was bad before this node was touched, too)' : '';
  const reason = `${found.check} is ${found.is} on ${first} ${when}: ${found.says}${before}${more}`;
  return moveStatus(rollout, { is: 'held', reason, node: first, at, pending: null });
}

function holdForSickness(rollout: Rollout, { region, at, seen }: Watched): Rollout {
  if (!goesForward(rollout)) return rollout;
  const isBaking = watching(rollout)?.regions.includes(region) ?? false;
  const gone = (name: string) =>
    rollout.nodes[name]?.sick != null || (isBaking && (rollout.looks[region]?.misses[name] ?? 0) >= missesAllowed);
  const [first, ...others] = Object.keys(seen).filter(gone);
  if (first === undefined) return rollout;
  const names = [first, ...others].join(', ');
  const when = isBaking ? `while ${region} was being watched` : 'after it was finished';
  const reason = `${names} became unhealthy ${when}: ${seen[first]?.detail ?? 'no answer'}`;
  return moveStatus(rollout, { is: 'held', reason, node: first, at, pending: null });
}
