import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createWebhook } from '../../../src/upgrade/http/index.ts';

let server: Server;
let url: string;
let status: number;
let got: { method: string | undefined; token: string | undefined; body: string }[];

beforeEach(async () => {
  status = 204;
  got = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      got.push({ method: request.method, token: request.headers.authorization, body });
      response.writeHead(status, status === 302 ? { location: url } : {}).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/notices`;
});
afterEach(() => new Promise((done) => server.close(done)));

it('posts JSON with its token, and takes 2xx for delivered', async () => {
  await createWebhook({ name: 'status page', url, token: 'secret-token' }).post({ kind: 'scheduled' });
  expect(got).toEqual([{ method: 'POST', token: 'Bearer secret-token', body: '{"kind":"scheduled"}' }]);
});

it.each([302, 400, 401, 500])('says so when %d is answered', async (answer) => {
  status = answer;
  await expect(createWebhook({ name: 'status page', url, token: null }).post({})).rejects.toThrow(
    `status page did not take the notice: it answered ${answer}`,
  );
  expect(got).toHaveLength(1);
});

it('says so when nobody listens, without its token', async () => {
  await new Promise((done) => server.close(done));
  const failed = createWebhook({ name: 'status page', url, token: 'secret-token' }).post({});
  await expect(failed).rejects.toThrow(/^status page cannot be told: /);
  await expect(failed).rejects.not.toThrow(/secret-token/);
  server = createServer().listen(0);
});
