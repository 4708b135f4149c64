import { inWords } from '../../base/duration.ts';
import { isMeantBy } from '../../base/sibling.ts';
import { isNewer } from '../../base/version.ts';
import { fits, nextOpening, openInterval, opensFrom } from '../../windows/index.ts';
import type { Calendar } from '../../windows/types.ts';
import { afterwardsFor } from './afterwards.ts';
import { balancersIn, refuseUnbalanced, withBalancers } from './balancing.ts';
import { agentsRefused, compatibilityOf, Incompatible, withAgents } from './compatible.ts';
import { compile, pathFor, type Side } from './compile.ts';
import { frozen, withRelease } from './configuration.ts';
import { troublesIn } from './fitness.ts';
import { announcedBefore, noticeFor } from './notice.ts';
import { backMs, forwardMs } from './pace.ts';
import { toldIn } from './persons.ts';
import { turns } from './phases.ts';
import { fleetOf } from './services.ts';
import { grouped } from './strategies.ts';
import { undoOf } from './traits.ts';
import {
  type Brought,
  type Fleet,
  type FleetNode,
  type NodeSurvey,
  type NodesPhase,
  type Notice,
  type Phase,
  type PlanInput,
  type Policy,
  Refused,
  type Region,
  type Rollout,
  type Trouble,
} from './types.ts';
import { unbegun, untouched } from './unbegun.ts';

/** An override (`--now`) ends by itself: milliseconds from the start that was asked for. */
const overrideEnds = 4 * 3_600_000;

/**
 * What will be done, frozen: names, windows, zones and policy are copied, so that an edited fleet file never shifts a
 * rollout that is under way.
 * @throws Refused with what to do instead
 */
export function plan(wanted: PlanInput): Rollout {
  const { now, change: asked } = wanted;
  const whole = { ...wanted.fleet, policy: policyFor(wanted.fleet.policy, asked) };
  const input = { ...wanted, fleet: whole };
  const each = sides(input);
  const notice = longest(each.map(noticeFor));
  const start = Math.max(now, input.startAt ?? now, now + (notice?.wanted ?? 0));
  const chosenFor = each.map((side) => ({ side, regions: ordered(chosen(side), side, start) }));
  const nodes = limited(
    chosenFor.flatMap(({ regions }) => regions),
    input.limit,
  );
  const works = chosenFor.map(({ side, regions }) => ({
    ...{ side, regions },
    nodes: nodes.filter(({ region }) => regions.some(({ name }) => name === region)),
  }));
  for (const { side, regions, nodes: own } of works) {
    refuseImpossible(side, regions, start);
    refuseSurprise(side, noticeFor(side));
    refuseUnfit(side, own);
    if (asked !== undefined) continue;
    refuseFinished(side, own);
    refuseIncompatible(side, own);
    refuseAgents(input, side, own);
  }
  const [{ side: first, nodes: ofFirst, regions: ofFirstService }] = works as [(typeof works)[number]];
  const change = asked?.is === 'config' ? frozen(asked, first.fleet, ofFirst, first.survey) : asked;
  const config = asked === undefined ? withRelease(first.fleet, first.release, ofFirst, first.survey) : null;
  const isBeside = input.strategy === 'blue-green';
  if (isBeside)
    refuseUnbalanced({ ...input, fleet: first.fleet }, ofFirstService, {
      services: works.length,
      changesKeys: config !== null,
    });
  const compiled = compile(works.map(sideOf), (node) => each.some((side) => isLeftAlone(node, side)));
  const phases = isBeside ? withBalancers(compiled, first) : compiled;
  for (const { side } of works) refuseLongRehearsal(side, phases, start);
  return {
    ...unbegun(whole),
    id: input.id,
    fleet: whole.name,
    service: first.fleet.service,
    release: first.release,
    ...severalOf(each),
    ...blindsOf(whole),
    strategy: input.strategy,
    policy: policyOf(whole, notice),
    requester: input.requester,
    createdAt: now,
    startAt: input.startAt,
    override: input.override === null ? null : { ...input.override, until: start + overrideEnds },
    epoch: input.epoch,
    phases,
    calendars: Object.fromEntries(whole.regions.map(({ name, calendar }) => [name, calendar])),
    nodes: Object.fromEntries(
      [
        ...nodes.map((node) => ({ ...untouched(node, now), already: each.some((side) => runsIt(node, side)) })),
        ...balancersIn(phases, nodes, whole, now),
      ].map((run) => [run.name, run]),
    ),
    pace: input.pace,
    ...(change === undefined ? {} : { change }),
    ...(config === null ? {} : { config }),
    ...(notice === undefined ? {} : { notice }),
    ...(whole.checklists === undefined ? {} : { checklists: whole.checklists }),
    ...(change === undefined ? afterwardsFor(whole) : {}),
  };
}

