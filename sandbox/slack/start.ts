import { randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { type PageServer, pageServer } from '../page/server.ts';
import type { Office } from './api/method.ts';
import { Refusal } from './args.ts';
import { Faults } from './faults.ts';
import { type Entered, elementsOf } from './forms.ts';
import * as persons from './persons.ts';
import * as views from './persons-views.ts';
import { Responses } from './responses.ts';
import { apiRoute, listen, respondRoute, type Upgrade } from './server.ts';
import { Sockets } from './sockets.ts';
import { Triggers } from './triggers.ts';
import type { Outcome, SlackOptions } from './types.ts';
import { type Tokens, webApi } from './web-api.ts';
import { Workspace } from './workspace.ts';

/** What the manifest of the app asks for, and what its optional parts add. */
export const defaultScopes = [
  'commands',
  'chat:write',
  'im:write',
  'users:read',
  'app_mentions:read',
  'usergroups:read',
  'channels:read',
  'channels:history',
  'reactions:write',
  'chat:write.public',
];
const defaultEvents = ['app_home_opened', 'app_mention'];

export type Slack = Awaited<ReturnType<typeof startSlack>>;

/**
 * Starts a stand-in Slack with a page where a person acts. It serves one workspace, one channel and one app,
 * and is stricter than Slack wherever strictness finds mistakes early.
 */
export async function startSlack(options: SlackOptions) {
  const workspace = new Workspace(options);
  const faults = new Faults();
  const triggers = new Triggers(options.triggerLifeMs ?? 3_000);
  const responses = new Responses(workspace, faults);
  const sockets = new Sockets(options.ackTimeoutMs ?? 3_000, (text) => workspace.warnings.push(text));
  const tokens: Tokens = { bot: `xoxb-sandbox-${randomUUID()}`, app: `xapp-sandbox-${randomUUID()}` };
  const tickets = new Set<string>();
  const at = { port: 0 };
  const origin = () => `http://127.0.0.1:${at.port}`;

  const office: Office = {
    workspace,
    faults,
    triggers,
    pageUrl: () => `${origin()}/`,
    socketUrl: () => {
      const ticket = randomUUID();
      tickets.add(ticket);
      return `${origin().replace('http', 'ws')}/link/?ticket=${ticket}&app_id=sandbox`;
    },
  };
  const desk: persons.Desk = {
    workspace,
    responses,
    triggers,
    events: new Set(options.events ?? defaultEvents),
    responseUrl: (id) => `${origin()}/respond/${id}`,
    dispatch: (kind, payload) => {
      for (let more = 0; more < faults.duplicates; more++) void sockets.deliver(kind, payload);
      return sockets.deliver(kind, payload);
    },
  };
  const page: PageServer = pageServer({ workspace, desk, options, connections: () => sockets.connected });
  const api = webApi(office, tokens, options.scopes ?? defaultScopes, options.latencyMs ?? 0);
  const { server, port } = await listen(
    {
      routes: [apiRoute(api), respondRoute(responses), page.route],
      upgrades: [socketMode(sockets, tickets), page.upgrade],
      isDown: () => faults.isDown,
    },
    options.port ?? 0,
  );
  at.port = port;

  return {
    port,
    apiUrl: `${origin()}/api/`,
    pageUrl: `${origin()}/`,
    botToken: tokens.bot,
    appToken: tokens.app,
    /** Everything written down in the workspace: people, modals, homes. */
    state: workspace,
    warnings: workspace.warnings,
    broadcasts: workspace.broadcasts,
    calls: workspace.calls,
    connections: () => sockets.connected,
    /** Envelopes sent so far, repeats included. */
    envelopes: () => sockets.sent,
    /** In the channel that is named by its id, else in the first. */
    command: (user: string, text: string, channel?: string) => persons.command(desk, user, text, channel),
    say: (user: string, text: string, threadTs?: string) => persons.say(desk, user, text, threadTs ?? null),
    click: (user: string, where: string, match: string, choice: Choice = {}) => click(desk, user, where, match, choice),
    submit: (user: string, entered: Entered) => views.submit(desk, user, entered),
    closeModal: (user: string) => views.closeModal(desk, user),
    openHome: (user: string) => views.openHome(desk, user),
    messages: (channel?: string) => workspace.messages(channel),
    thread: (ts: string) => workspace.thread(ts),
    ephemerals: (user: string) => workspace.ephemerals(user),
    dms: (user: string) => workspace.lasting(workspace.direct(user)),
    onChange: (listener: () => void) => workspace.onChange(listener),
    faults: {
      rateLimitNext: (method: string, retryAfterS: number, times?: number) =>
        faults.rateLimitNext(method, retryAfterS, times),
      failNext: (method: string, status: number, times?: number) => faults.failNext(method, status, times),
      dropReplyOf: (method: string, times?: number) => faults.dropReplyOf(method, times),
      refuseBlocks: (...types: string[]) => faults.refuseBlocks(...types),
      /** True: each twice. A number: each so many times. */
      duplicateDeliveries: (times: boolean | number) => {
        faults.duplicates = Number(times) - (typeof times === 'number' ? 1 : 0);
      },
      holdNext: (method: string) => faults.holdNext(method),
      /** The connection closes in the moment in which the next acknowledgement comes: Slack never hears it. */
      loseNextAck: () => sockets.loseNextAck(),
      revokeTokens: (are: boolean) => {
        faults.areTokensRevoked = are;
        if (are) sockets.disconnect('cut');
      },
      disconnectSockets: (how?: 'refresh_requested' | 'cut') => sockets.disconnect(how),
      down: (on: boolean) => {
        faults.isDown = on;
        if (on) sockets.disconnect('cut');
      },
    },
    close: async () => {
      page.close();
      await sockets.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** How a person answers a confirm dialog (yes unless told), and what is picked from a menu. */
type Choice = { confirm?: boolean; pick?: string | string[] };

async function click(desk: persons.Desk, user: string, where: string, match: string, choice: Choice): Promise<Outcome> {
  const picked = [choice.pick ?? []].flat();
  const isView = where === 'home' || where === 'modal';
  const message = isView ? null : desk.workspace.all().find((one) => one.ts === where);
  if (!isView && !message) throw new Refusal('message_not_found');
  const refused =
    choice.confirm === false &&
    message &&
    persons.pick(elementsOf(message.blocks), match).element.confirm !== undefined;
  if (refused) return { acked: false, error: 'cancelled', afterMs: 0, responses: [] };
  return isView ? views.clickView(desk, user, where, match, picked) : persons.click(desk, user, where, match, picked);
}

/** Takes a Socket Mode connection that shows a ticket of `apps.connections.open`; each is good once. */
function socketMode(sockets: Sockets, tickets: Set<string>): Upgrade {
  const acceptor = new WebSocketServer({ noServer: true });
  return (request, socket, head, url) => {
    if (url.pathname !== '/link/') return false;
    if (!tickets.delete(url.searchParams.get('ticket') ?? '')) return false;
    acceptor.handleUpgrade(request, socket, head, (accepted) => sockets.attach(accepted));
    return true;
  };
}
