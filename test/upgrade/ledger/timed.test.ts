import { describe, expect, it } from 'vitest';
import { emptyLedger, fold, lift, paceOf, timedBy } from '../../../src/upgrade/ledger/index.ts';
import type { Ledger, LedgerEvent } from '../../../src/upgrade/ledger/types.ts';
import { next } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Report, Rollout, StepName, Took } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, planned, recorded, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const fleet = fleetOf();
const [east1, east2, west1] = ['us-east-op-1', 'us-east-op-2', 'eu-west-op-1'];
const timed = (rollout: string, at: number, nodes: Record<string, Took>, bytes = 1_000): LedgerEvent => ({
  type: 'timed',
  at,
  rollout,
  bytes,
  nodes,
});
/** One rollout for each number, in which a node took so many milliseconds for its switch. */
const switches = (node: string, ...ms: number[]): LedgerEvent[] =>
  ms.map((each, index) => timed(`${node}-${index}`, index, { [node]: { switch: each } }));
const ledgerOf = (...events: LedgerEvent[]): Ledger => events.reduce(fold, emptyLedger);

describe('what a rollout took', () => {
  const begun = planned({ bake: 0 }, { regions: ['us-east'] });
  const { rollout: over } = drive(begun, worldOf(begun), { from: tuesday });

  it('is told of each step of each node once it is over', () => {
    // The worker of the simulation needs a second for everything, and 100 ms to take it up.
    const first = { stage: 1_000, backup: 1_000, switch: 1_000, cleanup: 1_000 };
    expect(timedBy(over)).toMatchObject({ type: 'timed', rollout: 'r1', bytes: 1_000, nodes: { [east1]: first } });
    expect(Object.keys(timedBy(over)?.type === 'timed' ? (timedBy(over) as { nodes: object }).nodes : {})).toHaveLength(
      3,
    );
  });

  it('is not told while it is open, nor where nothing was timed', () => {
    expect(timedBy(begun)).toBeNull();
    const nodes = Object.fromEntries(Object.entries(over.nodes).map(([name, node]) => [name, { ...node, took: {} }]));
    expect(timedBy({ ...over, nodes })).toBeNull();
  });

  it('is not timed in a rollout that was planned before anything was', () => {
    const { rollout } = drive({ ...begun, pace: null }, worldOf(begun), { from: tuesday });
    expect([rollout.status.is, timedBy(rollout)]).toEqual(['done', null]);
  });
});

/** A rollout of one node, driven by hand; each line is an offset in ms and what happened then. */
describe('a step is timed', () => {
  type Happened = ['begun' | Report, StepName];
  const ok = (facts: Extract<Report, { is: 'succeeded' }>['facts'] = {}): Report => ({ is: 'succeeded', facts });
  const proof = { sha256: '', invocation: 'i1', mainPid: 1, restarts: 0, version: null, soaked: 30_000 };

  function tookAfter(lines: [at: number, ...Happened][], staged = ok({ before: recorded })): Took {
    let rollout: Rollout = planned({ bake: 0 }, { regions: ['us-east'], limit: 1 });
    const feed = (event: Event) => {
      rollout = next(rollout, event);
    };
    const at = (offset: number) => tuesday + offset;
    const all: [number, ...Happened][] = [[0, 'begun', 'stage'], [1_000, staged, 'stage'], ...lines];
    for (const [offset, what, step] of all) {
      const attempt = rollout.nodes[east1 ?? '']?.attempt ?? 0;
      const common = { at: at(offset), run: 1, node: east1 ?? '', step, attempt };
      if (what === 'begun' && step === 'backup') feed(lookAt(rollout, at(offset)));
      feed(what === 'begun' ? { type: 'begun', ...common } : { type: 'reported', ...common, report: what });
    }
    return rollout.nodes[east1 ?? '']?.took ?? {};
  }

  function lookAt({ peers, looks }: Rollout, at: number): Event {
    const healthy = { standing: 'healthy', detail: 'healthy', proof: 'not asked' } as const;
    const seen = Object.fromEntries((peers['us-east'] ?? []).map((name) => [name, healthy]));
    return { type: 'watched', at, run: 1, region: 'us-east', attempt: (looks['us-east']?.count ?? 0) + 1, seen };
  }

  const backedUp: [number, ...Happened][] = [
    [2_000, 'begun', 'backup'],
    [2_500, ok(), 'backup'],
  ];

  it('from its intent to its success', () => {
    expect(tookAfter(backedUp)).toEqual({ stage: 1_000, backup: 500 });
  });

  it('without its soak', () => {
    const lines: [number, ...Happened][] = [
      ...backedUp,
      [2_600, 'begun', 'switch'],
      [6_000, ok(), 'switch'],
      [6_100, 'begun', 'verify'],
      [40_100, ok({ proof }), 'verify'],
    ];
    expect(tookAfter(lines)).toMatchObject({ switch: 3_400, verify: 4_000 });
  });

  it('not when it was tried again: part of it was done before', () => {
    const lines: [number, ...Happened][] = [
      [2_000, 'begun', 'backup'],
      [2_500, { is: 'failed', reason: 'cut', retry: true, facts: {} }, 'backup'],
      [9_000, 'begun', 'backup'],
      [9_100, ok(), 'backup'],
    ];
    expect(tookAfter(lines)).toEqual({ stage: 1_000 });
  });

  it('not when nobody knows how an earlier try ended', () => {
    const lines: [number, ...Happened][] = [
      [2_000, 'begun', 'backup'],
      [2_500, { is: 'unknown', reason: 'silence' }, 'backup'],
      [9_000, 'begun', 'backup'],
      [9_100, ok(), 'backup'],
    ];
    expect(tookAfter(lines)).toEqual({ stage: 1_000 });
  });

  it('not when the clock was set back meanwhile', () => {
    const lines: [number, ...Happened][] = [
      [2_000, 'begun', 'backup'],
      [1_999, ok(), 'backup'],
    ];
    expect(tookAfter(lines)).toEqual({ stage: 1_000 });
  });

  it('not on a node that ran the release already', () => {
    expect(tookAfter([], ok({ before: recorded, already: true }))).toEqual({});
  });
});

