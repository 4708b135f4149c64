import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createCensus, createStore, openRedis } from '../../src/jobs/index.ts';
import { createMeter, type Meter, type RoleName, startMetrics } from '../../src/metrics/index.ts';
import { eventually, production, quickRollout, silent, systemClock } from '../jobs/fixtures/parts.ts';
import { done, makeRig } from '../jobs/fixtures/rig.ts';
import { belief } from '../support/belief.ts';

const rig = makeRig();
const regions = ['us-east', 'eu-west', 'ap-south'];

const meterOf = (roles: RoleName[], complain: (error: unknown) => void = () => undefined) =>
  createMeter({ roles, version: '1.2.3', clock: systemClock, complain });

function serve(meter: Meter, { port = 0, log = silent } = {}) {
  const redis = rig.redis.handle.caller;
  const store = createStore(redis, production, belief());
  const look = createCensus({ redis, fleet: production, regions, store, notary: belief().notary, seesSteps: true });
  const place = { host: '127.0.0.1', port };
  const ping = () => redis.ping();
  return rig.closeLater(
    startMetrics({ place, meter, ping, fleets: [{ fleet: production, regions, look }], clock: systemClock, log }),
  );
}

async function get(door: { url(): string | null }, path: string) {
  const url = await eventually(
    async () => door.url(),
    (found) => found !== null,
  );
  const reply = await fetch(`${url}${path}`);
  return { status: reply.status, body: await reply.text() };
}

/** The value of the one line that begins so; null when there is none. */
function numberOf(body: string, name: string): number | null {
  const line = body.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length + 1));
}
const linesOf = (body: string, name: string) => body.split('\n').filter((line) => line.startsWith(name)).length;

describe('a worker that can be watched', () => {
  it('tells what it did, what waits, and who lives, as Prometheus reads it', async () => {
    const meter = meterOf(['worker']);
    const door = serve(meter);
    expect(await get(door, '/health/live')).toMatchObject({ status: 200 });
    expect((await get(door, '/health/ready')).body).toContain('it has not started yet');
    await rig.worker({ meter: meter.of(production) });
    meter.started('worker');
    expect(await get(door, '/health/ready')).toEqual({ status: 200, body: '{"status":"ready"}\n' });
    const control = rig.control();
    await control.start(quickRollout('r1'));
    await eventually(() => control.store.load('r1'), done);
    const { body, status } = await get(door, '/metrics');
    expect(status).toBe(200);
    expect(
      numberOf(body, 'zeitwork_works_total{fleet="production",step="switch",outcome="succeeded",region="us-east"}'),
    ).toBe(3);
    expect(numberOf(body, 'zeitwork_work_seconds_count{fleet="production",step="switch",outcome="succeeded"}')).toBe(3);
    expect(numberOf(body, 'zeitwork_workers{fleet="production",region="us-east"}')).toBe(1);
    expect(numberOf(body, 'zeitwork_workers{fleet="production",region="eu-west"}')).toBe(0);
    expect(numberOf(body, 'zeitwork_ready{role="worker"}')).toBe(1);
    expect(numberOf(body, 'zeitwork_queue_jobs{fleet="production",queue="step-us-east",state="waiting"}')).toBe(0);
    expect(numberOf(body, 'zeitwork_build_info{version="1.2.3"}')).toBe(1);
    expect(body).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    // No number is of a single node: of a thousand there would be thousands.
    expect(body).not.toMatch(/op-\d/);
    expect(linesOf(body, 'zeitwork_')).toBeLessThan(400);
    const promtool = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
    if (promtool.error !== undefined) return console.log('not read by promtool: it is not installed');
    expect(promtool.stdout + promtool.stderr).not.toMatch(/zeitwork/);
  });

  it('asks Redis once, with a few commands, however often it is scraped', async () => {
    const door = serve(meterOf(['worker']));
    await rig.control().store.create(quickRollout('r2'));
    await get(door, '/metrics');
    const redis = rig.redis.handle.caller;
    await redis.config('RESETSTAT');
    for (let time = 0; time < 20; time += 1) await get(door, '/metrics');
    const calls = [...(await redis.info('commandstats')).matchAll(/cmdstat_([a-z|]+):calls=(\d+)/g)]
      .filter(([, name = '']) => !/^(?:info|config|ping)/.test(name))
      .reduce((sum, [, , count]) => sum + Number(count), 0);
    expect(calls).toBeLessThan(60);
  });

  it('is not ready while its clock is wrong, nor while it cannot follow', async () => {
    const meter = meterOf(['worker']);
    const door = serve(meter);
    meter.started('worker');
    meter.redisAnswered();
    meter.of(production).clock(false);
    expect(await get(door, '/health/ready')).toMatchObject({ status: 503, body: expect.stringContaining('clock') });
    meter.of(production).clock(true);
    meter.of(production).follows(false);
    expect(await get(door, '/health/ready')).toMatchObject({ status: 503, body: expect.stringContaining('newer') });
    expect(numberOf((await get(door, '/metrics')).body, 'zeitwork_ready{role="worker"}')).toBe(0);
  });

  it('is counted by a meter that breaks as if there were none', async () => {
    const complaints: unknown[] = [];
    const meter = meterOf(['worker'], (error) => complaints.push(error)).of(production);
    const { worked } = meter;
    // What a library may do with a number that it does not like.
    await rig.worker({ meter: { ...meter, worked: (work) => worked({ ...work, ms: 'none' as unknown as number }) } });
    const control = rig.control();
    await control.start(quickRollout('r3'));
    await eventually(() => control.store.load('r3'), done);
    expect(complaints.length).toBeGreaterThan(0);
  });
});

