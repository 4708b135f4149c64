import { createHash } from 'node:crypto';
import type { Actor } from '../../base/actor.ts';
import { Refused } from '../../base/errors.ts';
import { begunBefore, paceOf } from '../../upgrade/ledger/index.ts';
import {
  approvals,
  canaryOf,
  isBegunFreely,
  isOpen,
  plan,
  regionsOf,
  troublesOf,
} from '../../upgrade/rollout/index.ts';
import type { NodeSurvey, PlanInput, Rollout } from '../../upgrade/rollout/types.ts';
import { neverCloses, nextOpening } from '../../windows/index.ts';
import type { When } from '../command.ts';
import { type Asking, type CommandContext, draftTtlMs, ended, type Reply, say, withFacts } from '../context.ts';
import { nightFacts } from '../facts/night.ts';
import { rolloutFacts } from '../facts/rollout.ts';
import { beginsLater } from '../views/forecast.ts';
import { type NodeTroubles, preview } from '../views/preview.ts';
import { foreign } from '../views/text.ts';
import {
  demand,
  fleetNow,
  glance,
  type Handler,
  isSilence,
  knownRegion,
  survey,
  timeOf,
  Unanswered,
} from './common.ts';
import { nightOf } from './night.ts';
import { cancelStart } from './reschedule.ts';

type Request = Pick<PlanInput, 'release' | 'strategy' | 'requester' | 'startAt' | 'override' | 'regions' | 'limit'>;

/** Answers with a plan; nothing starts before it is confirmed. */
export const upgrade: Handler<'upgrade'> = async (context, asking, command) => {
  await demand(context, asking, { is: 'start' });
  if (command.when.is === 'now') {
    await demand(context, asking, { is: 'override' });
    if (context.fleet.policy.breakers > 1 && command.regions === null) {
      throw new Refused('--now opens only what it names: add --regions, for example --regions us-east.');
    }
  }
  for (const name of command.regions ?? []) knownRegion(context, name);
  await refuseTaken(context);
  const request: Request = {
    release: await context.releases.resolve(command.version),
    strategy: command.strategy ?? 'regions',
    requester: asking.actor,
    regions: command.regions,
    limit: command.limit,
    startAt: startAt(context, command.when, command.regions),
    override: command.when.is === 'now' ? { by: asking.actor, reason: command.when.reason } : null,
  };
  return show(context, request, command.dryRun, null);
};

/** The same for later. */
export const schedule: Handler<'schedule'> = (context, asking, command) => upgrade(context, asking, command.upgrade);

/** Takes the plan once, makes it anew over the fleet as it is now, and starts it if nothing moved since it was shown. */
export const start: Handler<'start'> = async (context, asking, { plan: token }) => {
  const draft = await taken(context, asking, 'start', token);
  await mayStart(context, asking, draft);
  const seen = await survey(context, 'work');
  const request = requestOf(context, draft, asking.actor);
  if (fingerprint(seen) !== token.split('~')[1] && token.includes('~')) {
    return show(context, request, false, 'The fleet has changed since the plan was made. This is the new plan:', seen);
  }
  const rollout = await made(context, draft.id, request, seen);
  // Whoever overrides freezes overrides those that they were shown.
  if (freezesIn(rollout, rollout.createdAt) !== freezesIn(draft, rollout.createdAt)) {
    const remark = 'A freeze was declared or lifted since the plan was made. This is the new plan:';
    return show(context, request, false, remark, seen);
  }
  if (askedIn(rollout) !== askedIn(draft)) {
    const remark = 'Who must approve has changed since the plan was made. This is the new plan:';
    return show(context, request, false, remark, seen);
  }
  if (isBegunFreely(rollout) && !(await isFirstToBegin(context, rollout))) {
    const remark = 'Somebody else began this release meanwhile. This is the new plan:';
    return show(context, request, false, remark, seen);
  }
  await context.control.start(rollout);
  context.log.info({ rollout: rollout.id, version: rollout.release.version, actor: asking.actor }, 'started');
  return withFacts({ rollout: rolloutFacts(rollout) }, say(begun(rollout)));
};

/** Nothing is called under way that waits for its time. */
function begun(rollout: Rollout): string {
  const { release, id, createdAt } = rollout;
  const later = beginsLater(rollout, createdAt);
  const where = `Rollout ${foreign(id)}; the channel shows how it goes.`;
  if (later === null)
    return `${release.version} is under way: it is staged on every node before the first one is touched. ${where}`;
  return `Scheduled: ${release.version} begins ${later}. No node is stopped before. ${where}`;
}

