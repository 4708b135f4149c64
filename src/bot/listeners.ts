import type {
  AckFn,
  BlockAction,
  ButtonAction,
  RespondFn,
  SlashCommand,
  ViewResponseAction,
  ViewSubmitAction,
} from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import { Refused } from '../base/errors.ts';
import { judge, type Press } from './actions/counts.ts';
import { refusal } from './commands/common.ts';
import { type CommandContext, say } from './context.ts';
import { type Answered, once, wrongPlace } from './delivery.ts';
import { keptIn, openForm, wishesNothing } from './forms/opening.ts';
import { readUpgradeForm, saying, upgradeForm } from './forms/upgrade.ts';
import { type UpgradeWish, wishIn } from './parse.ts';
import { refusedNote } from './refused-note.ts';
import { answer, runCommand } from './run.ts';
import type { Message } from './views/parts.ts';

const notOurs = 'This form was not opened for you here, so nothing was done. Type `/zeitwork upgrade`.';

/** Turns what Slack delivers (already acknowledged) into one answer to the person. Never throws. */
export function listeners(context: CommandContext, client: WebClient) {
  return {
    async command(body: SlashCommand, respond: RespondFn): Promise<void> {
      const { user_id: user, trigger_id: trigger, text } = body;
      const teams = known(body.team_id, body.enterprise_id);
      const origin = { user, teams, channel: body.channel_id, respond };
      const wish = wishIn(text);
      const asText = async () => ({ reply: await runCommand(context, user, text), replaces: false });
      const asForm = async (from: UpgradeWish) => {
        const isOpen = await openForm(context, client, { user, trigger, from: 'command' }, from);
        return isOpen ? null : asText();
      };
      const work = wish === null ? asText : () => asForm(wish);
      await once(context, client, origin, `/zeitwork ${text}`, `command:${trigger}`, work);
    },
    /** Somebody pressed `Upgrade…` in their home tab, where there is no place for an answer. */
    async asked(body: BlockAction): Promise<void> {
      const { user, trigger_id: trigger } = body;
      const where = {
        teams: known(user.team_id ?? body.team?.id, body.enterprise?.id),
        channel: context.access.channel,
      };
      if (wrongPlace(context, where) !== null) return;
      await openForm(context, client, { user: user.id, trigger, from: 'home' }, wishesNothing);
    },
    /** A form came back. What is wrong with it is said in it; else it is a command like any other, answered in the channel. */
    async submitted(body: ViewSubmitAction, ack: AckFn<ViewResponseAction>): Promise<void> {
      const { access, fleet, clock } = context;
      const user = body.user.id;
      const teams = known(body.user.team_id ?? body.team?.id, body.enterprise?.id ?? body.team?.enterprise_id);
      const { id, hash, private_metadata: metadata, state } = body.view;
      const kept = keptIn(context, user, metadata);
      const foreign = wrongPlace(context, { teams, channel: access.channel }) ?? (kept === null ? notOurs : null);
      if (foreign !== null || kept === null) {
        refusedNote(context, { actor: user, what: upgradeForm, reason: foreign ?? notOurs });
        return ack({ response_action: 'update', view: saying([foreign ?? notOurs]) });
      }
      const regions = fleet.regions.map(({ name }) => name);
      const read = readUpgradeForm(state.values, kept.wish, { regions, now: clock.now() });
      if (read.is === 'wrong') return ack({ response_action: 'errors', errors: read.errors });
      const whereLines = [
        `The plan appears in <#${access.channel}>, where only you see it. Nothing starts before you confirm it.`,
      ];
      await (kept.from === 'home' ? ack({ response_action: 'update', view: saying(whereLines) }) : ack());
      const { channel } = access;
      const respond = ({ text, blocks }: Message) => client.chat.postEphemeral({ channel, user, text, blocks });
      const origin = { user, teams, channel, respond };
      const work = async () => ({
        reply: await answer(context, { actor: user, rollout: null }, read.command),
        replaces: false,
      });
      await once(context, client, origin, upgradeForm, `form:${id}:${hash}`, work);
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

function placeOf({ container }: BlockAction): string {
  return typeof container.message_ts === 'string' ? container.message_ts : String(container.view_id ?? '');
}
