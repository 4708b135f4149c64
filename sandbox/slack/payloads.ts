import { randomUUID } from 'node:crypto';
import type { BlockElement, ChannelMessage, Person, View } from './types.ts';
import { appId, bot, botId, type Workspace } from './workspace.ts';

/** Builders of what Slack puts into envelopes and answers. Field for field as the real thing sends it. */

type Json = Record<string, unknown>;

type Typed = { channel: string; command: string; text: string };

export function slashCommand(workspace: Workspace, user: Person, typed: Typed, hooks: Hooks): Json {
  return {
    token: 'sandbox',
    team_id: user.teamId ?? workspace.team.id,
    team_domain: workspace.team.name,
    channel_id: typed.channel,
    channel_name: workspace.channelOf(typed.channel)?.name ?? 'directmessage',
    user_id: user.id,
    user_name: user.name,
    command: typed.command,
    text: typed.text,
    api_app_id: appId,
    is_enterprise_install: 'false',
    response_url: hooks.responseUrl,
    trigger_id: hooks.triggerId,
  };
}

export type Hooks = { responseUrl: string; triggerId: string };

function actor(workspace: Workspace, user: Person): Json {
  return {
    user: { id: user.id, username: user.name, name: user.name, team_id: user.teamId ?? workspace.team.id },
    team: { id: user.teamId ?? workspace.team.id, domain: workspace.team.name },
    api_app_id: appId,
    token: 'sandbox',
    enterprise: null,
    is_enterprise_install: false,
  };
}

export type Pressed = { element: BlockElement; blockId: string; chosen: Json };

function actionOf(pressed: Pressed, ts: string): Json {
  const { element, blockId, chosen } = pressed;
  const kept = element.type === 'button' ? { text: element.text, value: element.value, style: element.style } : {};
  return { type: element.type, action_id: element.action_id, block_id: blockId, ...kept, ...chosen, action_ts: ts };
}

/** An ephemeral has no `message` in its payload: whoever needs more than the value must look it up. */
export function messageAction(
  workspace: Workspace,
  user: Person,
  message: ChannelMessage,
  pressed: Pressed,
  hooks: Hooks,
): Json {
  const isEphemeral = message.visibleTo !== null;
  return {
    type: 'block_actions',
    ...actor(workspace, user),
    container: {
      type: 'message',
      message_ts: message.ts,
      channel_id: message.channel,
      is_ephemeral: isEphemeral,
      ...(message.threadTs ? { thread_ts: message.threadTs } : {}),
    },
    trigger_id: hooks.triggerId,
    channel: { id: message.channel, name: workspace.channelOf(message.channel)?.name ?? 'directmessage' },
    ...(isEphemeral ? {} : { message: messageJson(workspace, message, true) }),
    state: { values: {} },
    response_url: hooks.responseUrl,
    actions: [actionOf(pressed, workspace.timestamp())],
  };
}

export function viewAction(workspace: Workspace, user: Person, view: View, pressed: Pressed, triggerId: string): Json {
  return {
    type: 'block_actions',
    ...actor(workspace, user),
    container: { type: 'view', view_id: view.id },
    trigger_id: triggerId,
    view: viewJson(workspace, view),
    actions: [actionOf(pressed, workspace.timestamp())],
  };
}

export function viewSubmission(workspace: Workspace, user: Person, view: View, values: Json, triggerId: string): Json {
  return {
    type: 'view_submission',
    ...actor(workspace, user),
    trigger_id: triggerId,
    view: { ...viewJson(workspace, view), state: { values } },
    response_urls: [],
  };
}

export function viewClosed(workspace: Workspace, user: Person, view: View): Json {
  return { type: 'view_closed', ...actor(workspace, user), view: viewJson(workspace, view), is_cleared: false };
}

export function eventCallback(workspace: Workspace, event: Json): Json {
  return {
    token: 'sandbox',
    team_id: workspace.team.id,
    api_app_id: appId,
    event,
    type: 'event_callback',
    event_id: `Ev${randomUUID().replaceAll('-', '').slice(0, 9).toUpperCase()}`,
    event_time: Math.floor(Number(workspace.timestamp())),
    authorizations: [
      { enterprise_id: null, team_id: workspace.team.id, user_id: bot.id, is_bot: true, is_enterprise_install: false },
    ],
    is_ext_shared_channel: false,
  };
}

export function messageJson(workspace: Workspace, message: ChannelMessage, withMetadata: boolean): Json {
  const replies = message.threadTs === null ? workspace.replies(message.channel, message.ts) : [];
  const parents =
    replies.length > 0 ? { thread_ts: message.ts, reply_count: replies.length, latest_reply: replies.at(-1)?.ts } : {};
  return {
    type: 'message',
    user: message.user,
    ts: message.ts,
    text: message.text,
    team: workspace.team.id,
    ...(message.user === bot.id ? { bot_id: botId, app_id: appId } : {}),
    ...(message.blocks.length > 0 ? { blocks: message.blocks } : {}),
    ...(message.threadTs ? { thread_ts: message.threadTs } : parents),
    ...(message.broadcast ? { subtype: 'thread_broadcast' } : {}),
    ...(message.editedTs ? { edited: { user: message.user, ts: message.editedTs } } : {}),
    ...(message.reactions.length > 0
      ? { reactions: message.reactions.map((one) => ({ ...one, count: one.users.length })) }
      : {}),
    ...(withMetadata && message.metadata ? { metadata: message.metadata } : {}),
  };
}

export function viewJson(workspace: Workspace, view: View): Json {
  const plain = (text: string | null) => (text === null ? null : { type: 'plain_text', text, emoji: true });
  return {
    id: view.id,
    team_id: workspace.team.id,
    type: view.type,
    blocks: view.blocks,
    private_metadata: view.privateMetadata,
    callback_id: view.callbackId,
    external_id: view.externalId,
    state: { values: {} },
    hash: view.hash,
    title: plain(view.title),
    submit: plain(view.submit),
    close: plain(view.close),
    notify_on_close: view.notifyOnClose,
    clear_on_close: false,
    root_view_id: view.id,
    previous_view_id: null,
    app_id: appId,
    bot_id: botId,
  };
}
