import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { parseBody, Refusal } from './args.ts';
import { protect, refusalOf } from './guard.ts';
import type { Responses } from './responses.ts';
import type { WebApi } from './web-api.ts';

const mostBytes = 1_000_000;

/** Answers a request and says so, or leaves it to the next one. */
export type Route = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<boolean>;
/** Takes a WebSocket upgrade, or leaves it. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, url: URL) => boolean;

export type Doors = { routes: Route[]; upgrades: Upgrade[]; isDown: () => boolean };

/** Starts listening, for this machine alone. While down, every connection is cut without an answer. */
export async function listen(doors: Doors, port: number): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    if (doors.isDown()) return void request.socket.destroy();
    const refusal = refusalOf(request);
    if (refusal !== null) return sendJson(response, 403, { ok: false, told: refusal });
    protect(request, response);
    answer(doors.routes, request, response).catch((error: unknown) => {
      const code = error instanceof Refusal ? error.code : 'internal_error';
      if (!response.headersSent) sendJson(response, error instanceof Refusal ? 404 : 500, { ok: false, error: code });
      else response.destroy();
    });
  });
  server.on('upgrade', (request, socket, head) => {
    const may = !doors.isDown() && refusalOf(request) === null;
    const taken = may && doors.upgrades.some((upgrade) => upgrade(request, socket, head, urlOf(request)));
    if (!taken) socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address: AddressInfo | string | null = server.address();
  return { server, port: typeof address === 'object' && address ? address.port : port };
}

async function answer(routes: Route[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = urlOf(request);
  for (const route of routes) if (await route(request, response, url)) return;
  sendJson(response, 404, { ok: false, error: 'not_found' });
}

/** `/api/<method>`: the Web API. */
export function apiRoute(api: WebApi): Route {
  return async (request, response, url) => {
    const method = /^\/api\/([\w.]+)$/.exec(url.pathname)?.[1];
    if (method === undefined) return false;
    const args = {
      ...Object.fromEntries(url.searchParams),
      ...parseBody(await readBody(request), contentType(request)),
    };
    const result = await api(method, args, request);
    if (result === null) request.socket.destroy();
    else sendJson(response, result.status, result.body, result.headers);
    return true;
  };
}

/** `/respond/<id>`: the response_urls. */
export function respondRoute(responses: Responses): Route {
  return async (request, response, url) => {
    const id = /^\/respond\/([\w-]+)$/.exec(url.pathname)?.[1];
    if (id === undefined) return false;
    responses.use(id, parseBody(await readBody(request), contentType(request)));
    response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
    return true;
  };
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > mostBytes) throw new Refusal('request_too_large');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(body));
}

function contentType(request: IncomingMessage): string {
  return request.headers['content-type'] ?? '';
}

function urlOf(request: IncomingMessage): URL {
  const written = `http://sandbox${request.url ?? '/'}`;
  return new URL(URL.canParse(written) ? written : 'http://sandbox/');
}
