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
import { heard, replyIn } from './written.ts';

export interface BotContext extends Omit<CommandContext, 'directory' | 'workspace' | 'sealer'> {
  sealer: Sealer;
  /** Workspace that the settings name; null: the one that the token belongs to. */
  team: string | null;
  slack: {
    botToken: string;
    appToken: string;
    /** Another address of the Slack API, for stand-ins; null for Slack itself. */
    apiUrl: string | null;
  };
  /** Who is told of majors besides the channel. */
  webhook?: Webhook;
  /** Who counts; absent: nobody. */
  meter?: ChatMeter | undefined;
}

export interface Bot {
  announcer: Announcer;
  /**
   * Resolves when Slack has said hello and accepts the bot's token. Until then, and whenever Slack is away, it is tried
   * again and again, with a line in the log each time. Rejects with `Refused` when the token is another workspace's.
   */
  connected: Promise<void>;
  close(): Promise<void>;
}

/** Listens to one workspace over Socket Mode. Returns at once, also when Slack is away. */
export async function startBot(context: BotContext): Promise<Bot> {
  const { slack, clock, log, team, meter } = context;
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
  const commandContext: CommandContext = {
    ...context,
    workspace: null,
    directory: slackDirectory(asking, () => clock.now()),
  };
  const told = listeners(commandContext, asking);
  app.event('app_home_opened', async ({ event }) => {
    if (event.tab === 'home') await drawHome(commandContext, asking, event.user);
  });
  app.event('app_mention', async ({ event }) => {
    const { user, channel, ts, thread_ts: thread = null } = event;
    if (user !== undefined) await heard(commandContext, asking, { user, channel, ts, thread, isMention: true });
  });
  app.event('message', async ({ event }) => {
    const written = replyIn(event);
    if (written !== null) await heard(commandContext, asking, written);
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
  app.action<BlockAction>({ type: 'block_actions', action_id: homeActions.upgrade }, async ({ ack, body }) => {
    await ack();
    await told.asked(body);
  });
  app.action<BlockAction>({ type: 'block_actions', action_id: homeActions.look }, async ({ ack, body }) => {
    await ack();
    await drawHome(commandContext, asking, body.user.id);
  });
  app.view<ViewSubmitAction>({ type: 'view_submission', callback_id: upgradeForm }, async ({ ack, body }) => {
    await told.submitted(body, ack);
  });
  app.error(async (error) => log.error({ err: error }, 'a delivery from Slack failed'));
  const closing = new AbortController();
  const connection = keepConnected(receiver.client, log, meter);
  const token = accepted(asking, team, log, closing.signal).then((workspace) => {
    commandContext.workspace = workspace;
    meter?.accepted();
  });
  return {
    announcer: announcing(commandContext, context, slackChat(telling)),
    connected: Promise.all([connection.first, token]).then(() => undefined),
    async close() {
      closing.abort();
      await connection.close();
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
