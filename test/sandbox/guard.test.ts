import { once } from 'node:events';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type Slack, startSlack } from '../../sandbox/slack/start.ts';
import { workspaceOptions } from '../support/slack-workspace.ts';

let slack: Slack;
beforeAll(async () => {
  slack = await startSlack(workspaceOptions());
});
afterAll(() => slack.close());

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Says what a browser would never let a page say. */
async function send(method: string, path: string, headers: OutgoingHttpHeaders, body = ''): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port: slack.port, method, path, headers, setHost: false });
  asked.end(body);
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, body: text };
}

const ours = () => `127.0.0.1:${slack.port}`;
const act = JSON.stringify({ as: 'U1', tab: 'channel', do: 'say', text: 'from elsewhere' });
const json = { 'content-type': 'application/json' };
const said = () => slack.messages().length;

const strangeHosts = () => [
  `evil.example:${slack.port}`,
  'evil.example',
  `localhost.evil.example:${slack.port}`,
  `127.0.0.1.evil.example:${slack.port}`,
  `evil.example@127.0.0.1:${slack.port}`,
  '0.0.0.0',
  '10.0.0.1',
  '',
];
const strangeOrigins = () => [
  'http://evil.example',
  `http://evil.example:${slack.port}`,
  `http://127.0.0.1:${slack.port + 1}`,
  `http://localhost:${slack.port}`,
  `https://127.0.0.1:${slack.port}`,
  `http://127.0.0.1:${slack.port}.evil.example`,
  'null',
  'file://',
];

/** Whether the page's live line, or Socket Mode's, lets these headers in. */
async function letsIn(path: string, headers: Record<string, string>): Promise<boolean> {
  const socket = new WebSocket(`ws://${ours()}${path}`, { headers });
  const in_ = await new Promise<boolean>((settle) => {
    socket.once('open', () => settle(true));
    socket.once('error', () => settle(false));
  });
  socket.terminate();
  return in_;
}

describe('the sandbox, to whoever is not its own page', () => {
  it('answers its own page, by each name of this machine', async () => {
    for (const host of [ours(), `localhost:${slack.port}`, `LOCALHOST:${slack.port}`, `[::1]:${slack.port}`]) {
      expect((await send('GET', '/', { host })).status).toBe(200);
      expect(await letsIn('/page/live', { host, origin: `http://${host}` })).toBe(true);
    }
  });

  it('answers nothing to a name that was made to point here, be it ever so sure of its origin', async () => {
    for (const host of strangeHosts()) {
      const origin = `http://${host}`;
      for (const path of ['/', '/page/client.js', '/api/auth.test', '/nothing']) {
        const { status, body } = await send('GET', path, { host });
        expect([host, path, status]).toEqual([host, path, 403]);
        expect(body).not.toContain('zeitwork');
      }
      expect((await send('POST', '/page/act', { host, origin, ...json }, act)).status).toBe(403);
      expect(await letsIn('/page/live', { host, origin })).toBe(false);
    }
    expect(said()).toBe(0);
  });

  it('does nothing for the page of another site, nor for nobody’s', async () => {
    for (const origin of strangeOrigins()) {
      const headers = { host: ours(), origin };
      expect([origin, (await send('POST', '/page/act', { ...headers, ...json }, act)).status]).toEqual([origin, 403]);
      expect((await send('POST', '/page/act', { ...headers, 'content-type': 'text/plain' }, act)).status).toBe(403);
      expect((await send('GET', '/', headers)).status).toBe(403);
      expect(
        (await send('POST', '/api/auth.test', { ...headers, authorization: `Bearer ${slack.botToken}` })).status,
      ).toBe(403);
      expect([origin, await letsIn('/page/live', headers)]).toEqual([origin, false]);
    }
    expect((await send('POST', '/page/act', { host: ours(), ...json }, act)).status).toBe(403);
    expect(await letsIn('/page/live', { host: ours() })).toBe(false);
    expect(said()).toBe(0);
  });

  it('does not open Socket Mode to a page, even with a ticket', async () => {
    const opened = await send('POST', '/api/apps.connections.open', {
      host: ours(),
      authorization: `Bearer ${slack.appToken}`,
    });
    const { url }: { url: string } = JSON.parse(opened.body);
    const { pathname, search } = new URL(url);
    expect(await letsIn(pathname + search, { origin: 'http://evil.example' })).toBe(false);
    expect(await letsIn(pathname + search, { host: 'evil.example' })).toBe(false);
    expect(await letsIn(pathname + search, {})).toBe(true);
  });

  it('lets its page be framed by nobody, guessed to be nothing else, and load what is its own', async () => {
    for (const path of ['/', '/page/client.js', '/page/style.css', '/nothing']) {
      const { headers } = await send('GET', path, { host: ours() });
      expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff' });
      const policy = String(headers['content-security-policy']).split('; ');
      expect(policy).toEqual(
        expect.arrayContaining([
          "default-src 'none'",
          "script-src 'self'",
          "frame-ancestors 'none'",
          "base-uri 'none'",
        ]),
      );
      expect(policy).toContain(`connect-src 'self' ws://${ours()}`);
    }
  });

  it('outlives a request that makes no sense', async () => {
    for (const path of ['//', '/\\', 'http://[', '*']) {
      const line = connect(slack.port, '127.0.0.1');
      line.end(`GET ${path} HTTP/1.1\r\nHost: ${ours()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
      line.on('error', () => undefined).resume();
      await once(line, 'close');
    }
    expect((await send('GET', '/', { host: ours() })).status).toBe(200);
  });

  it('listens on no address but loopback', async () => {
    const others = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    if (others.length === 0) console.log('this machine has no other address, so none was tried');
    for (const { address } of others) {
      const line = connect(slack.port, address);
      const reached = await new Promise((settle) => {
        line.once('connect', () => settle(true)).once('error', () => settle(false));
      });
      line.destroy();
      expect([address, reached]).toEqual([address, false]);
    }
  });
});
