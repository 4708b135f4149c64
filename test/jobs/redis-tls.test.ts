import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RedisPlace } from '../../src/base/redis-place.ts';
import { examineRedis } from '../../src/doctor/redis.ts';
import { createControl, openRedis, type RedisHandle, startWorker } from '../../src/jobs/index.ts';
import { belief } from '../support/belief.ts';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { type Certificate, certificates } from '../support/tls.ts';
import { eventually, production, quickRollout, silent, systemClock, workerParts } from './fixtures/parts.ts';
import { done } from './fixtures/rig.ts';

const dir = mkdtempSync(join(tmpdir(), 'zw-tls-'));
const made = certificates(dir);
const ours = made.authority('ours');
const strange = made.authority('strange');
const servers: RedisServer[] = [];
const handles: RedisHandle[] = [];
let good: RedisServer;

/** Speaks TLS alone. */
async function server(name: string, certificate: Certificate): Promise<RedisServer> {
  const files = ['--tls-cert-file', certificate.cert, '--tls-key-file', certificate.key, '--tls-auth-clients', 'no'];
  const started = await startRedisServer(mkdtempSync(join(dir, name)), [
    '--port',
    '0',
    '--tls-port',
    '{port}',
    ...files,
  ]);
  servers.push(started);
  return started;
}

const at = (host: string, { port }: RedisServer, ca: Certificate | null = ours): RedisPlace => ({
  url: `rediss://${host}:${port}`,
  user: null,
  password: null,
  ca: ca === null ? null : readFileSync(ca.cert, 'utf8'),
});
const open = async (place: RedisPlace) => {
  const handle = await openRedis(place, dir);
  handles.push(handle);
  return handle;
};

beforeAll(async () => {
  good = await server('good', made.server('good', ours, 'DNS:localhost,IP:127.0.0.1'));
});
afterEach(async () => {
  for (const handle of handles.splice(0)) await handle.stop();
});
afterAll(async () => {
  for (const each of servers) await each.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe('Redis over TLS', () => {
  it.each(['localhost', '127.0.0.1'])('carries a whole rollout, asked for as %s', async (host) => {
    const redis = await open(at(host, good));
    const worker = await startWorker(workerParts(redis));
    const control = createControl(redis, production, belief('bot'), systemClock, silent);
    await control.start(quickRollout(`r-${host.length}`));
    await eventually(() => control.store.load(`r-${host.length}`), done);
    expect(await redis.caller.call('CLIENT', 'LIST')).toMatch(/name=\S+/);
    await control.close();
    await worker.close();
    await redis.caller.flushall();
  });

  it('is found right by the doctor', async () => {
    expect(await examineRedis(at('localhost', good), dir)).toMatchObject([{ is: 'right' }]);
  });

  const refusals: [string, () => Promise<RedisPlace>, RegExp][] = [
    [
      'signed by an authority that is not ours',
      async () => at('localhost', good, strange),
      /nobody who is trusted.*REDIS_CA_FILE/,
    ],
    [
      'signed by nobody whom this machine knows',
      async () => at('localhost', good, null),
      /nobody who is trusted.*REDIS_CA_FILE/,
    ],
    [
      'that has expired',
      async () => at('localhost', await server('late', made.server('late', ours, 'DNS:localhost', -1))),
      /its certificate, or that of its CA, has expired; renew it/,
    ],
    [
      'for another name',
      async () => at('localhost', await server('other', made.server('other', ours, 'DNS:redis.example.com'))),
      /its certificate is not for localhost; write the name/,
    ],
    [
      'for a name, when an address is asked for',
      async () => at('127.0.0.1', await server('named', made.server('named', ours, 'DNS:localhost'))),
      /its certificate is not for 127\.0\.0\.1; write the name/,
    ],
    [
      'that it does not have: it speaks no TLS',
      async () => {
        const plain = await startRedisServer(mkdtempSync(join(dir, 'plain')), [
          '--port',
          '{port}',
          '--bind',
          '127.0.0.1',
        ]);
        servers.push(plain);
        return at('localhost', plain);
      },
      /it does not answer in TLS/,
    ],
  ];
  it.each(refusals)('is refused when its certificate is one %s', async (_, place, words) => {
    const where = await place();
    const env = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await expect(open(where)).rejects.toThrow(words);
      expect(await examineRedis(where, dir)).toMatchObject([{ is: 'wrong', text: expect.stringMatching(words) }]);
    } finally {
      if (env === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = env;
    }
  });
});
