import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { parseBody } from '../slack/args.ts';
import { isFromOurPage } from '../slack/guard.ts';
import { type Route, readBody, sendJson, type Upgrade } from '../slack/server.ts';
import { act } from './acts.ts';
import { script } from './client/index.ts';
import { livePages } from './live.ts';
import type { PageRoom } from './room.ts';
import { pageHtml } from './shell.tsx';
import { style } from './style/index.ts';

export type PageServer = { route: Route; upgrade: Upgrade; close(): void };

/** The page of the sandbox: one address, its script and style, the acts of persons, and live updates. */
export function pageServer(room: PageRoom): PageServer {
  const live = livePages(room);
  const files: Record<string, [type: string, content: () => string]> = {
    '/': ['text/html', () => pageHtml(room)],
    '/page/client.js': ['text/javascript', () => script],
    '/page/style.css': ['text/css', () => blockStyle() + style],
    '/favicon.ico': ['image/svg+xml', () => '<svg xmlns="http://www.w3.org/2000/svg" />'],
  };

  async function route(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    if (url.pathname === '/page/act' && request.method === 'POST') {
      await answerAct(request, response);
      return true;
    }
    const file = files[url.pathname];
    if (!file) return false;
    const [type, content] = file;
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' }).end(content());
    return true;
  }

  async function answerAct(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isFromOurPage(request))
      return sendJson(response, 403, { ok: false, told: 'Only the page itself may do this.' });
    try {
      const answer = await act(room, parseBody(await readBody(request), 'application/json'));
      const said = typeof answer === 'object' ? { told: null, ask: answer } : { told: answer, ask: null };
      sendJson(response, 200, { ok: true, ...said });
    } catch (error) {
      const told = error instanceof Error ? error.message : String(error);
      sendJson(response, 400, { ok: false, told });
    }
  }

  const upgrade: Upgrade = (request, socket, head, url) =>
    url.pathname === '/page/live' && isFromOurPage(request) && live.take(request, socket, head);

  return { route, upgrade, close: live.close };
}

/** The library scopes its style to one id; here many messages share it as a class. Its layer lies below the page's own style. */
function blockStyle(): string {
  const path = createRequire(import.meta.url).resolve('slack-blocks-to-jsx/dist/style.css');
  const rules = readFileSync(path, 'utf8').replaceAll(
    '#slack_blocks_to_jsx',
    ':is(#slack_blocks_to_jsx, .slack_blocks_to_jsx)',
  );
  return `@layer library {\n${rules.replaceAll('!important', '')}\n}\n`;
}