/** The second breaker confirms what a requester asked for. Whoever may not leaves the plan where it was. */
function mayStart(context: CommandContext, asking: Asking, draft: Rollout): Promise<void> {
  return orKeep(context, draft, async () => {
    if (!wantsSecond(context, draft)) await demand(context, asking, { is: 'start' });
    if (draft.override !== null) await demand(context, asking, { is: 'override' });
  });
}

async function orKeep(context: CommandContext, draft: Rollout, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    await context.control.store.saveDraft(draft, draftTtlMs);
    throw error;
  }
}

/** Which parts must be approved, and by how many. */
const askedIn = (rollout: Rollout): string =>
  approvals(rollout)
    .map(({ id, needed }) => `${id} ${needed}`)
    .join();

/** Notes it before anything is stored: a rollout that is lost in between costs the chance, and never gives a second one. */
async function isFirstToBegin({ control }: CommandContext, rollout: Rollout): Promise<boolean> {
  const { id, requester: by, createdAt: at, release } = rollout;
  const begun = { version: release.version, sha256: release.binarySha256, by, at, rollout: id };
  const { ledger } = await control.ledger.record({ type: 'began', ...begun });
  return rollout.policy.oneMayBegin === 'anywhere' || begunBefore(ledger, begun)?.rollout === id;
}

export const cancel: Handler<'cancel'> = async (context, asking, { plan: token, ...command }) => {
  if (token === null) return cancelStart(context, asking, { ...command, plan: null });
  const draft = await taken(context, asking, 'cancel', token);
  // What waits for a second breaker is thrown away by whoever asked, or by one of them.
  if (draft.requester !== asking.actor) await orKeep(context, draft, () => demand(context, asking, { is: 'override' }));
  const { control, clock } = context;
  const { id: plan, release } = draft;
  control.note({ type: 'cancelled', at: clock.now(), by: asking.actor, plan, version: release.version });
  return say(`The plan for ${draft.release.version} was thrown away; nothing was started.`);
};

/** To break the glass takes two: the settings of now say so, and whoever asked is not the one who starts it. */
const wantsSecond = ({ fleet }: CommandContext, { override }: Rollout): boolean =>
  override !== null && fleet.policy.breakers > 1;

async function taken(
  context: CommandContext,
  { actor }: Asking,
  verb: 'start' | 'cancel',
  token: string,
): Promise<Rollout> {
  const [id = ''] = token.split('~');
  const draft = await context.control.store.takeDraft(id);
  // Not only Redis forgets it: one that somebody put back there is as old as it says, signed.
  if (draft === null || context.clock.now() - draft.createdAt > draftTtlMs) {
    const running = await context.control.store.load(id);
    throw new Refused(
      running === null
        ? 'This plan is gone: it was cancelled, or it is older than 30 min. Ask for a new one with upgrade.'
        : 'This plan was started already.',
    );
  }
  const isOther = draft.requester !== actor;
  if (wantsSecond(context, draft) ? isOther || verb === 'cancel' : !isOther) return draft;
  await context.control.store.saveDraft(draft, draftTtlMs);
  if (!isOther) {
    throw new Refused('You asked to override the windows, so another breaker starts this plan: with the same line.');
  }
  throw new Refused(
    `This plan was made for ${draft.requester}. Ask for your own with upgrade ${draft.release.version}.`,
  );
}

async function show(
  context: CommandContext,
  request: Request,
  dryRun: boolean,
  remark: string | null,
  known: NodeSurvey[] | null = null,
): Promise<Reply> {
  const seen = known ?? (await glance(context, 'work'));
  if (seen.every(isSilence)) {
    throw new Unanswered(`Nothing was planned: ${seen[0]?.detail}. Is a worker running?`);
  }
  const input = await inputOf(context, context.newId(), request, seen);
  const rollout = plan(input);
  const night = nightOf(input, rollout, context.playsUpTo);
  const troubles = troublesBeside(input, rollout);
  if (!dryRun) await context.control.store.saveDraft(rollout, draftTtlMs);
  const token = dryRun ? null : `${rollout.id}~${fingerprint(seen)}`;
  const reply = withFacts(
    {
      plan: token,
      rollout: rolloutFacts(rollout),
      foreseen: night === null ? null : nightFacts(night),
      warnings: troubles.map((each) => ({ ...each })),
    },
    preview({
      ...{ rollout, survey: seen, troubles, now: input.now, token, remark, night },
      second: wantsSecond(context, rollout),
      canary: canaryOf(context.fleet) ?? null,
      elsewhere: await context.elsewhere(rollout.release),
    }),
  );
  return remark === null ? reply : ended('outdated', reply);
}

