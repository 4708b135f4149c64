import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../base/clock.ts';
import type { ChatMeter, SlackTrouble } from '../bot/meter.ts';
import { type RedisTrouble, redisTroubleIn, redisTroubles, type ShowMeter, type WorkMeter } from '../jobs/index.ts';
import { callKinds, callOf } from './calls.ts';
import type { RoleName, Vitals } from './health.ts';

/** All that is counted in one process, and what it knows of itself. No call of it throws. */
export interface Meter extends Omit<ChatMeter, 'posted'> {
  /** What is counted of one of its fleets. */
  of(fleet: string): FleetMeter;
  redisFailed(error: unknown): void;
  redisAnswered(): void;
  started(role: RoleName): void;
  /** Nothing was done for so long (ms): the machine, or something of ours, kept it. */
  stoodStill(ms: number): void;
  vitals(): Vitals;
  registry: Registry;
}

export interface FleetMeter extends WorkMeter, ShowMeter, Pick<ChatMeter, 'posted'> {
  waitedForWindow(region: string, ms: number): void;
}

export interface MeterParts {
  roles: readonly RoleName[];
  version: string;
  clock: Pick<Clock, 'now' | 'monotonic'>;
  /** Told of a number that could not be counted. */
  complain: (error: unknown) => void;
}

/** Seconds. A soak lasts minutes, and a step that hangs is given up after less than an hour. */
const stepSeconds = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3_600];
const drawSeconds = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1_800];
/** Names that come from Redis: somebody may have made up any number of them. */
const mostRemembered = 500;
const slackTroubles = ['away', 'slow-down', 'denied', 'refused'] as const satisfies readonly SlackTrouble[];

export function createMeter({ roles, version, clock, complain }: MeterParts): Meter {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const info = new Gauge({ name: 'zeitwork_build_info', help: 'Version', labelNames: ['version'], registers });
  info.set({ version }, 1);
  const role = new Gauge({ name: 'zeitwork_role', help: 'What this process is', labelNames: ['role'], registers });
  for (const each of roles) role.set({ role: each }, 1);
  const worked = new Counter({
    name: 'zeitwork_works_total',
    help: 'Steps and looks that this worker did, by how they ended',
    labelNames: ['fleet', 'step', 'outcome', 'region'],
    registers,
  });
  const took = new Histogram({
    name: 'zeitwork_work_seconds',
    help: 'How long they took',
    labelNames: ['fleet', 'step', 'outcome'],
    buckets: stepSeconds,
    registers,
  });
  const windows = new Counter({
    name: 'zeitwork_window_wait_seconds_total',
    help: 'For how long nothing but its calendar kept the next node of a region from beginning, while this process looked',
    labelNames: ['fleet', 'region'],
    registers,
  });
  const still = new Counter({
    name: 'zeitwork_stood_still_seconds_total',
    help: 'For how long it did nothing at all, in pieces of two seconds or more',
    registers,
  });
  const redisErrors = new Counter({
    name: 'zeitwork_redis_errors_total',
    help: 'Commands and connections that failed',
    labelNames: ['kind'],
    registers,
  });
  for (const kind of redisTroubles) redisErrors.inc({ kind }, 0);
  const vitals = {
    roles,
    started: new Set<RoleName>(),
    redisAt: null as number | null,
    slack: { isConnected: false, isAccepted: false },
    worker: { wrongClock: new Set<string>(), behind: new Set<string>() },
  };
  const chat = roles.includes('bot') ? ofBot(registers, clock, vitals) : null;

  /** Whatever counts must never be felt by what is counted. */
  const safely =
    <Words extends unknown[]>(count: (...words: Words) => void) =>
    (...words: Words): void => {
      try {
        count(...words);
      } catch (error) {
        complain(error);
      }
    };

  const note = (those: Set<string>, fleet: string, is: boolean) => (is ? those.add(fleet) : those.delete(fleet));
  const fleetMeter = (fleet: string): FleetMeter => {
    const own = chat?.of(fleet);
    return {
      worked: safely(({ region, step, outcome, ms }) => {
        worked.inc({ fleet, step, outcome, region });
        took.observe({ fleet, step, outcome }, ms / 1_000);
      }),
      clock: safely((isRight) => void note(vitals.worker.wrongClock, fleet, !isRight)),
      follows: safely((does) => void note(vitals.worker.behind, fleet, !does)),
      waitedForWindow: safely((region, ms) => windows.inc({ fleet, region }, ms / 1_000)),
      posted: safely((key) => own?.posted(key)),
      drawing: safely((rollout, revision, at) => own?.behind.drawing(rollout, revision, at)),
      drawn: safely((rollout, revision) => own?.behind.drawn(rollout, revision)),
      believed: safely((journal, is) => own?.believed(journal, is)),
    };
  };
  const meters = new Map<string, FleetMeter>();

  return {
    registry,
    vitals: () => vitals,
    of(fleet) {
      const meter = meters.get(fleet) ?? fleetMeter(fleet);
      meters.set(fleet, meter);
      return meter;
    },
    redisFailed: safely((error) => {
      const kind: RedisTrouble | null = redisTroubleIn(error);
      if (kind !== null) redisErrors.inc({ kind });
    }),
    redisAnswered: safely(() => {
      vitals.redisAt = clock.monotonic();
    }),
    started: safely((each) => {
      vitals.started.add(each);
    }),
    stoodStill: safely((ms) => still.inc(ms / 1_000)),
    connected: safely((is) => {
      vitals.slack.isConnected = is;
    }),
    accepted: safely(() => {
      vitals.slack.isAccepted = true;
    }),
    failed: safely((kind) => chat?.slackErrors.inc({ kind })),
  };
}

