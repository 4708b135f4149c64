import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createAlerting } from '../../../src/upgrade/http/index.ts';
import { listening } from '../../support/listening.ts';

const { listen, closeAll } = listening();
afterEach(closeAll);

const answers =
  (status: number, body: string): RequestListener =>
  (_, response) =>
    void response.writeHead(status).end(body);
const alert = (labels: Record<string, string>) => ({ labels, status: { state: 'active' } });

async function alertmanager(handler: RequestListener, matchers: string[] = []) {
  const base = await listen(createServer(handler));
  return createAlerting({ alertmanager: `${base}/am/`, matchers });
}
const saying = (list: unknown) => alertmanager(answers(200, JSON.stringify(list)));

describe('an Alertmanager', () => {
  it('is asked for what is neither silenced nor inhibited, with all matchers, for the region', async () => {
    const asked: string[] = [];
    const alerting = await alertmanager(
      ({ url }, response) => {
        asked.push(url ?? '');
        response.end('[]');
      },
      ['severity=~"critical|page"', 'region="{region}"'],
    );
    expect(await alerting.ask('us-east')).toEqual({ is: 'quiet' });
    const url = new URL(asked[0] ?? '', 'http://x');
    expect(url.pathname).toBe('/am/api/v2/alerts');
    expect(url.searchParams.getAll('filter')).toEqual(['severity=~"critical|page"', 'region="us-east"']);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      active: 'true',
      silenced: 'false',
      inhibited: 'false',
    });
  });

  it('names what fires, each once, and no more than anybody reads', async () => {
    const few = await saying([
      alert({ alertname: 'Lag', instance: 'op-1:9090' }),
      alert({ alertname: 'Disk' }),
      alert({ alertname: 'Disk' }),
    ]);
    expect(await few.ask('us-east')).toEqual({ is: 'firing', names: ['Disk', 'Lag on op-1:9090'] });
    const many = await saying(Array.from({ length: 9 }, (_, index) => alert({ alertname: `A${index}` })));
    expect(await many.ask('us-east')).toEqual({ is: 'firing', names: ['A0', 'A1', 'A2', 'A3', 'A4', '4 more'] });
  });

  it.each([
    [[alert({})], 'an alert without a name'],
    [['text'], 'an alert without a name'],
    [[alert({ alertname: 'Leak password=hunter2hunter2\u001b[2J' })], 'Leak password=***'],
  ])('counts what it cannot name, and shows no secret: %j', async (list, name) => {
    expect(await (await saying(list)).ask('us-east')).toEqual({ is: 'firing', names: [name] });
  });

  it.each([
    ['500', answers(500, 'no'), /it answered 500 no/],
    ['204 without a body', answers(204, ''), /it answered 204/],
    ['a redirect', answers(302, ''), /it answered 302/],
    ['no JSON', answers(200, '<html>'), /did not answer with a list of alerts/],
    ['an object', answers(200, '{}'), /did not answer with a list of alerts/],
    ['more than anybody reads', answers(200, `["${'x'.repeat(5 * 1024 * 1024)}"]`), /larger than 4096 kB/],
    [
      'a closed connection',
      ({ socket }: { socket: { destroy(): void } }) => socket.destroy(),
      /closed|other side|hang/,
    ],
  ] as [string, RequestListener, RegExp][])('that answers with %s is no quiet', async (_what, handler, reason) => {
    const said = await (await alertmanager(handler)).ask('us-east');
    expect(said).toMatchObject({ is: 'unknown', reason: expect.stringMatching(reason) });
  });

  it('that is not there is no quiet', async () => {
    const alerting = createAlerting({ alertmanager: 'http://127.0.0.1:9', matchers: [] });
    expect(await alerting.ask('us-east')).toMatchObject({ is: 'unknown' });
  });
});

describe('any other address', () => {
  const at = async (handler: RequestListener) =>
    createAlerting({ url: `${await listen(createServer(handler))}/up/{region}` });

  it('is asked for the region, and 2xx says that nothing fires', async () => {
    const asked: string[] = [];
    const alerting = await at(({ url }, response) => {
      asked.push(url ?? '');
      response.writeHead(204).end();
    });
    expect(await alerting.ask('us-east')).toEqual({ is: 'quiet' });
    expect(asked).toEqual(['/up/us-east']);
  });

  it.each([
    [503, '\nincident 42\nmore', '503 incident 42'],
    [404, '', '404'],
    [302, '', '302'],
  ])('says with %d that something fires, in its own first line', async (status, body, name) => {
    expect(await (await at(answers(status, body))).ask('us-east')).toEqual({ is: 'firing', names: [name] });
  });

  it('that breaks off is no quiet', async () => {
    const alerting = await at((_, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('x');
      setImmediate(() => response.destroy());
    });
    expect(await alerting.ask('us-east')).toMatchObject({ is: 'unknown' });
  });
});

it('nobody is asked where the settings name nobody', async () => {
  expect(await createAlerting(null).ask('us-east')).toEqual({ is: 'quiet' });
});
