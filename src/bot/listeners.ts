import type { BlockAction, ButtonAction, RespondFn, SlashCommand } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import { hour } from '../base/duration.ts';
import { readClick } from './actions/click.ts';
import type { Access, CommandContext, Reply } from './context.ts';
import { say } from './context.ts';
import { answer, runCommand } from './run.ts';
import { message } from './views/parts.ts';

/** Deliveries come twice, sometimes minutes later. */
const rememberedMs = hour;
/** After this long without an answer, the person is told that it takes a while. */
const patienceMs = 2_500;

interface Origin {
  user: string;
  team: string | null;
  channel: string | null;
  respond: RespondFn;
}

/** Draws the home tab of somebody who opened it; without buttons, since decisions belong into the channel. */
export async function drawHome(context: CommandContext, client: WebClient, user: string): Promise<void> {
  const asking = { actor: user, rollout: null };
  const [now, windows, history] = await Promise.all([
    answer(context, asking, { verb: 'bare' }),
    answer(context, asking, { verb: 'windows' }),
    answer(context, asking, { verb: 'history' }),
  ]);
  const parts = [...now.parts, ...windows.parts, ...history.parts].filter(({ is }) => is !== 'buttons');
  const where: Reply = say(`Upgrade, approve and roll back in <#${context.access.channel}>, with \`/zeitwork\`.`);
  const { blocks } = message([...parts, ...where.parts], 'home');
  await client.views.publish({ user_id: user, view: { type: 'home', blocks } });
}

/** Turns what Slack delivers (already acknowledged) into one answer to the person. Never throws. */
export function listeners(context: CommandContext, client: WebClient) {
  return {
    async command(body: SlashCommand, respond: RespondFn): Promise<void> {
      const origin = { user: body.user_id, team: body.team_id, channel: body.channel_id, respond };
      await once(context, client, origin, `command:${body.trigger_id}`, false, () =>
        runCommand(context, body.user_id, body.text),
      );
    },
    async click(body: BlockAction, action: ButtonAction, respond: RespondFn): Promise<void> {
      const click = readClick(action.action_id, action.value);
      const user = body.user.id;
      const origin = {
        user,
        team: body.user.team_id ?? body.team?.id ?? null,
        channel: body.channel?.id ?? null,
        respond,
      };
      const key = `click:${placeOf(body)}:${action.action_id}:${action.action_ts}:${user}`;
      await once(context, client, origin, key, click?.replaces ?? false, async () =>
        click === null
          ? say('This button is from another version of this bot and does nothing any more. See `/zeitwork status`.')
          : answer(context, { actor: user, rollout: click.rollout }, click.command),
      );
    },
  };
}

async function once(
  context: CommandContext,
  client: WebClient,
  origin: Origin,
  key: string,
  replace: boolean,
  work: () => Promise<Reply>,
): Promise<void> {
  const tell = (reply: Reply, replaces: boolean) => deliver(context, client, origin, reply, replaces);
  const elsewhere = wrongPlace(context.access, origin);
  if (elsewhere !== null) return tell(say(elsewhere), false);
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
  const slow = setTimeout(() => void tell(say('Looking at the nodes, this takes a few seconds …'), false), patienceMs);
  const reply = await work().finally(() => clearTimeout(slow));
  await tell(reply, replace);
}

function wrongPlace({ channel, team }: Access, origin: Origin): string | null {
  if (team !== null && origin.team !== team) return 'This bot does not serve your workspace.';
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
  const content = message(reply.parts, 'reply');
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

function placeOf({ container }: BlockAction): string {
  return typeof container.message_ts === 'string' ? container.message_ts : String(container.view_id ?? '');
}
