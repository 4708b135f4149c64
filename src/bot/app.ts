import { App, type BlockAction, type ButtonAction, SocketModeReceiver, type ViewSubmitAction } from '@slack/bolt';
import type { WebClientOptions } from '@slack/web-api';
import type { Announcer } from '../jobs/types.ts';
import type { Sealer } from '../trust/index.ts';
import type { Webhook } from '../upgrade/http/types.ts';
import { accepted } from './accepted.ts';
import { announcing } from './announcing.ts';
import { slackChat } from './chat.ts';
import { keepConnected } from './connection.ts';
import type { CommandContext } from './context.ts';
import { slackDirectory } from './directory.ts';
import { upgradeForm } from './forms/upgrade.ts';
import { drawHome } from './home.ts';
import { listeners } from './listeners.ts';
import { slackLogger } from './logger.ts';
import { type ChatMeter, slackTroubleIn, TellingClient } from './meter.ts';
import { homeActions } from './views/home.ts';
import { replyIn } from './written.ts';

/** The one connection, over which a bot speaks and hears for all of its fleets. */
export interface BotConnection extends Pick<CommandContext, 'clock' | 'log'> {
  /** Workspace that the settings name; null: the one that the token belongs to. */
  team: string | null;
  slack: {
    botToken: string;
    appToken: string;
    /** Another address of the Slack API, for stand-ins; null for Slack itself. */
    apiUrl: string | null;
  };
  /** Who counts; absent: nobody. */
  meter?: Omit<ChatMeter, 'posted'> | undefined;
}

/** A fleet with its channel. */
export interface BotFleet extends Omit<CommandContext, 'directory' | 'workspace' | 'sealer'> {
  sealer: Sealer;
  /** Who is told of majors besides the channel. */
  webhook?: Webhook;
  /** Who counts; absent: nobody. */
  meter?: Pick<ChatMeter, 'posted'> | undefined;
}

export interface Bot {
  /** In the order of the fleets. */
  announcers: Announcer[];
  /**
   * Resolves when Slack has said hello and accepts the bot's token. Until then, and whenever Slack is away, it is tried
   * again and again, with a line in the log each time. Rejects with `Refused` when the token is another workspace's.
   */
  connected: Promise<void>;
  close(): Promise<void>;
}

/** Listens to one workspace over Socket Mode. Returns at once, also when Slack is away. */
export async function startBot(connection: BotConnection, fleets: readonly BotFleet[]): Promise<Bot> {
  const { slack, clock, log, team, meter } = connection;
  const logger = slackLogger(log);
  const options = { ...clientOptions(slack.apiUrl), logger };
  // Two clients: a burst of edits that Slack slows down must not delay the answer to a person.
  const failed = (error: unknown) => meter?.failed(slackTroubleIn(error));
  const twice = { ...options, retryConfig: { retries: 1, minTimeout: 300 } };
  const asking = new TellingClient(slack.botToken, twice, failed);
  const telling = new TellingClient(slack.botToken, options, failed);
  const receiver = new SocketModeReceiver({
    appToken: slack.appToken,
    logger,
    autoReconnectEnabled: false,
    installerOptions: { clientOptions: clientOptions(slack.apiUrl) },
  });
  const app = new App({
    receiver,
    authorize: async () => ({ botToken: slack.botToken }),
    clientOptions: options,
    logger,
  });
  // Whose bot this is: before Slack has said so, everybody is a stranger.
  const directory = slackDirectory(asking, () => clock.now());
  const served = fleets.map((fleet) => ({
    fleet,
    context: { ...fleet, workspace: null, directory } as CommandContext,
  }));
  const contexts = served.map(({ context }) => context);
  const told = listeners(contexts, asking);
  app.event('app_home_opened', async ({ event }) => {
    if (event.tab === 'home') await drawHome(contexts, asking, event.user);
  });
  app.event('app_mention', async ({ event }) => {
    const { user, channel, ts, thread_ts: thread = null } = event;
    if (user !== undefined) await told.written({ user, channel, ts, thread, isMention: true });
  });
  app.event('message', async ({ event }) => {
    const written = replyIn(event);
    if (written !== null) await told.written(written);
  });
  app.command('/zeitwork', async ({ ack, command, respond }) => {
    await ack();
    await told.command(command, respond);
  });
  app.action<BlockAction<ButtonAction>>(
    { type: 'block_actions', action_id: /^zw:/ },
    async ({ ack, body, action, respond }) => {
      await ack();
      await told.click(body, action, respond);
    },
  );
  app.action<BlockAction<ButtonAction>>(
    { type: 'block_actions', action_id: homeActions.upgrade },
    async ({ ack, body, action }) => {
      await ack();
      await told.asked(body, action.value);
    },
  );
  app.action<BlockAction>({ type: 'block_actions', action_id: homeActions.look }, async ({ ack, body }) => {
    await ack();
    await drawHome(contexts, asking, body.user.id);
  });
  app.view<ViewSubmitAction>({ type: 'view_submission', callback_id: upgradeForm }, async ({ ack, body }) => {
    await told.submitted(body, ack);
  });
  app.error(async (error) => log.error({ err: error }, 'a delivery from Slack failed'));
  const closing = new AbortController();
  const kept = keepConnected(receiver.client, log, meter);
  const token = accepted(asking, team, log, closing.signal).then((workspace) => {
    for (const context of contexts) context.workspace = workspace;
    meter?.accepted();
  });
  return {
    announcers: served.map(({ fleet, context }) => announcing(context, fleet, slackChat(telling))),
    connected: Promise.all([kept.first, token]).then(() => undefined),
    async close() {
      closing.abort();
      await kept.close();
    },
  };
}

/** No repeats (a repeated post is a second message), an end to every call, and "slow down" as an error. */
function clientOptions(apiUrl: string | null): WebClientOptions {
  return {
    timeout: 10_000,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    ...(apiUrl === null ? {} : { slackApiUrl: apiUrl.endsWith('/') ? apiUrl : `${apiUrl}/` }),
  };
}