/** What was asked for each service by itself, in order of work: one plan of several is several plans of one, one after another. */
export function sides(input: PlanInput): [PlanInput, ...PlanInput[]] {
  const { services, regions, survey, rehearse, ...others } = input;
  if (services === undefined) return [{ ...input, survey: toldIn(regions, survey) }];
  const each = services.flatMap(({ key, release, begun }, index): PlanInput[] => {
    const fleet = fleetOf(input.fleet, key);
    const own = fleet.regions.map(({ name }) => name);
    const wanted = regions === null ? null : own.filter((name) => regions.some((word) => isMeantBy(name, word)));
    if (wanted?.length === 0) return [];
    const seen = toldIn(
      wanted,
      withAgents(
        input,
        key,
        survey.filter(({ region }) => own.includes(region)),
      ),
    );
    const mine = {
      ...others,
      fleet,
      release,
      begun,
      regions: wanted,
      survey: seen,
      services: [{ key, release, begun }],
    };
    return [index === 0 && rehearse !== undefined ? { ...mine, rehearse } : mine];
  });
  const [first, ...more] = each;
  if (first === undefined) throw new Refused(`There is no region ${(regions ?? []).join(', ')} of these services.`);
  return [first, ...more];
}

/** How long the one that wants most wants. */
const longest = (notices: (Notice | undefined)[]): Notice | undefined =>
  notices.reduce((one, other) => ((other?.wanted ?? 0) > (one?.wanted ?? 0) ? other : one));

function severalOf(sides: PlanInput[]): Pick<Rollout, 'services'> {
  if (sides.length < 2) return {};
  const each = sides.flatMap(({ fleet: { service }, services = [] }) =>
    services.map(({ key, release }): [string, Brought] => [key, { service, release }]),
  );
  return { services: Object.fromEntries(each) };
}

/** Of the whole fleet: what is not worked on may be blinded all the same. */
function blindsOf({ services = [] }: Fleet): Pick<Rollout, 'blinds'> {
  const some = services.filter(({ blinds }) => blinds.length > 0);
  return some.length === 0 ? {} : { blinds: Object.fromEntries(some.map(({ key, blinds }) => [key, blinds])) };
}

function sideOf({ side, regions, nodes }: { side: PlanInput; regions: Region[]; nodes: FleetNode[] }): Side {
  const parts = regions
    .map(({ name }) => ({
      name,
      nodes: sickFirst(
        nodes.filter(({ region }) => region === name),
        side.survey,
      ),
    }))
    .filter((part) => part.nodes.length > 0);
  return { groups: grouped(side.strategy, parts), input: side };
}

/** As the settings have it, with what follows from this release. */
function policyOf({ policy }: Fleet, notice: Notice | undefined): Policy {
  const announce = announcedBefore(policy, notice);
  return announce === undefined ? policy : { ...policy, announce };
}

function chosen({ fleet, regions }: PlanInput): Region[] {
  if (regions === null) return fleet.regions;
  const names = fleet.regions.map(({ name }) => name);
  const unknown = regions.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new Refused(`There is no region ${unknown.join(', ')}. The fleet has ${names.join(', ')}.`);
  }
  return fleet.regions.filter(({ name }) => regions.includes(name));
}

/** Whose window opens first goes first, so that the least time is spent on mixed versions; or as declared. */
function ordered(regions: Region[], { fleet, override }: PlanInput, start: number): Region[] {
  if (fleet.policy.order === 'declared' || override) return regions;
  return [...regions].sort((a, b) => opening(a.calendar, start) - opening(b.calendar, start));
}

const opening = (calendar: Calendar, start: number): number => opensFrom(calendar, start) ?? Number.MAX_SAFE_INTEGER;

