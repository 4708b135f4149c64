import { Gauge } from 'prom-client';
import type { Clock } from '../base/clock.ts';
import { type Census, reasonOf } from '../jobs/index.ts';
import { textOf, watchFleet } from './fleet.ts';
import { lacksOf } from './health.ts';
import type { Meter } from './meter.ts';
import { type Answer, type Door, openDoor } from './server.ts';

export type { RoleName } from './health.ts';
export { createMeter, type FleetMeter, type Meter } from './meter.ts';

/** Where a process may be asked how it is. */
export interface Place {
  host: string;
  /** 0: any that is free. */
  port: number;
}

/** One of the fleets of this process. */
export interface WatchedFleet {
  fleet: string;
  regions: readonly string[];
  look: () => Promise<Census>;
}

export interface MetricsParts {
  place: Place;
  meter: Meter;
  /** Rejects, or hangs, when Redis is away. */
  ping: () => Promise<unknown>;
  fleets: readonly WatchedFleet[];
  clock: Pick<Clock, 'now' | 'monotonic'>;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/** Whoever asks waits no longer (ms) for what Redis says: a second is all that a health check may take. */
const patience = 600;
/** Redis is asked whether it is there (ms); and seen whole as often when nobody scrapes, for what is counted over time. */
const pingEvery = 2_500;
const lookEvery = 15_000;
/** A beat (ms) that comes later by more than this is told. The library's own lag is forgotten with the first scrape, which may have given up meanwhile. */
const beat = 500;
const late = 2_000;

/** `/health/live`, `/health/ready` and `/metrics` of one process. */
export function startMetrics({ place, meter, ping, fleets, clock, log }: MetricsParts): Door {
  const vitals = () => lacksOf(meter.vitals(), clock.monotonic());
  const { roles } = meter.vitals();
  new Gauge({
    name: 'zeitwork_ready',
    help: 'Whether it can do what it is there for; /health/ready says why not',
    labelNames: ['role'],
    registers: [meter.registry],
    collect() {
      const lacks = vitals();
      for (const role of roles) this.set({ role }, lacks.some(({ what }) => what === role || what === 'redis') ? 0 : 1);
    },
  });
  new Gauge({
    name: 'zeitwork_redis_up',
    help: 'Whether Redis answered within the last 10 s',
    registers: [meter.registry],
    collect() {
      this.set(vitals().some(({ what }) => what === 'redis') ? 0 : 1);
    },
  });
  /** Of what is stored somebody may have made anything; the process has its own numbers all the same. */
  const unsaid = (error: unknown): string => {
    log.warn({ reason: reasonOf(error) }, 'the numbers of the fleet cannot be told');
    return '';
  };
  const watched = fleets.map((each) => watchFleet({ ...each, meter: meter.of(each.fleet), clock }));
  const refresh = async () => void (await Promise.all(watched.map((each) => each.refresh())));

  let pinging = false;
  const pingOnce = async (): Promise<void> => {
    if (pinging) return;
    pinging = true;
    await ping().then(
      () => meter.redisAnswered(),
      () => undefined,
    );
    pinging = false;
  };
  let beatAt = clock.monotonic();
  const beats = (): void => {
    const since = clock.monotonic() - beatAt - beat;
    beatAt = clock.monotonic();
    if (since > late) meter.stoodStill(since);
  };
  void pingOnce();
  const timers = [setInterval(pingOnce, pingEvery), setInterval(refresh, lookEvery), setInterval(beats, beat)];

  const door = openDoor({
    place,
    answers: {
      // That it answers says it: what does not turn answers nobody.
      '/health/live': async () => json(200, { status: 'live' }),
      '/health/ready': async () => {
        const lacks = vitals();
        return lacks.length === 0 ? json(200, { status: 'ready' }) : json(503, { status: 'not ready', reasons: lacks });
      },
      '/metrics': async () => {
        await atMost(patience, refresh());
        return {
          status: 200,
          type: meter.registry.contentType,
          body: `${await meter.registry.metrics()}${await textOf(watched.map((each) => each.seen())).catch(unsaid)}`,
        };
      },
    },
    say: {
      listening: (url) => log.info({ url }, 'health and numbers are told here'),
      taken: (reason) => log.warn({ reason }, 'nobody can ask how this process is; trying again'),
    },
  });
  return {
    url: door.url,
    async close() {
      for (const timer of timers) clearInterval(timer);
      await door.close();
    },
  };
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}

const json = (status: number, body: object): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(body)}\n`,
});