describe('while Redis is silent', () => {
  it('health and numbers answer within a second, health says so, and no number is told that nobody can see', async () => {
    const meter = meterOf(['bot']);
    const door = serve(meter);
    meter.started('bot');
    meter.connected(true);
    meter.accepted();
    await eventually(
      () => get(door, '/health/ready'),
      ({ status }) => status === 200,
    );
    expect((await get(door, '/metrics')).body).toContain('zeitwork_rollouts{');
    await rig.redis.signal('SIGSTOP');
    try {
      const silentFor = async () => {
        const began = performance.now();
        const answers = await Promise.all(['/health/live', '/health/ready', '/metrics'].map((path) => get(door, path)));
        expect(performance.now() - began).toBeLessThan(1_000);
        return answers.map(({ status }) => status);
      };
      await eventually(silentFor, ([, ready]) => ready === 503, 20_000);
      expect((await get(door, '/health/ready')).body).toMatch(
        /"what":"redis","reason":"Redis has not answered for 1\d s"/,
      );
      expect(numberOf((await get(door, '/metrics')).body, 'zeitwork_redis_up')).toBe(0);
    } finally {
      await rig.redis.signal('SIGCONT');
    }
    await eventually(
      () => get(door, '/health/ready'),
      ({ status }) => status === 200,
    );
  });
});

describe('the door', () => {
  it('that is taken keeps nobody from anything, and opens once it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const at = other.address();
    const port = typeof at === 'object' && at !== null ? at.port : 0;
    const said: string[] = [];
    const log = { ...silent, warn: (_: object, words: string) => void said.push(words) };
    const door = serve(meterOf(['worker']), { port, log });
    await eventually(
      async () => said,
      (words) => words.some((each) => /trying again/.test(each)),
    );
    expect(door.url()).toBeNull();
    other.close();
    await once(other, 'close');
    expect((await get(door, '/health/live')).status).toBe(200);
  });

  it('changes nothing and tells nothing else', async () => {
    const door = serve(meterOf(['worker']));
    expect(await get(door, '/')).toMatchObject({ status: 404 });
    expect(await get(door, '/constructor')).toMatchObject({ status: 404 });
    const reply = await fetch(`${door.url()}/metrics`, { method: 'POST', body: 'x' });
    expect(reply.status).toBe(405);
  });
});

describe('the chat, counted', () => {
  it('has a lag from the line to its message, and while it does not stand there', async () => {
    const clock = { now: () => at, monotonic: () => at };
    let at = 1_000_000;
    const meter = createMeter({ roles: ['bot'], version: '1', clock, complain: () => undefined });
    const lag = async () =>
      numberOf(await meter.registry.metrics(), 'zeitwork_message_lag_seconds{fleet="production"}');
    meter.of(production).drawing('r1', 5, at);
    at += 3_000;
    meter.of(production).drawing('r1', 6, at);
    expect(await lag()).toBe(3);
    meter.of(production).drawn('r1', 6);
    expect(await lag()).toBe(0);
    // The same again, as with every sweep, is nothing new.
    at += 50_000;
    meter.of(production).drawing('r1', 6, at - 50_000);
    expect(await lag()).toBe(0);
    const text = await meter.registry.metrics();
    expect(numberOf(text, 'zeitwork_message_delay_seconds_count{fleet="production"}')).toBe(1);
    expect(numberOf(text, 'zeitwork_message_delay_seconds_sum{fleet="production"}')).toBe(3);
  });

  it('does not take what was written before it began for late', async () => {
    const meter = meterOf(['bot']);
    meter.of(production).drawing('r1', 5, 0);
    expect(numberOf(await meter.registry.metrics(), 'zeitwork_message_lag_seconds{fleet="production"}')).toBeLessThan(
      60,
    );
  });

  it('names journals that are not believed by their number alone, until they are again', async () => {
    const meter = meterOf(['bot']);
    const doubted = async () =>
      numberOf(await meter.registry.metrics(), 'zeitwork_journals_not_believed{fleet="production"}');
    for (let made = 0; made < 2_000; made += 1) meter.of(production).believed(`made-up-${made}`, false);
    expect(await doubted()).toBe(500);
    meter.of(production).believed('made-up-1', true);
    expect(await doubted()).toBe(499);
    expect(await meter.registry.metrics()).not.toContain('made-up');
  });
});

describe('trouble with Redis, counted', () => {
  it('is one for each command that failed, by its kind, and none for a script that is sent for the first time', async () => {
    const meter = meterOf(['bot']);
    const handle = await openRedis(null, rig.redis.dir, meter.redisFailed);
    rig.closeLater({ close: () => handle.stop() });
    const counted = async (kind: string) =>
      numberOf(await meter.registry.metrics(), `zeitwork_redis_errors_total{kind="${kind}"}`);
    await handle.caller.evalsha('0'.repeat(40), 0).catch(() => undefined);
    await expect(handle.caller.call('NONSENSE')).rejects.toThrow(/unknown command/);
    expect([await counted('other'), await counted('away')]).toEqual([1, 0]);
    await handle.caller.config('SET', 'maxmemory', 1);
    await expect(handle.caller.set('x', 'y')).rejects.toThrow(/OOM/);
    await handle.caller.config('SET', 'maxmemory', 0);
    expect(await counted('refuses-writes')).toBe(1);
    handle.caller.disconnect();
    await expect(handle.caller.get('x')).rejects.toThrow();
    expect(await counted('away')).toBe(1);
  });
});