describe('what passes between the steps of a node', () => {
  const betweenOf = (pause: number): (number | undefined)[] => {
    const begun = planned({ bake: 0, pause }, { regions: ['us-east'] });
    const { rollout } = drive(begun, worldOf(begun), { from: tuesday });
    return Object.values(rollout.nodes).map(({ took }) => took.between);
  };

  it('is timed from the end of the pause after the node before; the first node has none before it', () => {
    const [first, ...others] = betweenOf(30_000);
    expect(first).toBeUndefined();
    // A look at what is finished, and 100 ms before each of the four steps.
    for (const each of others) expect(each).toBeGreaterThan(400);
    for (const each of others) expect(each).toBeLessThan(6_000);
  });

  it('is not that of the way back: nobody foresees one', () => {
    const begun = planned({ bake: 0 }, { regions: ['us-east'] });
    const world = worldOf(begun);
    const { rollout: done, now } = drive(begun, world, { from: tuesday });
    const asked = { type: 'rollback-asked', by: 'U1', scope: { is: 'all' }, epoch: done.epoch + 1 } as const;
    const { rollout: back } = drive(next(done, { ...asked, at: now }), world, { from: now });
    expect([done.status.is, back.status.is]).toEqual(['done', 'rolled-back']);
    const between = (rollout: Rollout) => Object.values(rollout.nodes).map(({ took }) => took.between);
    expect(between(back)).toEqual(between(done));
  });
});

describe('the ledger', () => {
  it('keeps the last ten rollouts of each node', () => {
    const ledger = ledgerOf(...switches(east1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    expect(ledger.timings[east1]?.map(({ took }) => took.switch)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('is not changed by what it was told, or by what is older than all that it keeps', () => {
    const ledger = ledgerOf(...switches(east1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    for (const event of [...switches(east1, 1, 2), timed('r0', -1, { [east1]: { switch: 1 } })]) {
      expect(fold(ledger, event)).toBe(ledger);
    }
  });

  it('takes what a rollout says when it is over a second time, after a rollback, instead of what it said first', () => {
    const ledger = ledgerOf(
      timed('r1', 1, { [east1]: { switch: 5 } }),
      timed('r1', 2, { [east1]: { switch: 5, restore: 7 } }),
    );
    expect(ledger.timings[east1]?.map(({ took }) => took)).toEqual([{ switch: 5, restore: 7 }]);
  });

  it('that was stored before anything was timed is read', () => {
    const { timings: _, ...old } = emptyLedger;
    expect(lift({ format: 1, ledger: old })).toEqual(emptyLedger);
  });
});

describe('the pace of a fleet', () => {
  const ten = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000];
  const switchOf = (ledger: Ledger, node: string, bytes = 1_000) => paceOf(ledger, fleet, bytes)[node]?.switch;

  it.each([
    [ten, 500, 900],
    [[10, 20, 30], 20, 30],
    [[30, 10, 20], 20, 30],
    [[1, 2, 3, 4], 2, 4],
    [[7, 7, 7, 7, 7], 7, 7],
  ])('is, of %j, in the middle %i and nearly at worst %i', (taken, p50, p90) => {
    expect(switchOf(ledgerOf(...switches(east1, ...taken)), east1)).toEqual({ p50, p90 });
  });

  it('is that of the node, else of its region, else of the fleet', () => {
    const two = [...switches(east1, 10, 10, 10), ...switches(east2, 90, 90, 90)];
    const ledger = ledgerOf(...two, ...switches(west1, 500, 500));
    expect([switchOf(ledger, east1)?.p90, switchOf(ledger, east2)?.p50]).toEqual([10, 90]);
    expect(switchOf(ledger, 'us-east-op-3')).toEqual({ p50: 10, p90: 90 });
    // Two timings in its own region are too few: it goes by all eight.
    expect(switchOf(ledger, west1)).toEqual({ p50: 90, p90: 500 });
  });

  it('is not told of two timings', () => {
    expect(paceOf(ledgerOf(...switches(east1, 10, 10)), fleet, 1_000)).toEqual({});
  });

  it('counts nothing of a node that the fleet has no more', () => {
    expect(paceOf(ledgerOf(...switches('gone', 10, 10, 10)), fleet, 1_000)).toEqual({});
  });

  it('of staging grows with the archive, and does not shrink with it', () => {
    const staged = [1, 2, 3].map((at) => timed(`r${at}`, at, { [east1]: { stage: 600, switch: 600 } }, 1_000));
    const at = (bytes: number) => paceOf(ledgerOf(...staged), fleet, bytes)[east1];
    expect([at(2_000)?.stage?.p50, at(1_000)?.stage?.p50, at(500)?.stage?.p50]).toEqual([1_200, 600, 600]);
    expect(at(2_000)?.switch?.p50).toBe(600);
  });
});
