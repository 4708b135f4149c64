import assert from 'node:assert/strict';
import { expect, it } from 'vitest';
import {
  asked,
  dueNotices,
  isLook,
  isOpen,
  next,
  nextWake,
  plan,
  sinceOf,
  startOf,
  strategies,
  todo,
  whyWaiting,
} from '../../../src/upgrade/rollout/index.ts';
import {
  type Elsewhere,
  type Event,
  type Fleet,
  Refused,
  type Rollout,
  type Task,
} from '../../../src/upgrade/rollout/types.ts';
import type { Freeze } from '../../../src/windows/types.ts';
import { random } from '../../support/random.ts';
import { fleetOf, hours, inputOf, minutes, release, surveyOf } from '../../support/rollouts.ts';
import { intentOf, perform, type World, worldOf } from '../../support/simulation.ts';

const day = hours(24);
const begin = Date.UTC(2026, 0, 1);
const end = begin + 365 * day;
const majors = { approvers: 2, canaryApproval: true, notice: hours(48) };
const fleet: Fleet = {
  ...fleetOf(
    {
      ...{ order: 'next-opening', oneMayBegin: 'canary', majors, announce: [day, hours(1)], watch: hours(1) },
      // Asked for so early that a major is often approved while its notice still runs: then nothing else holds it.
      approvalExpires: hours(120),
      // So long that the end of a window is often met.
      ...{ expectedNode: minutes(12), rollbackReserve: minutes(12) },
    },
    { windows: 'guide' },
  ),
  audiences: ['status page'],
};
const { expectedNode, rollbackReserve, approvalExpires } = fleet.policy;

/** What anybody could read afterwards. */
interface Line {
  rollout: string;
  event: Event | { type: 'created'; at: number; rollout: Rollout; isMajor: boolean };
}

interface Year {
  lines: Line[];
  /** Declared by somebody, for all regions; the ledger's journal has them. */
  freezes: Freeze[];
  /** Of each version, since when it has stood on the other fleet for as long as is wanted here; its own journal has that. */
  proven: Map<string, number>;
}

/** One rollout after another, in minutes, with people who come late, change their minds and freeze the fleet. */
class Clock {
  readonly year: Year = { lines: [], freezes: [], proven: new Map() };
  readonly #chance: () => number;
  readonly #elsewhere: () => number;
  #now = begin;
  #version = [1, 0, 0];
  #rollout: Rollout | null = null;
  #world: World | null = null;
  #lookedAt = begin;
  /** Who does what next, epoch ms. */
  #people = new Map<string, number>();

  constructor(seed: number) {
    this.#chance = random(seed);
    this.#elsewhere = random(seed + 1_000);
  }