/** What only the bot can know. */
function ofBot(registers: Registry[], clock: MeterParts['clock'], { slack }: Vitals) {
  const slackErrors = new Counter({
    name: 'zeitwork_slack_errors_total',
    help: 'Calls of Slack and connections to it that failed',
    labelNames: ['kind'],
    registers,
  });
  for (const kind of slackTroubles) slackErrors.inc({ kind }, 0);
  const called = new Counter({
    name: 'zeitwork_calls_total',
    help: 'Messages that call people, by why',
    labelNames: ['fleet', 'kind'],
    registers,
  });
  const delay = new Histogram({
    name: 'zeitwork_message_delay_seconds',
    help: 'From a line in the journal to its message in the channel',
    labelNames: ['fleet'],
    buckets: drawSeconds,
    registers,
  });
  const fleets = new Map<string, { behind: ReturnType<typeof behindOf>; doubted: Set<string> }>();
  new Gauge({
    name: 'zeitwork_message_lag_seconds',
    help: 'Age of the oldest line of a journal whose message is not in the channel yet',
    labelNames: ['fleet'],
    registers,
    collect() {
      for (const [fleet, { behind }] of fleets) this.set({ fleet }, behind.longest() / 1_000);
    },
  });
  new Gauge({
    name: 'zeitwork_slack_connected',
    help: 'Whether Slack is heard',
    registers,
    collect() {
      this.set(slack.isConnected ? 1 : 0);
    },
  });
  new Gauge({
    name: 'zeitwork_journals_not_believed',
    help: 'Journals that were changed, cut or lost: nothing is done for them',
    labelNames: ['fleet'],
    registers,
    collect() {
      for (const [fleet, { doubted }] of fleets) this.set({ fleet }, doubted.size);
    },
  });
  const of = (fleet: string) => {
    const doubted = new Set<string>();
    const behind = behindOf(clock, (ms) => delay.observe({ fleet }, ms / 1_000));
    fleets.set(fleet, { behind, doubted });
    for (const kind of callKinds) called.inc({ fleet, kind }, 0);
    delay.zero({ fleet });
    return {
      behind,
      posted(key: string): void {
        const kind = callOf(key);
        if (kind !== null) called.inc({ fleet, kind });
      },
      believed(journal: string, is: boolean): void {
        if (is) doubted.delete(journal);
        else if (doubted.size < mostRemembered) doubted.add(journal);
      },
    };
  };
  return { slackErrors, of };
}

/**
 * Which lines wait to be seen in the chat, and since when. Of what was written before this process began nobody knows
 * whether it stands there: it counts from the beginning.
 */
function behindOf(clock: Pick<Clock, 'now'>, seen: (ms: number) => void) {
  const began = clock.now();
  const waiting = new Map<string, number>();
  const shown = new Map<string, number>();
  return {
    drawing(rollout: string, revision: number, at: number): void {
      if (revision <= (shown.get(rollout) ?? 0) || waiting.has(rollout) || waiting.size >= mostRemembered) return;
      waiting.set(rollout, Math.max(at, began));
    },
    drawn(rollout: string, revision: number): void {
      const since = waiting.get(rollout);
      waiting.delete(rollout);
      if (since !== undefined) seen(Math.max(0, clock.now() - since));
      if (shown.size >= mostRemembered) shown.clear();
      shown.set(rollout, Math.max(revision, shown.get(rollout) ?? 0));
    },
    longest: (): number => Math.max(0, ...[...waiting.values()].map((since) => clock.now() - since)),
  };
}
