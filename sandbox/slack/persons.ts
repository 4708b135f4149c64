import { Refusal } from './args.ts';
import { chosen, elementsOf, type Found, labelOf } from './forms.ts';
import * as payloads from './payloads.ts';
import type { Responses } from './responses.ts';
import type { Ack, EnvelopeKind } from './sockets.ts';
import type { Triggers } from './triggers.ts';
import type { ChannelMessage, Outcome, Person } from './types.ts';
import { bot, slackbot, type Workspace } from './workspace.ts';

export type Dispatch = (kind: EnvelopeKind, payload: Record<string, unknown>) => Promise<Ack>;

export type Desk = {
  workspace: Workspace;
  responses: Responses;
  triggers: Triggers;
  dispatch: Dispatch;
  responseUrl(id: string): string;
  /** Event types the app subscribes to. */
  events: ReadonlySet<string>;
};

/** A person types a slash command. What fails is told to that person the way Slack does. */
export async function command(desk: Desk, userId: string, line: string, channel?: string): Promise<Outcome> {
  const { workspace } = desk;
  const user = workspace.person(userId);
  const [, name = '/zeitwork', rest = ''] = /^(\/\S+)?\s*(.*)$/s.exec(line) ?? [];
  const responses: ChannelMessage[] = [];
  const place = channel ?? workspace.channel.id;
  const asked = { user: userId, channel: place, original: null, responses };
  const hooks = { responseUrl: desk.responseUrl(desk.responses.give(asked)), triggerId: desk.triggers.give(userId) };
  const payload = payloads.slashCommand(
    workspace,
    user,
    { channel: place, command: name, text: asSent(workspace, rest) },
    hooks,
  );
  const ack = await desk.dispatch('slash_commands', payload);
  if (!ack.acked) tell(workspace, user, place, `\`${name}\` failed with the error \`${ack.error}\``);
  else if (Object.keys(ack.payload).length > 0) desk.responses.say(asked, ack.payload);
  return { acked: ack.acked, error: ack.error, afterMs: ack.afterMs, responses };
}

/** A person writes a message, in the channel or in a thread. The app hears of it only when it is mentioned. */
export async function say(
  desk: Desk,
  userId: string,
  text: string,
  threadTs: string | null = null,
  channel?: string,
): Promise<void> {
  const { workspace, events } = desk;
  const place = channel ?? workspace.channel.id;
  const message = workspace.post({ channel: place, user: userId, text: asSent(workspace, text), threadTs });
  const common = {
    user: userId,
    text: message.text,
    ts: message.ts,
    channel: place,
    event_ts: message.ts,
    team: workspace.team.id,
  };
  const event = { ...common, ...(threadTs ? { thread_ts: threadTs } : {}) };
  const isDirect = workspace.channelOf(place) === null;
  const channelType = isDirect ? 'im' : 'channel';
  const heard = [];
  if (events.has(isDirect ? 'message.im' : 'message.channels'))
    heard.push({ type: 'message', channel_type: channelType, ...event });
  if (!isDirect && message.text.includes(`<@${bot.id}`) && events.has('app_mention'))
    heard.push({ type: 'app_mention', ...event });
  await Promise.all(heard.map((one) => desk.dispatch('events_api', payloads.eventCallback(workspace, one))));
}

/** A person presses a button or picks from a menu under a message. */
export async function click(
  desk: Desk,
  userId: string,
  ts: string,
  match: string,
  picked: string[] = [],
): Promise<Outcome> {
  const { workspace } = desk;
  const user = workspace.person(userId);
  const message = workspace.all().find((one) => one.ts === ts && (one.visibleTo === null || one.visibleTo === userId));
  if (!message) throw new Refusal('message_not_found');
  const found = pick(elementsOf(message.blocks), match);
  const responses: ChannelMessage[] = [];
  const asked = { user: userId, channel: message.channel, original: message, responses };
  const hooks = { responseUrl: desk.responseUrl(desk.responses.give(asked)), triggerId: desk.triggers.give(userId) };
  const pressed = { ...found, chosen: chosen(found.element, picked) };
  const ack = await desk.dispatch('interactive', payloads.messageAction(workspace, user, message, pressed, hooks));
  if (!ack.acked)
    tell(workspace, user, message.channel, `“${labelOf(found.element)}” got no answer from the app (\`${ack.error}\`)`);
  return { acked: ack.acked, error: ack.error, afterMs: ack.afterMs, responses };
}

/** Finds an element by block and action id (`block/action`), action id, value, or label. */
export function pick(elements: Found[], match: string): Found {
  const keys = [
    ({ element, blockId }: Found) => `${blockId}/${element.action_id}`,
    ({ element }: Found) => element.action_id,
    ({ element }: Found) => element.value,
    ({ element }: Found) => labelOf(element),
  ];
  for (const key of keys) {
    const found = elements.find((one) => key(one) === match);
    if (found) return found;
  }
  const offered = elements.map(({ element }) => `${element.action_id} "${labelOf(element)}"`).join(', ');
  throw new Refusal('no_such_element', [`"${match}" is not among: ${offered || 'nothing to press'}`]);
}

export function tell(workspace: Workspace, user: Person, channel: string, text: string): void {
  workspace.post({ channel, user: slackbot.id, text, visibleTo: user.id });
}

/** As Slack sends text with `should_escape`: markup made harmless, names and channels resolved to ids. */
export function asSent(workspace: Workspace, text: string): string {
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return safe
    .replace(/(^|\s)@([\w.-]+)/g, (whole, before: string, name: string) => {
      const person = workspace.people.find((one) => one.name.toLowerCase() === name.toLowerCase());
      const group = workspace.groups.find((one) => one.handle === name);
      if (person) return `${before}<@${person.id}|${person.name}>`;
      return group ? `${before}<!subteam^${group.id}|@${group.handle}>` : whole;
    })
    .replace(/(^|\s)#([\w-]+)/g, (whole, before: string, name: string) =>
      name === workspace.channel.name ? `${before}<#${workspace.channel.id}|${name}>` : whole,
    );
}
