import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { Server } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createProbe } from '../../../src/upgrade/http/probe.ts';
import type { Health } from '../../../src/upgrade/http/types.ts';
import { listening } from '../../support/listening.ts';
import { freePort } from '../../support/sshd.ts';

const { listen: open, closeAll } = listening();
const listen = async (server: Server): Promise<string> => `${await open(server)}/health`;

async function ask(handler: RequestListener, timeoutMs?: number): Promise<Health> {
  const url = await listen(createServer(handler));
  return createProbe({ n: url }).health('n', timeoutMs);
}

function answer(status: number, body: string, headers: Record<string, string> = {}): RequestListener {
  return (_, response) => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

afterEach(closeAll);

describe('a node is healthy', () => {
  it.each([
    ['with version and hostname', { status: 'healthy', version: 'v2.0.0', hostname: 'op-1' }, 'v2.0.0', 'op-1'],
    ['with the status alone', { status: 'healthy' }, null, null],
    [
      'with a version longer than anybody reads, and terminal codes in its name',
      { status: 'healthy', version: `v1.${'2'.repeat(9_000)}`, hostname: '\u001b[2Jop\u0000-\u202e1\n' },
      '***',
      'op-1',
    ],
    ['with a version of nothing to see', { status: 'healthy', version: '\u200b', hostname: '' }, null, null],
    ['with a version that is no text', { status: 'healthy', version: 2, hostname: ['x'] }, null, null],
  ])('%s', async (_, body, version, hostname) => {
    expect(await ask(answer(200, JSON.stringify(body)))).toEqual({ is: 'healthy', version, hostname });
  });

  it('without a content type', async () => {
    const plain: RequestListener = (_, response) => void response.end('{"status":"healthy"}');
    expect(await ask(plain)).toMatchObject({ is: 'healthy' });
  });
});

describe('a node is not healthy', () => {
  const good = '{"status":"healthy"}';
  it.each([
    ['that says unhealthy', answer(200, '{"status":"unhealthy"}'), 200, 'unhealthy'],
    ['that says Healthy', answer(200, '{"status":"Healthy"}'), 200, 'Healthy'],
    ['with 503 and a good body', answer(503, good), 503, '503 healthy'],
    ['with 503 and no body', answer(503, ''), 503, '503'],
    ['with 204', answer(204, ''), 204, '204'],
    ['with 201', answer(201, good), 201, '201 healthy'],
    ['that redirects', answer(302, good, { location: '/elsewhere' }), 302, '302 redirect'],
    [
      'with a page about health',
      answer(200, '<html>healthy</html>', { 'content-type': 'text/html' }),
      200,
      'not JSON but text/html',
    ],
    ['with good JSON as HTML', answer(200, good, { 'content-type': 'text/html' }), 200, 'not JSON but text/html'],
    ['with half of an answer', answer(200, '{"status":"healthy"'), 200, 'the answer is not a JSON object'],
    ['with two answers', answer(200, `${good}${good}`), 200, 'the answer is not a JSON object'],
    ['with a list', answer(200, `[${good}]`), 200, 'the answer is not a JSON object'],
    ['with text', answer(200, '"healthy"'), 200, 'the answer is not a JSON object'],
    ['with null', answer(200, 'null'), 200, 'the answer is not a JSON object'],
    ['without a status', answer(200, '{"health":"healthy"}'), 200, 'the answer has no status'],
    ['with a status inside', answer(200, '{"data":{"status":"healthy"}}'), 200, 'the answer has no status'],
    ['with a list as status', answer(200, '{"status":["healthy"]}'), 200, 'the answer has no status'],
    ['with an inherited status', answer(200, '{"__proto__":{"status":"healthy"}}'), 200, 'the answer has no status'],
    [
      'that never stops',
      answer(200, `{"status":"healthy","x":"${'x'.repeat(70_000)}"}`),
      200,
      'the answer is larger than 64 kB',
    ],
    ['that says a lot', answer(200, `{"status":"${'x'.repeat(900)}\\u001b[2J"}`), 200, 'x'.repeat(100)],
    [
      'that says a lot with 500',
      answer(500, `{"status":"\\u001b[2J${'x'.repeat(900)}"}`),
      500,
      `500 ${'x'.repeat(100)}`,
    ],
    [
      'nested without end',
      answer(200, `{"status":"healthy","x":${'['.repeat(9_000)}${']'.repeat(9_000)}}`),
      200,
      'the answer is not a JSON object',
    ],
    [
      'that tells a secret',
      answer(200, '{"status":"db password=hunter2hunter2 refused"}'),
      200,
      'db password=*** refused',
    ],
    ['that compresses', answer(200, good, { 'content-encoding': 'gzip' }), 200, 'the answer is compressed (gzip)'],
  ])('%s', async (_, handler, httpStatus, detail) => {
    expect(await ask(handler)).toEqual({ is: 'unhealthy', httpStatus, detail });
  });

  it('that drips its answer slowly', async () => {
    const drip: RequestListener = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    };
    const health = await ask(drip, 200);
    expect(health).toEqual({ is: 'unhealthy', httpStatus: 200, detail: 'no full answer within 0.2 s' });
  });

  it('that cuts its answer', async () => {
    const cut: RequestListener = (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"status":"healthy"}', () => response.destroy());
    };
    expect(await ask(cut)).toEqual({ is: 'unhealthy', httpStatus: 200, detail: 'the answer was cut short' });
  });
});

