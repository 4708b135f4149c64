import { createHash } from 'node:crypto';
import type { Actor } from '../../base/actor.ts';
import { Refused } from '../../base/errors.ts';
import { isMeantBy, serviceIn } from '../../base/sibling.ts';
import { checkWords } from '../../upgrade/checks/index.ts';
import type { Verdict } from '../../upgrade/compatibility/index.ts';
import { begunBefore, newEnvironments, paceOf } from '../../upgrade/ledger/index.ts';
import {
  allBrought,
  canaryOf,
  compatibilityOf,
  configurationOf,
  crossed,
  fleetOf,
  nodesInOrder,
  plan,
  regionsOf,
  sides,
  troublesOf,
  turns,
  whatRuns,
} from '../../upgrade/rollout/index.ts';
import type { Elsewhere, NodeSurvey, PlanInput, Release, Rollout } from '../../upgrade/rollout/types.ts';
import { type CommandContext, draftTtlMs, ended, type Facts, type Reply, withFacts } from '../context.ts';
import { compatibleFacts } from '../facts/compatible.ts';
import { nightFacts } from '../facts/night.ts';
import { rolloutFacts } from '../facts/rollout.ts';
import { type NodeTroubles, preview } from '../views/preview.ts';
import { fleetNow, glance, isSilence, survey, Unanswered } from './common.ts';
import { forgottenWords, newEpoch, refuseForgotten, whyForgotten } from './forgotten.ts';
import { nightOf } from './night.ts';
import { servicesOf } from './services.ts';

/** What somebody asked for, with all that they named. */
export type Request = Pick<
  PlanInput,
  'strategy' | 'requester' | 'startAt' | 'override' | 'regions' | 'limit' | 'rehearse' | 'change'
> & {
  /** null: what runs there when it is planned. */
  release: Release | null;
  /** In a fleet of several, those that are worked on, in order of work; `release` is that of the first. */
  services?: { key: string; release: Release | null }[];
};

/** Looks, plans, keeps the plan for whoever confirms it (not of a dry run), and answers with its preview. @throws Refused */
export async function show(
  context: CommandContext,
  request: Request,
  dryRun: boolean,
  remark: string | null,
  known: NodeSurvey[] | null = null,
): Promise<Reply> {
  const seen = known ?? (await seenFor(context, request));
  if (seen.every(isSilence)) {
    throw new Unanswered(`Nothing was planned: ${seen[0]?.detail}. Is a worker running?`);
  }
  const input = await inputOf(context, context.newId(), request, seen);
  const rollout = plan(input);
  const elsewhere = await elsewhereFor(context, rollout);
  const night = nightOf(input, rollout, context.playsUpTo);
  const troubles = [
    ...troublesBeside(input, rollout),
    ...(await environmentsBeside(context, rollout, seen)),
    ...(await forgottenElsewhere(context, request, seen)),
  ];
  if (!dryRun) await context.control.store.saveDraft(rollout, draftTtlMs);
  const token = dryRun ? null : `${rollout.id}~${fleetMark(seen)}`;
  const compatible = rollout.change === undefined ? verdictOf(input, rollout) : null;
  const reply = withFacts(
    {
      plan: token,
      rollout: rolloutFacts(rollout),
      foreseen: night === null ? null : nightFacts(night),
      compatible: compatibleFacts(compatible),
      warnings: troubles.map((each) => ({ ...each })),
      ...environmentFacts(rollout, seen),
    },
    preview({
      ...{ rollout, survey: seen, troubles, now: input.now, token, remark, night },
      second: wantsSecond(context, rollout),
      canary: canaryOf(fleetOf(context.fleet, request.services?.[0]?.key ?? null)) ?? null,
      ...{ elsewhere, compatible },
    }),
  );
  return remark === null ? reply : ended('outdated', reply);
}

/** Of the release that the matrix is about. */
function verdictOf(input: PlanInput, rollout: Rollout): Verdict | null {
  const [first] = sides(input);
  const own = first.fleet.regions.map(({ name }) => name);
  return compatibilityOf(
    first,
    nodesInOrder(rollout).filter(({ region }) => own.includes(region)),
  );
}

/**
 * Whether what a plan brings was proven on another fleet, as `elsewhereOf`.
 * @throws Refused where the settings let nobody plan what is not
 */
