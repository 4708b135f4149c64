import { Refused } from '../../base/errors.ts';
import { serviceIn } from '../../base/sibling.ts';
import { begunBefore } from '../../upgrade/ledger/index.ts';
import { approvals, configurationOf, isBegunFreely, plan } from '../../upgrade/rollout/index.ts';
import type { NodeSurvey, Rollout } from '../../upgrade/rollout/types.ts';
import { type Asking, type CommandContext, draftTtlMs, say, withFacts } from '../context.ts';
import { rolloutFacts } from '../facts/rollout.ts';
import { beginsLater } from '../views/forecast.ts';
import { goalFirst, goalOf } from '../views/goal.ts';
import { foreign } from '../views/text.ts';
import { demand, type Handler, survey } from './common.ts';
import { elsewhereFor, fleetMark, inputOf, type Request, requestOf, show, wantsSecond } from './draft.ts';
import { confirmMigration } from './migrate.ts';
import { confirmRecovery } from './recover.ts';
import { cancelStart } from './reschedule.ts';

/** Takes the plan once, makes it anew over the fleet as it is now, and starts it if nothing moved since it was shown. */
export const start: Handler<'start'> = async (context, asking, { plan: token }) => {
  const draft = await taken(context, asking, 'start', token);
  await mayStart(context, asking, draft);
  if (draft.recovery !== undefined) return confirmRecovery(context, draft, token);
  if (draft.change?.is === 'migrate') return confirmMigration(context, draft, token);
  const seen = await survey(context, 'work', configurationOf(draft)?.wanted);
  const request = requestOf(context, draft, asking.actor);
  if (fleetMark(seen) !== token.split('~')[1] && token.includes('~')) {
    return show(context, request, false, 'The fleet has changed since the plan was made. This is the new plan:', seen);
  }
  const rollout = await made(context, draft.id, request, seen);
  await elsewhereFor(context, rollout);
  // Whoever overrides freezes overrides those that they were shown.
  if (freezesIn(rollout, rollout.createdAt) !== freezesIn(draft, rollout.createdAt)) {
    const remark = 'A freeze was declared or lifted since the plan was made. This is the new plan:';
    return show(context, request, false, remark, seen);
  }
  if (askedIn(rollout) !== askedIn(draft)) {
    const remark = 'Who must approve has changed since the plan was made. This is the new plan:';
    return show(context, request, false, remark, seen);
  }
  // A restart begins no release, so it uses up nobody's chance to.
  if (rollout.change === undefined && isBegunFreely(rollout) && !(await isFirstToBegin(context, rollout))) {
    const remark = 'Somebody else began this release meanwhile. This is the new plan:';
    return show(context, request, false, remark, seen);
  }
  await context.control.start(rollout);
  context.log.info({ rollout: rollout.id, version: rollout.release.version, actor: asking.actor }, 'started');
  return withFacts({ rollout: rolloutFacts(rollout) }, say(begun(rollout)));
};

/** Nothing is called under way that waits for its time. */
function begun(rollout: Rollout): string {
  const { id, createdAt, change } = rollout;
  const later = beginsLater(rollout, createdAt);
  const where = `Rollout ${foreign(id)}; the channel shows how it goes.`;
  const goal = goalOf(rollout);
  const first = change?.is === 'restart' ? 'every node is looked at' : 'it is staged on every node';
  if (later === null) return `${goalFirst(rollout)} is under way: ${first} before the first one is touched. ${where}`;
  return `Scheduled: ${goal} begins ${later}. No node is stopped before. ${where}`;
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
  return say(`The plan for ${goalOf(draft)} was thrown away; nothing was started.`);
};

function askAgain({ recovery, change, release, services, nodes }: Rollout): string {
  if (recovery !== undefined) return `recover ${Object.keys(nodes).join()}`;
  if (change?.is === 'migrate') return `migrate ${change.when} ${release.version}`;
  const key = serviceIn(Object.keys(nodes)[0] ?? '');
  const each = Object.entries(services ?? (key === null ? {} : { [key]: { release } }));
  if (change !== undefined) return change.is === 'restart' ? 'restart' : 'config';
  return `upgrade ${each.length === 0 ? release.version : each.map(([name, of]) => `${name}=${of.release.version}`).join(' ')}`;
}

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
  throw new Refused(`This plan was made for ${draft.requester}. Ask for your own with ${askAgain(draft)}.`);
}

/** The freezes that a plan counts with, in short; without those that have ended at `now`. */
function freezesIn({ calendars }: Rollout, now: number): string {
  const lines = Object.entries(calendars).flatMap(([region, { freezes }]) =>
    freezes
      .filter(({ end }) => end > now)
      .map(({ id = '', start, end, reason }) => `${region} ${id} ${start} ${end} ${reason}`),
  );
  return lines.sort().join('\n');
}

async function made(context: CommandContext, id: string, request: Request, seen: NodeSurvey[]): Promise<Rollout> {
  return plan(await inputOf(context, id, request, seen));
}
