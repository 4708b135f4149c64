import type { BlockAction, ButtonAction, RespondFn, SlashCommand } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import { hour } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { timeLimit } from '../base/time-limit.ts';
import { approvals, declineOf } from '../upgrade/rollout/index.ts';
import { isOfAnswer } from './actions/click.ts';
import { judge, type Press } from './actions/counts.ts';
import { asShown } from './as-shown.ts';
import { usage } from './commands/help.ts';
import { type CommandContext, ended, type Reply, say } from './context.ts';
import { addressed } from './parse/fleet.ts';
import { permit } from './permissions.ts';
import { refusedNote } from './refused-note.ts';
import { answer, refusal, runCommand } from './run.ts';
import { sealedBlocks } from './sealed.ts';
import { isAsking } from './views/gate.ts';
import { askedFor } from './views/goal.ts';
import { message, type Part, typedOf } from './views/parts.ts';
import { foreign } from './views/text.ts';
import { heard, type Written } from './written.ts';

/** Deliveries come twice, sometimes minutes later. */
const rememberedMs = hour;
/** After this long without an answer, the person is told that it takes a while. */
const patienceMs = 2_500;

interface Origin {
  user: string;
  /** Ids of the workspace and the organisation that the delivery says it came from. */
  teams: string[];
  channel: string | null;
  respond: RespondFn;
}

/** Slack takes no more blocks in a home tab. */
const mostBlocks = 100;

/** Draws the home tab of somebody who opened it, fleet by fleet; without buttons, since decisions belong into the channel. */
export async function drawHome(fleets: readonly CommandContext[], client: WebClient, user: string): Promise<void> {
  const share = Math.floor(mostBlocks / fleets.length);
  const drawn = await Promise.all(
    fleets.map(async (context) => {
      const title: Part[] = fleets.length === 1 ? [] : [{ is: 'title', text: `Fleet ${context.fleet.name}` }];
      return message([...title, ...(await homeOf(context, user))], `home.${context.fleet.name}`).blocks.slice(0, share);
    }),
  );
  await client.views.publish({ user_id: user, view: { type: 'home', blocks: drawn.flat().slice(0, mostBlocks) } });
}

async function homeOf(context: CommandContext, user: string): Promise<Part[]> {
  const asking = { actor: user, rollout: null };
  const [mine, now, windows, history] = await Promise.all([
    waitingFor(context, user),
    answer(context, asking, { verb: 'status' }),
    answer(context, asking, { verb: 'windows' }),
    answer(context, asking, { verb: 'history' }),
  ]);
  const parts = [...mine, ...now.parts, ...windows.parts, ...history.parts].filter(({ is }) => is !== 'buttons');
  const where: Reply = say(`Upgrade, approve and roll back in <#${context.access.channel}>, with \`/zeitwork\`.`);
  return [...parts, ...where.parts];
}

/** What this person may approve now; nothing when the store is silent, which the rest of the tab says. */
async function waitingFor(context: CommandContext, user: string): Promise<Part[]> {
  const open = await context.control.store.open().catch(() => null);
  if (open === null) return [];
  const rollout = asShown(context, open);
  const asking = approvals(rollout).filter((phase) => isAsking(rollout, phase));
  const mine = await Promise.all(
    asking.map(async (phase) => {
      const said = declineOf(phase)?.by === user || phase.given.some(({ by }) => by === user);
      const verdict = await permit(context, user, { is: 'approve', rollout, phase }, 'look');
      return said || verdict.is === 'refused'
        ? []
        : [`‼ *${foreign(phase.title, 80)} waits for you*: may it ${askedFor(rollout)}?`];
    }),
  );
  const lines = mine.flat();
  const how = context.access.approvals === 'button' ? 'with its button' : 'with what to sign';
  return lines.length === 0 ? [] : [{ is: 'lines', lines: [...lines, `The question, ${how}, is in the channel.`] }];
}