/** What does not keep anybody from working on a node of this plan, and is worth knowing; see `plan` for what does. */
function troublesBeside(input: PlanInput, { nodes }: Rollout): NodeTroubles[] {
  return input.survey
    .filter(({ node }) => nodes[node] !== undefined)
    .map((seen) => ({ node: seen.node, words: wordsAbout(seen, input) }))
    .filter(({ words }) => words.length > 0);
}

function wordsAbout(seen: NodeSurvey, input: PlanInput): string[] {
  if (seen.fitness === undefined) return [notLookedAt];
  return troublesOf(seen, input).map(({ text }) => text);
}

const notLookedAt =
  'only what it runs was looked at, since its worker is of an older version: update the worker, or ask zeitwork doctor';

async function made(context: CommandContext, id: string, request: Request, seen: NodeSurvey[]): Promise<Rollout> {
  return plan(await inputOf(context, id, request, seen));
}

async function inputOf(context: CommandContext, id: string, request: Request, seen: NodeSurvey[]): Promise<PlanInput> {
  const now = context.clock.now();
  const epoch = await context.control.store.nextEpoch(now);
  const { version, binarySha256: sha256 } = request.release;
  const ledger = await context.control.ledger.load();
  const begun = begunBefore(ledger, { version, sha256 });
  const fleet = await fleetNow(context);
  const pace = paceOf(ledger, fleet, request.release.archiveBytes);
  return { ...request, id, fleet, now, epoch, survey: seen, begun, pace };
}

/** What was asked, from the plan that it became. */
function requestOf(context: CommandContext, draft: Rollout, starter: Actor): Request {
  const { fleet } = context;
  const chosen = regionsOf(draft);
  const all = fleet.regions.filter(({ name }) => chosen.includes(name)).flatMap(({ nodes }) => nodes);
  const planned = Object.keys(draft.nodes).length;
  return {
    release: draft.release,
    strategy: draft.strategy,
    requester: draft.requester,
    startAt: draft.startAt,
    override: wantsSecond(context, draft) ? withSecond(draft.override, starter) : draft.override,
    regions: chosen.length === fleet.regions.length ? null : chosen,
    limit: planned < all.length ? planned : null,
  };
}

const withSecond = (override: Request['override'], second: Actor): Request['override'] =>
  override === null ? null : { ...override, with: second };

/** The freezes that a plan counts with, in short; without those that have ended at `now`. */
function freezesIn({ calendars }: Rollout, now: number): string {
  const lines = Object.entries(calendars).flatMap(([region, { freezes }]) =>
    freezes
      .filter(({ end }) => end > now)
      .map(({ id = '', start, end, reason }) => `${region} ${id} ${start} ${end} ${reason}`),
  );
  return lines.sort().join('\n');
}

/** What every node runs, in short: equal as long as nobody changed a version or an image. */
export function fingerprint(seen: NodeSurvey[]): string {
  const lines = seen.map(({ node, version, sha256 }) => `${node} ${version} ${sha256}`).sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 12);
}

function startAt(context: CommandContext, when: When, regions: string[] | null): number | null {
  const now = context.clock.now();
  if (when.is === 'at') return timeOf(context, ['--at', when.text], regions, now);
  return when.is === 'next' ? nextStart(context, regions, now) : null;
}

/** Of the region that is first then. */
function nextStart({ fleet }: CommandContext, regions: string[] | null, now: number): number {
  const chosen = fleet.regions.filter(({ name }) => regions === null || regions.includes(name));
  if (chosen.length > 0 && chosen.every(({ calendar }) => neverCloses(calendar, now)))
    throw new Refused(
      'The windows are open all the time, so there is no next one. Give a time with --at, or leave --next out.',
    );
  const openings = chosen.map(({ calendar }) => nextOpening(calendar, now));
  const starts = openings.flatMap((opening) => (opening.is === 'opens' ? [opening.interval.start] : []));
  if (starts.length === 0) throw new Refused('No window opens in sight. Give a time with --at.');
  return Math.min(...starts);
}

async function refuseTaken({ control }: CommandContext): Promise<void> {
  const open = await control.store.open();
  if (open === null || !isOpen(open)) return;
  throw new Refused(
    `${open.requester} holds the fleet with ${open.release.version} (rollout ${open.id}). ${open.status.is === 'rolling-back' ? 'It is being rolled back: wait for the end of that.' : 'Wait for it, or stop it first.'}`,
  );
}