describe('a node is unreachable', () => {
  it('that refuses the connection', async () => {
    const probe = createProbe({ n: `http://127.0.0.1:${await freePort()}/health` });
    expect(await probe.health('n')).toEqual({ is: 'unreachable', detail: 'connection refused', refused: true });
  });

  it('that breaks the connection, which is no refusal', async () => {
    const url = await listen(createTcpServer((socket) => socket.resetAndDestroy()));
    const health = await createProbe({ n: url }).health('n');
    expect(health).toMatchObject({ is: 'unreachable' });
    expect(health).not.toHaveProperty('refused');
  });

  it('that accepts and says nothing', async () => {
    expect(await ask(() => {}, 200)).toEqual({ is: 'unreachable', detail: 'no full answer within 0.2 s' });
  });

  it('that does not speak HTTP', async () => {
    const url = await listen(createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')));
    const health = await createProbe({ n: url }).health('n');
    expect(health).toEqual({ is: 'unreachable', detail: 'the port does not speak HTTP' });
  });

  it.each([
    ['n', {}, 'no health address is configured for n'],
    ['toString', {}, 'no health address is configured for toString'],
    ['n', { n: 'nonsense' }, 'the health address nonsense is no URL'],
    ['n', { n: 'http://no-such-host.invalid/' }, /^the address cannot be resolved/],
  ])('%s with %o', async (node, urls: Record<string, string>, detail) => {
    const health = await createProbe(urls).health(node);
    expect(health).toEqual({
      is: 'unreachable',
      detail: typeof detail === 'string' ? detail : expect.stringMatching(detail),
    });
  });
});

describe('a probe', () => {
  it('takes a new connection every time and follows no redirect', async () => {
    let connections = 0;
    const paths: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url);
      response.writeHead(302, { location: '/other' }).end();
    });
    server.on('connection', () => {
      connections += 1;
    });
    const probe = createProbe({ n: `${await listen(server)}?full=1` });
    for (let i = 0; i < 3; i++) await probe.health('n');
    expect([connections, paths]).toEqual([3, Array.from({ length: 3 }, () => '/health?full=1')]);
  });

  it('ignores a proxy in the environment', async () => {
    const before = process.env.http_proxy;
    process.env.http_proxy = `http://127.0.0.1:${await freePort()}`;
    try {
      expect(await ask(answer(200, '{"status":"healthy"}'))).toMatchObject({ is: 'healthy' });
    } finally {
      if (before === undefined) delete process.env.http_proxy;
      else process.env.http_proxy = before;
    }
  });

  it('leaves no connection behind', async () => {
    const server = createServer(answer(200, '{"status":"healthy"}'));
    const url = await listen(server);
    await createProbe({ n: url }).health('n');
    await createProbe({ n: url }).health('n');
    const counted = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
    while ((await counted()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await counted()).toBe(0);
  });
});
