import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { MetricsCheck } from '../../../src/upgrade/checks/types.ts';
import { createMeasure } from '../../../src/upgrade/host/index.ts';
import { fetchOnce } from '../../../src/upgrade/http/index.ts';

const never = new AbortController().signal;
let server: Server;
let url: string;
let now: number;
let counted: { errors: number; requests: number; seconds: number };
let status: number;
let asked: number;

beforeAll(async () => {
  server = createServer((_, response) => {
    asked += 1;
    const { errors, requests, seconds } = counted;
    response
      .writeHead(status)
      .end(`# TYPE errors_total counter\nerrors_total ${errors}\nrequests_total ${requests}\nseconds_sum ${seconds}\n`);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
});
afterAll(() => server.close());
beforeEach(() => {
  [now, status, asked] = [1_000, 200, 0];
  counted = { errors: 1, requests: 100, seconds: 2.5 };
});

const check = (name: string, rate: string, per: string | null): MetricsCheck => ({
  ...{ kind: 'metrics', name, at: ['verify'], absent: 'bad', onBad: 'hold', within: 2_000, watch: null, bad: null },
  ...{ urls: { a: url }, rate: [{ written: rate, name: rate, labels: [] }], over: 10_000, compare: true },
  per: per === null ? null : [{ written: per, name: per, labels: [] }],
});
const measure = () =>
  createMeasure({
    checks: [
      check('errors', 'errors_total', 'requests_total'),
      check('latency', 'seconds_sum', 'requests_total'),
      check('load', 'requests_total', null),
    ],
    compare: { look: 1_000 },
    fetch: fetchOnce,
    clock: { monotonic: () => now },
  });

it('says by check what grew since the last look, with one question for all', async () => {
  const of = measure();
  expect(await of('a', never)).toEqual({});
  now += 1_000;
  counted = { errors: 3, requests: 150, seconds: 3 };
  expect(await of('a', never)).toEqual({
    errors: { grown: 2, per: 50 },
    latency: { grown: 0.5, per: 50 },
    load: { grown: 50, per: 1 },
  });
  expect(asked).toBe(2);
});

it('says nothing over a restart, over a gap, of silence, or of a node that it does not know', async () => {
  const of = measure();
  await of('a', never);
  now += 1_000;
  counted = { errors: 0, requests: 5, seconds: 0.1 };
  expect(await of('a', never)).toEqual({});
  now += 1_000;
  counted = { errors: 0, requests: 25, seconds: 0.2 };
  expect(Object.keys(await of('a', never))).toEqual(['errors', 'latency', 'load']);
  now += 5_000;
  counted = { errors: 0, requests: 50, seconds: 0.4 };
  expect(await of('a', never)).toEqual({});
  now += 1_000;
  status = 503;
  expect(await of('a', never)).toEqual({});
  expect(await of('b', never)).toEqual({});
  expect(await of('toString', never)).toEqual({});
});
