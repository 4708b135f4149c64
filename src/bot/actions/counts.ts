import { buildsName } from '../../jobs/index.ts';
import { approvals, goesForward } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { asShownNow } from '../as-shown.ts';
import { buildMessage } from '../builds.ts';
import { givenAlready, outdated } from '../commands/common.ts';
import { type CommandContext, ended, type Reply, say } from '../context.ts';
import { nightMessages, nightOf } from '../nights.ts';
import { readSealed, type Sealed, stillOffers } from '../sealed.ts';
import { movedSince } from '../views/moved.ts';
import { nightsName } from '../views/nights.ts';
import { posts } from '../views/posts.ts';
import { hasIt } from '../views/taken.ts';
import { names } from '../views/text.ts';
import { linkTo } from '../workspace.ts';
import { type Click, readClick } from './click.ts';

/** A button that somebody pressed, as Slack tells it. */
export interface Press {
  action: string;
  value: string | undefined;
  /** The message that it stands on; null: on none. */
  on: { channel: string; ts: string } | null;
  isEphemeral: boolean;
}

/** Whether a press is an order; when it is not, `answer` says what to do instead, and `reason` goes into the log. */
export type Judged = { counts: true; click: Click } | { counts: false; reason: string; answer: Reply };

/**
 * A press counts only with a seal of ours for exactly this button in this place, on the message that we posted for it, and
 * only while that message, drawn anew from the newest state, still says the same. So neither a copied value does anything,
 * nor one on a message that somebody else posted with our token, nor a button whose facts have moved since.
 */
export async function judge(context: CommandContext, press: Press): Promise<Judged> {
  const { sealer } = context;
  const place = { fleet: context.fleet.name, channel: press.on?.channel ?? '' };
  const sealed = sealer === null ? null : readSealed(press.value, press.action, sealer, place);
  const click = readClick(press.action, press.value);
  if (sealed === null || click === null || press.on === null) {
    return copied(context, 'its value is not one that was sealed for this button');
  }
  const counts = { counts: true, click } as const;
  if (click.rollout === null) {
    return press.isEphemeral ? counts : copied(context, 'a plan is confirmed only where it was shown');
  }
  if (click.rollout === nightsName) return (await offersNow(context, press, sealed)) ? counts : movedOn;
  if (click.rollout === buildsName) return (await buildOffersNow(context, press, sealed)) ? counts : movedOnBuild;
  const rollout = await context.control.store.load(click.rollout);
  // The command says so itself, and can do nothing.
  if (rollout === null) return counts;
  const { on } = press;
  const standing = await context.control.store.posted(rollout.id);
  const key = Object.keys(standing).find(
    (each) => standing[each]?.ts === on.ts && standing[each].channel === on.channel,
  );
  if (key === undefined) return copied(context, 'it does not stand on a message that was posted for it', rollout);
  const now = await asShownNow(context, rollout);
  return isCurrent(now, key, press.action, sealed) ? counts : moved(now, sealed);
}

function isCurrent(now: Rollout, key: string, action: string, sealed: Sealed): boolean {
  const post = posts(now).find((each) => each.key === key);
  return post !== undefined && stillOffers(post.blocks, action, sealed);
}

const movedOn: Judged = {
  counts: false,
  reason: 'what it was about has moved since, or it does not stand on a message that was posted for it',
  answer: ended('outdated', say('That is outdated, nothing was done: `/zeitwork drift` looks now.')),
};

/** On the message of its night, which says the same of that node still. */
async function offersNow(context: CommandContext, { action, on }: Press, sealed: Sealed): Promise<boolean> {
  const standing = Object.values(await context.control.store.posted(nightsName)).find(
    ({ ts, channel }) => ts === on?.ts && channel === on.channel,
  );
  if (standing === undefined) return false;
  const message = (await nightMessages(context)).find(({ night }) => night === nightOf(standing));
  return message !== undefined && stillOffers(message.blocks, action, sealed);
}

const movedOnBuild: Judged = {
  counts: false,
  reason: 'the build that it was about has moved on, or it does not stand on the message that was posted for it',
  answer: ended('outdated', say('That is outdated, nothing was done: `/zeitwork build` tells how the last one went.')),
};

async function buildOffersNow(context: CommandContext, { action, on }: Press, sealed: Sealed): Promise<boolean> {
  const { main } = await context.control.store.posted(buildsName);
  if (main === undefined || main.ts !== on?.ts || main.channel !== on.channel) return false;
  const message = await buildMessage(context);
  return message !== null && stillOffers(message.main.blocks, action, sealed);
}

function moved(now: Rollout, sealed: Sealed): Judged {
  const { g } = sealed;
  const phase = approvals(now).find(({ id, state }) => id === g && state.is === 'done');
  const has = now.taken?.[g];
  const other = has === undefined ? outdated(now) : outdated(now, hasIt(has));
  const answer = phase === undefined ? (otherFacts(now, sealed) ?? other) : givenAlready(now, phase);
  return { counts: false, reason: 'what it was about has moved since', answer };
}

/** It is still asked for, and what was known of the nodes has moved since the message was drawn: it is asked anew. */
function otherFacts(rollout: Rollout, { g, o }: Sealed): Reply | null {
  const isAsked = goesForward(rollout) && approvals(rollout).some(({ id, state }) => id === g && state.is === 'active');
  if (o === undefined || !isAsked) return null;
  const moved = movedSince(rollout, o) ?? [];
  const hows = [...new Set(moved.map(([, now]) => howNow(now)))];
  const each = hows.map(
    (how) => `${how}: ${names(moved.flatMap(([name, now]) => (howNow(now) === how ? [name] : [])))}`,
  );
  const now = each.length === 0 ? '' : ` (${each.join('; ')})`;
  return outdated(
    rollout,
    `Nothing was approved: the nodes are not as they were when you were asked${now}. The message shows how they are; look again`,
  );
}

/** What became of a node, in a few words: see `observed`. */
function howNow(now: string): string {
  if (/(?:^| )up$/.test(now)) return 'another version, image or start, or up again';
  return / sick$/.test(now) ? 'not well now' : 'down now';
}

async function copied(context: CommandContext, reason: string, about: Rollout | null = null): Promise<Judged> {
  const rollout = about ?? (await context.control.store.open());
  const main = rollout === null ? undefined : (await context.control.store.posted(rollout.id)).main;
  const link = main === undefined || context.workspace === null ? null : linkTo(context.workspace, main, 'open it');
  const newest = link === null ? 'see `/zeitwork status`' : link;
  const line = `Outdated or copied button, nothing was done: use the newest message (${newest}).`;
  return { counts: false, reason, answer: ended('outdated', say(line)) };
}