/** Turns what Slack delivers (already acknowledged) into one answer to the person. Never throws. The channel says which fleet is meant. */
export function listeners(fleets: readonly CommandContext[], client: WebClient) {
  const serve: Serving = { fleets, client };
  return {
    async command(body: SlashCommand, respond: RespondFn): Promise<void> {
      const teams = known(body.team_id, body.enterprise_id);
      const origin = { user: body.user_id, teams, channel: body.channel_id, respond };
      const work = (here: CommandContext) => typed(serve, here, body);
      await once(serve, origin, `/zeitwork ${body.text}`, `command:${body.trigger_id}`, work);
    },
    async click(body: BlockAction, action: ButtonAction, respond: RespondFn): Promise<void> {
      const user = body.user.id;
      const teams = known(body.user.team_id ?? body.team?.id, body.enterprise?.id);
      const origin = { user, teams, channel: body.channel?.id ?? null, respond };
      const key = `click:${placeOf(body)}:${action.action_id}:${action.action_ts}:${user}`;
      const work = (here: CommandContext) => pressed(serve, here, user, pressOf(body, action));
      await once(serve, origin, action.action_id, key, work);
    },
    async written(written: Written): Promise<void> {
      const here = fleetIn(fleets, written.channel);
      if (here !== null) await heard(here, client, written);
    },
  };
}

/** All the fleets of this bot, and how it speaks. */
interface Serving {
  fleets: readonly CommandContext[];
  client: WebClient;
}

const fleetIn = (fleets: readonly CommandContext[], channel: string | null): CommandContext | null =>
  fleets.find(({ access }) => access.channel === channel) ?? null;

const known = (...ids: (string | undefined | null)[]): string[] => ids.filter((id) => typeof id === 'string');

/** `replaces`: the answer takes the place of the message that was clicked. */
interface Answered {
  reply: Reply;
  replaces: boolean;
}

/** Another fleet may be named: its own settings say who may do what there, and what can be decided stands in its own channel. */
async function typed(serve: Serving, here: CommandContext, { user_id: user, text }: SlashCommand): Promise<Answered> {
  const meant = addressed(text);
  if ('problem' in meant) return { reply: usage(meant.problem, null, text), replaces: false };
  const there = meant.fleet === null ? here : serve.fleets.find(({ fleet }) => fleet.name === meant.fleet);
  if (there === undefined) return { reply: ended('usage', say(noFleet(serve.fleets))), replaces: false };
  const reply = await runCommand(there, user, meant.text);
  return { reply: there === here ? reply : await toldThere(serve.client, there, user, reply), replaces: false };
}

const noFleet = (fleets: readonly CommandContext[]): string =>
  `There is no such fleet here. There ${fleets.length === 1 ? 'is' : 'are'}: ${fleets.map(({ fleet }) => foreign(fleet.name, 80)).join(', ')}.`;

async function pressed(serve: Serving, context: CommandContext, actor: string, press: Press): Promise<Answered> {
  try {
    const judged = await judge(context, press);
    if (judged.counts) {
      const { command, rollout, replaces, into } = judged.click;
      if (into === undefined) return { reply: await answer(context, { actor, rollout }, command), replaces };
      const there = serve.fleets.find(({ fleet }) => fleet.name === into);
      if (there === undefined) return { reply: ended('outdated', say(noFleet(serve.fleets))), replaces: false };
      const reply = await answer(there, { actor, rollout: null }, command);
      return { reply: await toldThere(serve.client, there, actor, reply), replaces: false };
    }
    refusedNote(context, { actor, what: press.action, reason: judged.reason });
    return { reply: judged.answer, replaces: false };
  } catch (error) {
    if (error instanceof Refused) return { reply: refusal(error), replaces: false };
    context.log.error({ err: error, actor, action: press.action }, 'a click could not be judged');
    return {
      reply: say('Nothing was done: the store behind this bot does not answer. Try again in a moment.'),
      replaces: false,
    };
  }
}

/**
 * What was asked of a fleet from the channel of another. An answer that has something to press, or that is everybody's, is given in the fleet's own
 * channel: a button counts nowhere else, and whoever works there sees it.
 * @returns what is said where it was asked
 */
async function toldThere(client: WebClient, there: CommandContext, user: string, reply: Reply): Promise<Reply> {
  const { channel } = there.access;
  const isOurs = reply.public === true || reply.parts.some((part) => part.is === 'buttons' && part.buttons.length > 0);
  if (!isOurs)
    return { ...reply, parts: [{ is: 'note', text: `Fleet ${foreign(there.fleet.name, 80)}` }, ...reply.parts] };
  const content = contentOf(there, reply);
  try {
    if (reply.public === true) await client.chat.postMessage({ channel, unfurl_links: false, ...content });
    else await client.chat.postEphemeral({ channel, user, ...content });
  } catch (error) {
    there.log.warn({ err: error, user }, 'could not answer in the channel of the fleet');
    return ended('refused', say(`The answer could not be shown in <#${channel}>: are you there? Type it there.`));
  }
  const whose = reply.public === true ? 'for all to see' : 'for you alone';
  return {
    ...say(`Answered in <#${channel}>, ${whose}: that is the channel of ${foreign(there.fleet.name, 80)}.`),
    ...(reply.outcome === undefined ? {} : { outcome: reply.outcome }),
  };
}

