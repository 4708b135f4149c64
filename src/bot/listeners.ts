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
import { usage } from './commands/help.ts';
import { type CommandContext, ended, type Reply, say } from './context.ts';
import { type Answered, contentOf, fleetIn, once, type Serving, wrongPlace } from './delivery.ts';
import { keptIn, openForm, wishesNothing } from './forms/opening.ts';
import { readUpgradeForm, saying, upgradeForm } from './forms/upgrade.ts';
import { addressed } from './parse/fleet.ts';
import { wishIn } from './parse.ts';
import { refusedNote } from './refused-note.ts';
import { answer, runCommand } from './run.ts';
import type { Message } from './views/parts.ts';
import { foreign as foreignText } from './views/text.ts';
import { heard, type Written } from './written.ts';

const notOurs = 'This form was not opened for you here, so nothing was done. Type `/zeitwork upgrade`.';

/** Turns what Slack delivers (already acknowledged) into one answer to the person. Never throws. The channel says which fleet is meant. */
export function listeners(fleets: readonly CommandContext[], client: WebClient) {
  const serve: Serving = { fleets, client };
  return {
    async command(body: SlashCommand, respond: RespondFn): Promise<void> {
      const { user_id: user, trigger_id: trigger, text } = body;
      const teams = known(body.team_id, body.enterprise_id);
      const origin = { user, teams, channel: body.channel_id, respond };
      const work = (here: CommandContext) => typed(serve, here, { user, trigger, text });
      await once(serve, origin, `/zeitwork ${text}`, `command:${trigger}`, work);
    },
    /** Somebody pressed `Upgrade…` in their home tab, where there is no place for an answer. What they may is asked before anything is shown. */
    async asked(body: BlockAction, of: string | undefined): Promise<void> {
      const { user, trigger_id: trigger } = body;
      const context = fleets.find(({ fleet }) => fleet.name === of);
      if (context === undefined) return;
      const where = {
        teams: known(user.team_id ?? body.team?.id, body.enterprise?.id),
        channel: context.access.channel,
      };
      if (wrongPlace(fleets, where) !== null) return;
      await openForm(context, client, { user: user.id, trigger, from: 'home' }, wishesNothing);
    },
    /** A form came back. What is wrong with it is said in it; else it is a command like any other, answered in the channel. */
    async submitted(body: ViewSubmitAction, ack: AckFn<ViewResponseAction>): Promise<void> {
      const user = body.user.id;
      const teams = known(body.user.team_id ?? body.team?.id, body.enterprise?.id ?? body.team?.enterprise_id);
      const { id, hash, private_metadata: metadata, state } = body.view;
      // Its seal says of which fleet it is.
      const context = fleets.find((each) => keptIn(each, user, metadata) !== null) ?? fleets[0];
      if (context === undefined) return ack();
      const { access, fleet, clock } = context;
      const kept = keptIn(context, user, metadata);
      const foreign = wrongPlace(fleets, { teams, channel: access.channel }) ?? (kept === null ? notOurs : null);
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
      await once(serve, origin, upgradeForm, `form:${id}:${hash}`, work);
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

const known = (...ids: (string | undefined | null)[]): string[] => ids.filter((id) => typeof id === 'string');

/** Another fleet may be named: its own settings say who may do what there, and what can be decided stands in its own channel. */
async function typed(
  serve: Serving,
  here: CommandContext,
  { user, trigger, text }: { user: string; trigger: string; text: string },
): Promise<Answered | null> {
  const meant = addressed(text);
  if ('problem' in meant) return { reply: usage(meant.problem, null, text), replaces: false };
  const there = meant.fleet === null ? here : serve.fleets.find(({ fleet }) => fleet.name === meant.fleet);
  if (there === undefined) return { reply: ended('usage', say(noFleet(serve.fleets))), replaces: false };
  const wish = wishIn(meant.text);
  if (wish !== null && (await openForm(there, serve.client, { user, trigger, from: 'command' }, wish))) return null;
  const reply = await runCommand(there, user, meant.text);
  return { reply: there === here ? reply : await toldThere(serve.client, there, user, reply), replaces: false };
}

const noFleet = (fleets: readonly CommandContext[]): string =>
  `There is no such fleet here. There ${fleets.length === 1 ? 'is' : 'are'}: ${fleets.map(({ fleet }) => foreignText(fleet.name, 80)).join(', ')}.`;

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
    return { ...reply, parts: [{ is: 'note', text: `Fleet ${foreignText(there.fleet.name, 80)}` }, ...reply.parts] };
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
    ...say(`Answered in <#${channel}>, ${whose}: that is the channel of ${foreignText(there.fleet.name, 80)}.`),
    ...(reply.outcome === undefined ? {} : { outcome: reply.outcome }),
  };
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
