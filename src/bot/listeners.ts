import type { BlockAction, ButtonAction, RespondFn, SlashCommand } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import { hour } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { timeLimit } from '../base/time-limit.ts';
import { approvals, declineOf } from '../upgrade/rollout/index.ts';
import { isOfAnswer } from './actions/click.ts';
import { judge, type Press } from './actions/counts.ts';
import { asShown } from './as-shown.ts';
import type { CommandContext, Reply } from './context.ts';
import { say } from './context.ts';
import { permit } from './permissions.ts';
import { refusedNote } from './refused-note.ts';
import { answer, refusal, runCommand } from './run.ts';
import { sealedBlocks } from './sealed.ts';
import { isAsking } from './views/gate.ts';
import { askedFor } from './views/goal.ts';
import { message, type Part, typedOf } from './views/parts.ts';
import { foreign } from './views/text.ts';

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

/** Draws the home tab of somebody who opened it; without buttons, since decisions belong into the channel. */
export async function drawHome(context: CommandContext, client: WebClient, user: string): Promise<void> {
  const asking = { actor: user, rollout: null };
  const [mine, now, windows, history] = await Promise.all([
    waitingFor(context, user),
    answer(context, asking, { verb: 'status' }),
    answer(context, asking, { verb: 'windows' }),
    answer(context, asking, { verb: 'history' }),
  ]);
  const parts = [...mine, ...now.parts, ...windows.parts, ...history.parts].filter(({ is }) => is !== 'buttons');
  const where: Reply = say(`Upgrade, approve and roll back in <#${context.access.channel}>, with \`/zeitwork\`.`);
  const { blocks } = message([...parts, ...where.parts], 'home');
  await client.views.publish({ user_id: user, view: { type: 'home', blocks } });
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

/** Turns what Slack delivers (already acknowledged) into one answer to the person. Never throws. */
export function listeners(context: CommandContext, client: WebClient) {
  return {
    async command(body: SlashCommand, respond: RespondFn): Promise<void> {
      const teams = known(body.team_id, body.enterprise_id);
      const origin = { user: body.user_id, teams, channel: body.channel_id, respond };
      const work = async () => ({ reply: await runCommand(context, body.user_id, body.text), replaces: false });
      await once(context, client, origin, `/zeitwork ${body.text}`, `command:${body.trigger_id}`, work);
    },
    async click(body: BlockAction, action: ButtonAction, respond: RespondFn): Promise<void> {
      const user = body.user.id;
      const teams = known(body.user.team_id ?? body.team?.id, body.enterprise?.id);
      const origin = { user, teams, channel: body.channel?.id ?? null, respond };
      const key = `click:${placeOf(body)}:${action.action_id}:${action.action_ts}:${user}`;
      const work = () => pressed(context, user, pressOf(body, action));
      await once(context, client, origin, action.action_id, key, work);
    },
  };
}

const known = (...ids: (string | undefined | null)[]): string[] => ids.filter((id) => typeof id === 'string');

/** `replaces`: the answer takes the place of the message that was clicked. */
interface Answered {
  reply: Reply;
  replaces: boolean;
}

async function pressed(context: CommandContext, actor: string, press: Press): Promise<Answered> {
  try {
    const judged = await judge(context, press);
    if (judged.counts) {
      const { command, rollout, replaces } = judged.click;
      return { reply: await answer(context, { actor, rollout }, command), replaces };
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

function pressOf(body: BlockAction, { action_id: action, value }: ButtonAction): Press {
  const { message_ts: ts, is_ephemeral: isEphemeral } = body.container;
  const channel = body.channel?.id;
  const on = typeof ts === 'string' && channel !== undefined ? { channel, ts } : null;
  return { action, value, on, isEphemeral: isEphemeral === true };
}

async function once(
  context: CommandContext,
  client: WebClient,
  origin: Origin,
  what: string,
  key: string,
  work: () => Promise<Answered>,
): Promise<void> {
  const tell = (reply: Reply, replaces: boolean) => deliver(context, client, origin, reply, replaces);
  const elsewhere = wrongPlace(context, origin);
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
  const { reply, replaces } = await work().finally(patience.lift);
  await tell(reply, replaces);
}

function wrongPlace({ access: { channel }, workspace }: CommandContext, origin: Origin): string | null {
  if (workspace === null || !origin.teams.includes(workspace.pinned)) return 'This bot does not serve your workspace.';
  return origin.channel === channel ? null : `This bot is heard in <#${channel}> only.`;
}

/** Through the address that came with the delivery; when that fails, as an ephemeral message in plain text. */
async function deliver(
  context: CommandContext,
  client: WebClient,
  { user, respond }: Origin,
  reply: Reply,
  replace: boolean,
) {
  const { text, blocks } = message(reply.parts.map(withoutDecisions), 'reply');
  const { sealer, fleet, access } = context;
  const sealed =
    sealer === null ? blocks : sealedBlocks(blocks, sealer, { fleet: fleet.name, channel: access.channel });
  const content = { text, blocks: sealed };
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