function limited(regions: Region[], limit: number | null): FleetNode[] {
  const nodes = regions.flatMap((region) => region.nodes);
  return limit === null ? nodes : nodes.slice(0, limit);
}

function refuseImpossible(input: PlanInput, regions: Region[], start: number): void {
  const { override, startAt, now } = input;
  if (startAt !== null && startAt <= now) throw new Refused('That time has passed. Give a later one, or leave it out.');
  if (override) return;
  for (const region of regions) {
    const { name, calendar } = region;
    const following = nextOpening(calendar, start);
    if (openInterval(calendar, start) === null && following.is === 'never') {
      throw new Refused(`${name} has no window: ${following.reason}`);
    }
    const needed = neededAlone(input, region);
    if (fitsSome(calendar, start, needed)) continue;
    throw new Refused(
      `One node with its rollback reserve takes ${Math.ceil(needed / 60_000)} min, longer than the windows of ${name}. Widen them, or lower policy.expectedNode, policy.rollbackReserve or the soak.`,
    );
  }
}

/** Whoever was promised to hear of it before does, also in an emergency: what breaks the glass is no major. */
function refuseSurprise({ release, override }: PlanInput, notice: Notice | undefined): void {
  if (override === null || notice === undefined) return;
  throw new Refused(
    `${release.version} is a major version, which is announced ${inWords(notice.wanted)} before its first node; --now does not open that. Leave --now out, or lower policy.majors.notice.`,
  );
}

/** So many openings are looked at: a freeze may leave a short piece of one, and all of the next. */
const openingsTried = 14;

function fitsSome(calendar: Calendar, start: number, needed: number): boolean {
  const open = openInterval(calendar, start);
  if (open !== null && fits(open, start, needed)) return true;
  let after = start;
  for (let tried = 0; tried < openingsTried; tried++) {
    const following = nextOpening(calendar, after);
    if (following.is === 'never') return false;
    after = following.interval.start;
    if (fits(following.interval, after, needed)) return true;
  }
  return false;
}

/** What the slowest node of a region needs, and to bring it back: less than that is never left of a window. */
function neededAlone({ fleet: { policy, service }, pace }: PlanInput, { nodes }: Region): number {
  const path = pathFor(service);
  const way = { path, undo: undoOf(path) };
  const soak = Math.max(policy.soak, policy.canarySoak);
  const known = { policy, pace };
  const each = nodes.map(({ name }) => forwardMs(known, name, way, 0, soak, 'p90') + backMs(known, name, way, 'p90'));
  return Math.max(...each);
}

/** It is not parted over two windows: a node is finished in the one in which it was begun. */
function refuseLongRehearsal(
  { fleet: { policy, regions }, pace, override }: PlanInput,
  phases: Phase[],
  start: number,
): void {
  const regionOf = (turn: NodesPhase) =>
    regions.find(({ nodes }) => nodes.some(({ name }) => name === turn.rehearsal?.node));
  const turn = turns({ phases }).find((each) => regionOf(each) !== undefined);
  const { rehearsal } = turn ?? {};
  const region = turn === undefined ? undefined : regionOf(turn);
  if (turn === undefined || rehearsal === undefined || region === undefined || override) return;
  const known = { policy, pace };
  const there = forwardMs(known, rehearsal.node, rehearsal, 0, policy.canarySoak, 'p90');
  const needed = there + backMs(known, rehearsal.node, turn, 'p90');
  if (fitsSome(region.calendar, start, needed)) return;
  throw new Refused(
    `The rehearsal of the way back on ${rehearsal.node} takes ${Math.ceil(needed / 60_000)} min with its rollback reserve, longer than the windows of ${region.name}. Widen them, or lower policy.expectedNode or the soak; policy.rehearse says when there is one.`,
  );
}

/** What the steps would stumble over at night is mended before; see `troublesOf` for what may stay. */
function refuseUnfit(input: PlanInput, nodes: FleetNode[]): void {
  const whys = nodes.flatMap((node) => {
    const seen = input.survey.find((each) => each.node === node.name);
    const stopping = seen === undefined ? [] : troublesOf(seen, input).filter(({ stops }) => stops);
    if (stopping.length > 0) return [{ node: node.name, why: stopping.map(({ text }) => text).join('; ') }];
    return seen?.unit != null ? [] : [{ node: node.name, why: seen?.detail ?? 'no answer' }];
  });
  if (whys.length === 0) return;
  const each = [...new Set(whys.map(({ why }) => why))].map(
    (why) => `${whys.flatMap((one) => (one.why === why ? [one.node] : [])).join(', ')} (${why})`,
  );
  throw new Refused(
    `Nothing was started: nobody can work on ${each.join(', ')}. Mend that (zeitwork doctor says how), or leave the region out with --regions.`,
  );
}