export async function elsewhereFor(context: Pick<CommandContext, 'elsewhere'>, rollout: Rollout): Promise<Elsewhere> {
  const found = await elsewhereOf(context, rollout);
  if (found.is === 'unproven' && found.refuses === true)
    throw new Refused(`The settings want it proven first: ${found.reason}.`);
  return found;
}

/** Of several releases the first that is not proven. What brings no release is proven nowhere. */
export async function elsewhereOf(context: Pick<CommandContext, 'elsewhere'>, rollout: Rollout): Promise<Elsewhere> {
  if (rollout.change !== undefined) return { is: 'not wanted' };
  const all = await Promise.all(allBrought(rollout).map(({ release }) => context.elsewhere(release)));
  const lacking = all.find(({ is }) => is === 'unproven') ?? all.find(({ is }) => is === 'doubted');
  return lacking ?? all[0] ?? { is: 'not wanted' };
}

/** What goes with a release the nodes are asked once it is known which versions they run. */
async function seenFor(
  context: CommandContext,
  { change, release, regions, services }: Request,
): Promise<NodeSurvey[]> {
  if (change?.is === 'config') return survey(context, 'work', change.wanted);
  const seen = await glance(context, 'work');
  if (release === null || change !== undefined) return seen;
  const fleet = fleetOf(context.fleet, services?.[0]?.key ?? null);
  const chosen = fleet.regions.filter(({ name }) => isChosen(regions, name)).flatMap(({ nodes }) => nodes);
  const wanted = crossed(fleet, release, chosen, seen);
  return wanted === null ? seen : survey(context, 'work', wanted);
}

/** What does not keep anybody from working on a node of this plan, and is worth knowing; see `plan` for what does. */
function troublesBeside(input: PlanInput, { nodes }: Rollout): NodeTroubles[] {
  return input.survey
    .filter(({ node }) => nodes[node] !== undefined)
    .map((seen) => ({ node: seen.node, words: [...wordsAbout(seen, input), ...illAlready(seen)] }))
    .filter(({ words }) => words.length > 0);
}

/** A restart brings it into effect, which may be what it is for; whoever starts it knows. */
async function environmentsBeside(
  { control }: CommandContext,
  { change, nodes, service }: Rollout,
  seen: NodeSurvey[],
): Promise<NodeTroubles[]> {
  if (change === undefined) return [];
  const all = newEnvironments(await control.ledger.load(), seen);
  return all
    .filter(({ node }) => nodes[node] !== undefined)
    .map(({ node }) => ({
      node,
      words: [
        `its ${service.envFile} is another one than was proven there last: the restart brings that into effect, ${change.is === 'restart' ? 'and nothing brings it back' : 'and a rollback goes back to it'}`,
      ],
    }));
}

/** A node that says so keeps no other region from being planned, and is not passed over in silence. */
async function forgottenElsewhere(
  context: CommandContext,
  { regions }: Request,
  seen: NodeSurvey[],
): Promise<NodeTroubles[]> {
  const elsewhere = regions === null ? [] : seen.filter(({ region }) => !isChosen(regions, region));
  const each = await Promise.all(
    elsewhere.map(async (one) => ({ node: one.node, words: await forgottenWords(context, [one]) })),
  );
  return each.flatMap(({ node, words }) =>
    words.length === 0 ? [] : [{ node, words: [`a run changed it that is not known here. ${whyForgotten}`] }],
  );
}

function wordsAbout(seen: NodeSurvey, input: PlanInput): string[] {
  if (seen.fitness === undefined) return [notLookedAt];
  const own = sides(input).filter(({ fleet }) => fleet.regions.some(({ name }) => name === seen.region));
  return own.flatMap((side) => troublesOf(seen, side)).map(({ text }) => text);
}

/** What is bad before anything is done is no fault of the release, and may hold it up all the same. */
const illAlready = ({ checks = [] }: NodeSurvey): string[] =>
  checks
    .filter(({ counts }) => counts !== 'good')
    .map((each) => `${checkWords(each)}: before anything is done, so not because of this release`);

const notLookedAt =
  'only what it runs was looked at, since its worker is of an older version: update the worker, or ask zeitwork doctor';