  played(): Year {
    while (this.#now < end) {
      if (this.#rollout === null || !isOpen(this.#rollout)) this.#plan();
      else this.#goOn(this.#rollout, this.#world ?? worldOf(this.#rollout));
    }
    return this.year;
  }

  #within = (ms: number): number => Math.ceil((this.#chance() * ms) / minutes(1)) * minutes(1);

  #plan(): void {
    this.#now += minutes(1) + this.#within(day);
    const [major = 0, minor = 0] = this.#version;
    const isMajor = this.#chance() < 0.5;
    const wanted = isMajor ? [major + 1, 0, 0] : [major, minor + 1, 0];
    const id = `r${this.year.lines.filter(({ event }) => event.type === 'created').length + 1}`;
    const names = fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => name));
    const survey = surveyOf(fleet, Object.fromEntries(names.map((name) => [name, { version: this.#name() }])));
    const strategy = (Object.keys(strategies) as (keyof typeof strategies)[])[Math.floor(this.#chance() * 3)];
    // A major is planned so far ahead that it can be moved to earlier, long after everybody was told.
    const [isLater, ahead] = isMajor ? [0.8, 8 * day] : [0.4, 5 * day];
    const startAt = this.#chance() < isLater ? this.#now + minutes(1) + this.#within(ahead) : null;
    try {
      const input = inputOf(fleet, {
        ...{ id, survey, startAt, now: this.#now, epoch: this.#now, strategy: strategy ?? 'regions' },
        release: { ...release, version: `v${wanted.join('.')}` },
      });
      this.#rollout = plan(input);
    } catch (error) {
      if (error instanceof Refused) return;
      throw error;
    }
    this.#version = wanted;
    this.#world = { ...worldOf(this.#rollout), freezes: this.#freezesNow() };
    // A third of the releases are asked for before they have stood there long enough.
    this.year.proven.set(this.#name(), this.#now + Math.floor((this.#elsewhere() - 2 / 3) * 6 * day));
    if (this.#chance() < 0.15) this.#world.bad.add(names[Math.floor(this.#chance() * names.length)] ?? '');
    this.#people = new Map();
    this.year.lines.push({
      rollout: id,
      event: { type: 'created', at: this.#now, rollout: this.#rollout, isMajor },
    });
  }

  #name = (): string => `v${this.#version.join('.')}`;

  #provenNow(): Elsewhere {
    const since = this.year.proven.get(this.#name()) ?? end;
    return since <= this.#now ? { is: 'proven', fleet: 'staging', since } : { is: 'unproven', reason: 'too young' };
  }

  #freezesNow = (): Freeze[] => this.year.freezes.filter((freeze) => freeze.end > this.#now);

  #apply(event: Event): void {
    if (this.#rollout === null) return;
    const after = next(this.#rollout, event);
    if (after === this.#rollout) return;
    this.#rollout = { ...after, revision: this.#rollout.revision + 1 };
    this.year.lines.push({ rollout: after.id, event });
  }

  /** All that workers can do now; then people; then the clock, to the minute in which something is due. */
  #goOn(rollout: Rollout, world: World): void {
    world.freezes = this.#freezesNow();
    world.elsewhere = this.#provenNow();
    const [task] = todo(rollout, this.#now);
    if (task !== undefined && this.#isWorth(rollout, task)) {
      const intent = intentOf(task, this.#now);
      if (intent !== null) this.#apply(intent);
      this.#now += isLook(task) ? 1_000 : 20_000;
      if (
        this.#rollout !== null &&
        (intent === null || todo(this.#rollout, this.#now).some(({ id }) => id === task.id))
      )
        this.#apply(perform(this.#rollout, task, world, this.#now));
      return;
    }
    this.#decide(rollout);
    if (this.#rollout !== rollout) return;
    const due = [nextWake(rollout, this.#now) ?? end, ...this.#people.values()].filter((at) => at > this.#now);
    this.#now = Math.ceil(Math.min(...due, this.#now + hours(6)) / minutes(1)) * minutes(1);
    this.#apply({ type: 'ticked', at: this.#now });
  }

  /** Of the looks of hours in which nothing may begin, one in an hour is worth the time. */
  #isWorth(rollout: Rollout, task: Task): boolean {
    if (!isLook(task)) return true;
    const isDue = this.#now - this.#lookedAt >= hours(1);
    const isNeeded = isDue || whyWaiting(rollout, this.#now).every(({ name }) => name === 'proof');
    if (isNeeded) this.#lookedAt = this.#now;
    return isNeeded;
  }

  /** Each thing that somebody may do is done some time after it became possible. */
  #decide(rollout: Rollout): void {
    const at = this.#now;
    const by = `U${Math.floor(this.#chance() * 9)}`;
    // Whoever waits long for a major changes their mind more often.
    const calm = rollout.notice === undefined || rollout.startedAt !== null ? 3 * day : 1.5 * day;
    this.#some(`whim ${Math.floor(at / day)}`, calm, () => this.#whim(rollout, by));
    for (const notice of dueNotices(rollout, startOf(rollout))) {
      const patience = notice.audience === 'channel' ? minutes(10) : hours(20);
      this.#some(`notice ${notice.audience} ${notice.kind} ${notice.move}`, patience, () =>
        this.#apply({ type: 'announced', ...notice, at }),
      );
    }
    for (const phase of asked(rollout)) {
      const of = phase.each === undefined ? {} : { for: Object.keys(phase.each) };
      const isEager = Number(rollout.id.slice(1)) % 2 === 0;
      for (let approver = 1; approver <= phase.needed; approver += 1)
        this.#some(`${phase.id} ${approver} ${sinceOf(phase)}`, isEager ? hours(12) : 1.1 * approvalExpires, () =>
          this.#apply({ type: 'approved', at, phase: phase.id, by: `approver ${approver}`, ...of }),
        );
    }
    if (rollout.status.is === 'held' || rollout.status.is === 'paused')
      this.#some(`held ${rollout.revision}`, day, () => this.#rescue(rollout));
    if (at - rollout.createdAt > 14 * day) this.#apply({ type: 'stopped', at, by });
  }

  #some(key: string, within: number, act: () => void): void {
    const due = this.#people.get(key) ?? this.#now + this.#within(within);
    this.#people.set(key, due);
    if (due > this.#now || due === 0) return;
    this.#people.set(key, 0);
    act();
  }

  #whim(rollout: Rollout, by: string): void {
    const at = this.#now;
    const chance = this.#chance();
    if (chance < 0.08) this.#apply({ type: 'paused', at, by });
    else if (chance < 0.25) this.#freeze();
    else if (chance < 0.5)
      this.#apply({
        type: 'rescheduled',
        at,
        by,
        startAt: at + this.#within(rollout.notice === undefined ? 4 * day : 1.5 * day),
      });
    else if (chance < 0.53) this.#apply({ type: 'stopped', at, by });
    else if (chance < 0.55)
      this.#apply({ type: 'rollback-asked', at, by, scope: { is: 'all' }, epoch: rollout.epoch + 1 });
  }

  #freeze(): void {
    const start = this.#now + this.#within(day);
    const freeze = { start, end: start + this.#within(1.5 * day), reason: 'audit', author: 'U9' };
    this.year.freezes.push(freeze);
  }

  #rescue(rollout: Rollout): void {
    const common = { at: this.#now, by: 'U1' };
    this.#world?.bad.clear();
    this.#apply({ type: 'resumed', ...common });
    if (this.#rollout === rollout) this.#apply({ type: 'retried', ...common, epoch: rollout.epoch + 1 });
  }
}

/** How late it is there: weekday, and minutes since midnight. By Intl, which nothing of the product uses. */
function wall(zone: string, at: number): { weekday: string; minute: number } {
  let format = formats.get(zone);
  if (format === undefined) {
    const options = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options });
    formats.set(zone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return { weekday: parts.weekday ?? '', minute: Number(parts.hour) * 60 + Number(parts.minute) };
}
const formats = new Map<string, Intl.DateTimeFormat>();

interface Counts {
  begun: number;
  majors: number;
  approvals: number;
  moved: number;
  announced: number;
  /** Rollouts that had waited for the proof from elsewhere. */
  waited: number;
}

/** Reads the journal of one rollout, beside those of the ledger and of the other fleet, and knows nothing else: was each node begun when it might be? */
function judge(lines: Line[], { freezes, proven }: Year, counts: Counts): void {
  const [first] = lines;
  if (first?.event.type !== 'created') throw new Error('a journal begins with what was planned');
  const { rollout: planned, isMajor } = first.event;
  const zones = Object.fromEntries(Object.entries(planned.calendars).map(([name, { zone }]) => [name, zone]));
  const told: { audience: string; moves: number; begins: number; at: number }[] = [];
  const approved: { phase: string; by: string; at: number }[] = [];
  const switched: { node: string; at: number }[] = [];
  const begunAt = new Map<string, number>();
  let startAt = planned.startAt ?? 0;
  const starts = [startAt];
  let open = false;
  for (const { event } of lines) {
    if (event.type === 'approved') approved.push(event);
    if (event.type === 'announced' && event.kind === 'scheduled') {
      told.push({ ...event, moves: starts.length - 1, begins: event.begins ?? 0 });
    }
    if (event.type === 'rescheduled') {
      startAt = event.startAt;
      starts.push(startAt);
      counts.moved += 1;
    }
    if (event.type === 'begun' && event.step === 'backup') {
      begunAt.set(event.node, event.at);
      isTime(event.node, event.at, switched.length);
      if (!open) {
        isKnown(event.at);
        isProven(event.at);
      }
      open = true;
      counts.begun += 1;
    }
    if (event.type !== 'reported' || event.report.is !== 'succeeded' || event.step !== 'switch') continue;
    if (begunAt.has(event.node) && !switched.some(({ node }) => node === event.node)) {
      isTime(event.node, event.at, 0);
      isAllowed(event.node, event.at);
      switched.push({ node: event.node, at: event.at });
    }
  }
  if (isMajor && open) counts.majors += 1;
  counts.approvals += approved.length;
  counts.announced += told.length;

  function isTime(node: string, at: number, already: number): void {
    const { weekday, minute } = wall(zones[planned.nodes[node]?.region ?? ''] ?? '', at);
    const isOpen = ['Tue', 'Wed', 'Thu'].includes(weekday) && minute >= 120 && minute < 360;
    assert(isOpen, `${node} of ${planned.id} at ${new Date(at).toISOString()}: ${weekday} ${minute}`);
    assert(at >= startAt, `${node} of ${planned.id} before its time`);
    const frozen = freezes.find((freeze) => freeze.start <= at && at < freeze.end);
    assert(already === 0 || frozen === undefined || at - frozen.start < minutes(20), `${node} is begun in a freeze`);
    if (already === 0) return;
    const opened = at - (minute - 120) * minutes(1) - minutes(1);
    const back = switched.filter((each) => each.at >= opened).length + 1;
    const left = (360 - minute) * minutes(1);
    assert(left >= expectedNode + back * rollbackReserve - minutes(1), `${node} of ${planned.id} does not fit`);
  }

  function isAllowed(node: string, at: number): void {
    const frozen = freezes.some((freeze) => freeze.start <= at && at < freeze.end);
    assert(!frozen, `${node} of ${planned.id} is switched in a freeze`);
    const turn = planned.phases.find(
      (phase) => phase.is === 'nodes' && phase.id !== 'stage' && phase.nodes.includes(node),
    );
    const approval = planned.phases.find((phase) => phase.is === 'approval' && phase.opens.includes(turn?.id ?? ''));
    if (approval?.is !== 'approval') return;
    const valid = approved.filter(
      (each) => each.phase === approval.id && at - each.at <= approvalExpires && each.at <= at,
    );
    const people = new Set(valid.map(({ by }) => by));
    assert(!people.has(planned.requester), 'nobody approves their own');
    assert(people.size >= (isMajor ? 2 : 1), `${node} of ${planned.id} has ${people.size} approvals`);
  }

  function isProven(at: number): void {
    const since = proven.get(planned.release.version) ?? end;
    assert(at >= since, `${planned.id} begins ${(since - at) / minutes(1)} min before it is proven elsewhere`);
    if (since > planned.createdAt) counts.waited += 1;
  }

  function isKnown(at: number): void {
    if (!isMajor) return;
    for (const audience of ['channel', 'status page']) {
      const lastLater = starts.findLastIndex((each) => each > startAt);
      const all = told.filter((each) => each.audience === audience);
      const since = all.find(({ moves }) => moves > lastLater)?.at;
      assert(at >= (all.at(-1)?.begins ?? 0), `${planned.id} begins before the time that ${audience} was told`);
      assert(since !== undefined && at - since >= hours(48), `${planned.id} begins before ${audience} knew of it`);
    }
  }
}

/** Each year is another story, and these find each mutant that is named for a year; `YEARS=10` tells ten. */
const telling = [2026, 2027, 2028, 2033];
const { YEARS } = process.env;
const seeds = YEARS === undefined ? telling : Array.from({ length: Number(YEARS) }, (_, index) => 2026 + index);

it.each(seeds)(
  'in a year (seed %d) nothing is begun before its time, past the fit, in a freeze, unknown, unapproved or unproven',
  (seed) => {
    const year = new Clock(seed).played();
    const { lines, freezes } = year;
    const counts: Counts = { begun: 0, majors: 0, approvals: 0, moved: 0, announced: 0, waited: 0 };
    const ids = [...new Set(lines.map(({ rollout }) => rollout))];
    for (const id of ids)
      judge(
        lines.filter(({ rollout }) => rollout === id),
        year,
        counts,
      );
    // What never happened was not looked at.
    expect(counts.begun).toBeGreaterThan(100);
    expect(counts.majors).toBeGreaterThan(4);
    expect(counts.approvals).toBeGreaterThan(40);
    expect(counts.moved).toBeGreaterThan(5);
    expect(counts.announced).toBeGreaterThan(20);
    expect(counts.waited).toBeGreaterThan(5);
    expect(freezes.length).toBeGreaterThan(10);
  },
  120_000,
);