/** What is wrong with a node that is to be worked on. One that runs the release already needs no room for it. */
export function troublesOf(
  seen: NodeSurvey,
  { fleet, release, change }: Pick<PlanInput, 'fleet' | 'release' | 'change'>,
): Trouble[] {
  if (seen.fitness === undefined) return [];
  if (change?.is === 'migrate') return [];
  if (change !== undefined) return troublesIn(seen.fitness, fleet.service, null, change.is);
  return troublesIn(seen.fitness, fleet.service, seen.sha256 === release.binarySha256 ? null : release);
}

function refuseFinished({ release, survey, services = [] }: PlanInput, nodes: FleetNode[]): void {
  const of = services.map(({ key }) => ` for ${key}`).join('');
  const seen = nodes.map(({ name }) => survey.find(({ node }) => node === name));
  if (seen.every((node) => node?.sha256 === release.binarySha256 && node.healthy)) {
    throw new Refused(`Nothing to do${of}: all ${nodes.length} nodes run ${release.version} and are healthy.`);
  }
  const newer = seen.filter((node) => isNewer(node?.version ?? '', release.version));
  if (newer.length > 0) {
    const names = newer.map((node) => `${node?.node} (${node?.version})`).join(', ');
    throw new Refused(`${release.version} is older than what runs on ${names}. To go back, use rollback.`);
  }
}

/** All reasons at once: whoever mends one shall not wait for the next. */
function refuseIncompatible(input: PlanInput, nodes: FleetNode[]): void {
  const verdict = compatibilityOf(input, nodes);
  const reasons = [...new Set((verdict?.refusals ?? []).map(({ text }) => text))];
  if (verdict === null || reasons.length === 0) return;
  const [first = '', ...others] = reasons.length === 1 ? reasons : reasons.map((text, at) => `${at + 1}. ${text}`);
  throw new Incompatible(
    `Nothing was started: ${input.release.version} does not go with what is there. ${[first, ...others].join('. ')}.`,
    verdict,
  );
}

/** Nothing that the services run beside agents may be left with one that it does not work with. */
function refuseAgents(input: PlanInput, { release, services = [] }: PlanInput, nodes: FleetNode[]): void {
  const reasons = services.flatMap(({ key }) => agentsRefused(input, key, release, nodes));
  if (reasons.length === 0) return;
  const text = `Nothing was started: ${release.version} does not go with what is there. ${[...new Set(reasons)].join('. ')}.`;
  throw new Refused(text);
}

/** A node that is down already costs no quorum: mend it first. */
function sickFirst(nodes: FleetNode[], survey: NodeSurvey[]): string[] {
  const sick = (name: string) => survey.find(({ node }) => node === name)?.healthy === false;
  const names = nodes.map(({ name }) => name);
  return [...names.filter(sick), ...names.filter((name) => !sick(name))];
}

/** Where nothing is changed nothing goes back by itself; and a way back is rehearsed for a release alone. */
function policyFor(policy: Policy, change: PlanInput['change']): Policy {
  if (change === undefined) return policy;
  return { ...policy, rehearse: 'never', ...(change.is === 'restart' ? { autoRollback: 'none' } : {}) };
}

/** As it was looked at; staging looks again. */
const runsIt = ({ name }: FleetNode, { release, survey, change }: PlanInput): boolean =>
  change === undefined && survey.some(({ node, sha256 }) => node === name && sha256 === release.binarySha256);

/** It runs the release, which also lies on its disk: staging finds nothing to do. Where that is not known, it is asked for. */
const isLeftAlone = (name: string, { release, survey, change }: PlanInput): boolean =>
  change === undefined &&
  survey.some(
    ({ node, sha256, fitness }) =>
      node === name && sha256 === release.binarySha256 && fitness?.seen?.disk === release.binarySha256,
  );