function pressOf(body: BlockAction, { action_id: action, value }: ButtonAction): Press {
  const { message_ts: ts, is_ephemeral: isEphemeral } = body.container;
  const channel = body.channel?.id;
  const on = typeof ts === 'string' && channel !== undefined ? { channel, ts } : null;
  return { action, value, on, isEphemeral: isEphemeral === true };
}

async function once(
  serve: Serving,
  origin: Origin,
  what: string,
  key: string,
  work: (here: CommandContext) => Promise<Answered>,
): Promise<void> {
  const elsewhere = wrongPlace(serve.fleets, origin);
  const context = fleetIn(serve.fleets, origin.channel) ?? serve.fleets[0];
  if (context === undefined) return;
  const tell = (reply: Reply, replaces: boolean) => deliver(context, serve.client, origin, reply, replaces);
  if (elsewhere !== null) {
    refusedNote(context, { actor: origin.user, what, reason: elsewhere });
    return tell(say(elsewhere), false);
  }
  try {
    if (!(await context.control.store.firstTime(key, rememberedMs))) return;
  } catch (error) {
    context.log.error({ err: error }, 'the store does not answer');
    return tell(
      say(
        'The store behind this bot does not answer, so nothing was done. A rollout under way is not touched by that.',
      ),
      false,
    );
  }
  const patience = timeLimit(context.clock, patienceMs);
  const slow = () => void tell(say('Looking at the nodes, this takes a few seconds …'), false);
  patience.signal.addEventListener('abort', slow, { once: true });
  const { reply, replaces } = await work(context).finally(patience.lift);
  await tell(reply, replaces);
}

/** The workspace is the same for all of them. */
function wrongPlace(fleets: readonly CommandContext[], origin: Origin): string | null {
  const workspace = fleets[0]?.workspace ?? null;
  if (workspace === null || !origin.teams.includes(workspace.pinned)) return 'This bot does not serve your workspace.';
  if (fleetIn(fleets, origin.channel) !== null) return null;
  const each = fleets.map(
    ({ access, fleet }) => `<#${access.channel}>${fleets.length === 1 ? '' : ` (${fleet.name})`}`,
  );
  return `This bot is heard in ${each.join(', ')} only.`;
}

/** Through the address that came with the delivery; when that fails, as an ephemeral message in plain text. */
async function deliver(
  context: CommandContext,
  client: WebClient,
  { user, respond }: Origin,
  reply: Reply,
  replace: boolean,
) {
  const content = contentOf(context, reply);
  try {
    const response_type = reply.public ? 'in_channel' : 'ephemeral';
    await respond({ response_type, replace_original: replace, unfurl_links: false, ...content });
  } catch (error) {
    context.log.warn({ err: error }, 'could not answer in place');
    await client.chat
      .postEphemeral({ channel: context.access.channel, user, text: content.text })
      .catch((second: unknown) => context.log.error({ err: second, user }, 'an answer was lost'));
  }
}

function contentOf({ sealer, fleet, access }: CommandContext, reply: Reply) {
  const { text, blocks } = message(reply.parts.map(withoutDecisions), 'reply');
  const place = { fleet: fleet.name, channel: access.channel };
  return { text, blocks: sealer === null ? blocks : sealedBlocks(blocks, sealer, place) };
}

/**
 * Nobody knows where an answer to one person stands, so a decision's button would not count there: it is told as what to
 * type. A plan is known by itself.
 */
function withoutDecisions(part: Part): Part {
  if (part.is !== 'buttons' || part.buttons.every(({ action }) => isOfPlan(action))) return part;
  return { is: 'lines', lines: part.buttons.map(typedOf) };
}

const isOfPlan = (action: string): boolean => isOfAnswer(action.split(':')[0] ?? '');

function placeOf({ container }: BlockAction): string {
  return typeof container.message_ts === 'string' ? container.message_ts : String(container.view_id ?? '');
}