/** All that a plan is made of, as it is known now. */
export async function inputOf(
  context: CommandContext,
  id: string,
  request: Request,
  seen: NodeSurvey[],
): Promise<PlanInput> {
  const now = context.clock.now();
  await refuseForgotten(
    context,
    seen.filter(({ region }) => isChosen(request.regions, region) && isOfServices(request, region)),
  );
  const epoch = await newEpoch(context);
  const ledger = await context.control.ledger.load();
  const fleet = await fleetNow(context);
  const each = (request.services ?? [{ key: null, release: request.release }]).map(({ key, release: asked }) => {
    const one = fleetOf(fleet, key);
    const release = asked ?? whatRuns(one, request.regions, seen);
    const { version, binarySha256: sha256 } = release;
    return {
      key,
      release,
      begun: begunBefore(ledger, { version, sha256 }),
      pace: paceOf(ledger, one, release.archiveBytes),
    };
  });
  const [first] = each as [(typeof each)[number]];
  const { release, begun } = first;
  const services = each.flatMap((one) => (one.key === null ? [] : [{ ...one, key: one.key }]));
  const { services: _, ...asked } = request;
  return {
    ...{ ...asked, release, id, fleet, now, epoch, survey: seen, begun },
    pace: Object.assign({}, ...each.map(({ pace }) => pace)) as PlanInput['pace'],
    ...(services.length === 0
      ? {}
      : { services: services.map((one) => ({ key: one.key, release: one.release, begun: one.begun })) }),
  };
}

const isChosen = (regions: string[] | null, name: string): boolean =>
  regions?.some((word) => isMeantBy(name, word)) ?? true;

const isOfServices = ({ services }: Request, name: string): boolean =>
  services?.some(({ key }) => key === serviceIn(name)) ?? true;

/** What was asked, from the plan that it became. */
export function requestOf(context: CommandContext, draft: Rollout, starter: Actor): Request {
  const { fleet } = context;
  const chosen = regionsOf(draft);
  const all = fleet.regions.filter(({ name }) => chosen.includes(name)).flatMap(({ nodes }) => nodes);
  const planned = Object.keys(draft.nodes).length;
  const services = servicesOf(fleet, draft);
  const there = fleet.regions.filter(
    ({ name }) => services === undefined || services.some(({ key }) => key === serviceIn(name)),
  );
  return {
    ...(services === undefined ? {} : { services }),
    release: draft.change === undefined ? draft.release : null,
    ...(draft.change === undefined ? {} : { change: draft.change }),
    strategy: draft.strategy,
    requester: draft.requester,
    startAt: draft.startAt,
    override: wantsSecond(context, draft) ? withSecond(draft.override, starter) : draft.override,
    regions: chosen.length === there.length ? null : chosen,
    limit: planned < all.length ? planned : null,
    // Also where the settings wanted it: what was shown is never less.
    ...(turns(draft).some(({ rehearsal }) => rehearsal !== undefined) ? { rehearse: true as const } : {}),
  };
}

/** To break the glass takes two: the settings of now say so, and whoever asked is not the one who starts it. */
export const wantsSecond = ({ fleet }: CommandContext, { override }: Rollout): boolean =>
  override !== null && fleet.policy.breakers > 1;

const withSecond = (override: Request['override'], second: Actor): Request['override'] =>
  override === null ? null : { ...override, with: second };

/** What every node runs, in short: equal as long as nobody changed a version or an image; nor, where that is changed, an environment file. */
export function fleetMark(seen: NodeSurvey[]): string {
  const lines = seen
    .map(({ node, version, sha256, environment }) => `${node} ${version} ${sha256}${filesIn(environment)}`)
    .sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 12);
}

const filesIn = (seen: NodeSurvey['environment']): string =>
  seen?.is === 'read' ? ` ${seen.before} ${seen.after}` : '';

/** For programs: what it comes to on each node; nothing where no environment file is changed. */
function environmentFacts(rollout: Rollout, seen: NodeSurvey[]): Facts {
  if (configurationOf(rollout) === null) return {};
  const { nodes } = rollout;
  const read = seen.flatMap(({ node, environment }) =>
    nodes[node] === undefined || environment?.is !== 'read' ? [] : [{ node, ...environment }],
  );
  return {
    environment: read.map(({ node, before, after, differences }) => ({
      ...{ node, before, after },
      differences: differences.map(({ key, from, to, hidden = false }) => ({ key, from, to, hidden })),
    })),
  };
}
