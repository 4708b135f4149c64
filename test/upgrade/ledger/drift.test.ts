import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Basis,
  type Compared,
  compared,
  emptyLedger,
  fold,
  isRecorded,
  isToldOf,
  leftUnproven,
  markOf,
  recordedFor,
} from '../../../src/upgrade/ledger/index.ts';
import type { Ledger, LedgerEvent, Left } from '../../../src/upgrade/ledger/types.ts';
import type { Lies, NodeSurvey } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, planned, surveyOf, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const node = 'us-east-op-1';
const [record, other, third] = ['a', 'b', 'c'].map((each) => each.repeat(64)) as [string, string, string];
const [env, otherEnv] = ['e'.repeat(64), 'f'.repeat(64)];
const left: Left = { version: 'v2.0.0', sha256: record, envSha256: env, at: tuesday, rollout: 'r1' };
const basis = (more: Partial<Basis> = {}): Basis => ({
  ledger: { nodes: { [node]: left } },
  busy: {},
  unproven: {},
  known: tuesday,
  hasEnvironment: true,
  ...more,
});
const lies: Lies = { disk: record, envSha256: env, backups: [] };
const seenAs = (more: Partial<NodeSurvey> = {}, there: Partial<Lies> = {}): NodeSurvey => ({
  node,
  region: 'us-east',
  version: 'v2.0.0',
  sha256: record,
  healthy: true,
  detail: 'healthy',
  unit: 'active/running',
  at: tuesday,
  held: tuesday,
  lies: { ...lies, ...there },
  ...more,
});
const off = { is: 'off', gone: [], stopped: false, binary: null, environment: null, unproven: null, kept: null };

describe('a node beside its record', () => {
  it.each<[string, NodeSurvey, Compared]>([
    ['is as recorded', seenAs(), { is: 'as-recorded' }],
    ['was never restarted', seenAs({ sha256: other }), { ...off, binary: 'memory' } as Compared],
    [
      'has a unit that starts another program',
      seenAs({ sha256: other }, { starts: '/opt/own' }),
      { ...off, binary: 'memory', starts: '/opt/own' } as Compared,
    ],
    [
      'would run another binary after the next restart',
      seenAs({}, { disk: other }),
      { ...off, binary: 'disk' } as Compared,
    ],
    ['was changed by hand', seenAs({ sha256: other }, { disk: other }), { ...off, binary: 'both' } as Compared],
    ['was changed by hand twice', seenAs({ sha256: other }, { disk: third }), { ...off, binary: 'both' } as Compared],
    [
      'has another environment file',
      seenAs({}, { envSha256: otherEnv }),
      { ...off, environment: 'changed' } as Compared,
    ],
    [
      'has both changed',
      seenAs({ sha256: other }, { disk: other, envSha256: otherEnv }),
      { ...off, binary: 'both', environment: 'changed' } as Compared,
    ],
    ['has no binary any more', seenAs({}, { disk: null }), { ...off, gone: ['binary'] } as Compared],
    [
      'has no environment file any more',
      seenAs({}, { envSha256: null }),
      { ...off, gone: ['environment'] } as Compared,
    ],
    [
      'has no unit any more',
      seenAs({ sha256: null, unit: 'inactive/dead' }, { noUnit: true }),
      { ...off, gone: ['unit'], stopped: true } as Compared,
    ],
    ['was stopped', seenAs({ sha256: null, unit: 'inactive/dead' }), { ...off, stopped: true } as Compared],
    [
      'was stopped, and would start as something else',
      seenAs({ sha256: null, unit: 'inactive/dead' }, { disk: other }),
      { ...off, stopped: true, binary: 'disk' } as Compared,
    ],
    ['is not reached', seenAs({ unit: null, detail: 'ssh: away' }), { is: 'unseen', why: 'ssh: away' }],
    ['tells not what runs', seenAs({ sha256: null }), { is: 'unseen', why: 'what runs could not be read' }],
    [
      'is of a run that nobody knows',
      seenAs({ sha256: other, held: tuesday + 5_000 }),
      { is: 'unknown-run', run: tuesday + 5_000 },
    ],
  ])('%s', (_, seen, expected) => {
    expect(compared(seen, basis())).toEqual(expected);
  });

  it('is not seen where its worker tells nothing of what lies there, or it changed meanwhile', () => {
    const { lies: _, ...bare } = seenAs({ sha256: other });
    expect(compared(bare, basis())).toMatchObject({ is: 'unseen' });
  });

  it('is not judged while a rollout is at it, nor where nothing is recorded of it', () => {
    const seen = seenAs({ sha256: other });
    expect(compared(seen, basis({ busy: { [node]: 'r2' } }))).toEqual({ is: 'busy', rollout: 'r2' });
    expect(compared(seen, basis({ ledger: emptyLedger }))).toEqual({ is: 'no-record' });
    // A store that was emptied says nothing of nodes that cannot be reached either.
    expect(compared(seenAs({ unit: null }), basis({ ledger: emptyLedger, known: 0 }))).toEqual({ is: 'no-record' });
  });

  it('was left so by a rollout that was over before it had proven it', () => {
    const seen = seenAs({ sha256: other }, { disk: other });
    const by = (at: number) => compared(seen, basis({ unproven: { [node]: { rollout: 'r2', at } } }));
    expect(by(tuesday + 1)).toMatchObject({ binary: 'both', unproven: 'r2' });
    expect(by(tuesday - 1)).toMatchObject({ binary: 'both', unproven: null });
  });

  it('has an environment file where none was, and none is asked for where the service has none', () => {
    const bare = basis({ ledger: { nodes: { [node]: { ...left, envSha256: null } } } });
    expect(compared(seenAs(), bare)).toMatchObject({ environment: 'new', gone: [] });
    expect(compared(seenAs({}, { envSha256: null }), bare)).toEqual({ is: 'as-recorded' });
    expect(compared(seenAs({}, { envSha256: otherEnv }), basis({ hasEnvironment: false }))).toEqual({
      is: 'as-recorded',
    });
  });

  it('is as recorded exactly when all that is seen is the record, and is named by what differs', () => {
    const hash = fc.constantFrom(record, other, third);
    const maybe = fc.option(hash, { nil: null });
    const file = fc.option(fc.constantFrom(env, otherEnv), { nil: null });
    fc.assert(
      fc.property(maybe, maybe, file, (memory, disk, environment) => {
        const unit = memory === null ? 'inactive/dead' : 'active/running';
        const found = compared(seenAs({ sha256: memory, unit }, { disk, envSha256: environment }), basis());
        const differs = [memory, disk].map((each) => each !== null && each !== record);
        const isSame = memory === record && disk === record && environment === env;
        expect(found.is).toBe(isSame ? 'as-recorded' : 'off');
        if (found.is !== 'off') return;
        expect(found.gone.includes('binary')).toBe(disk === null);
        expect(found.gone.includes('environment')).toBe(environment === null);
        expect(found.environment).toBe(environment === otherEnv ? 'changed' : null);
        const named = { memory: 'true false', disk: 'false true', both: 'true true' };
        if (disk === null) expect(found.binary).toBe(differs[0] ? 'both' : null);
        else expect(found.binary === null ? 'false false' : named[found.binary]).toBe(differs.join(' '));
      }),
    );
  });
});

describe('what somebody snoozed', () => {
  const as = markOf(seenAs({ sha256: other }));
  const said: LedgerEvent = { type: 'snoozed', at: 1_000, by: 'U1', node, as, until: 5_000 };

  it('is not told until then, and anything else is', () => {
    const { snoozed } = fold(emptyLedger, said);
    expect(isToldOf(snoozed[node], as, 4_999)).toBe(false);
    expect(isToldOf(snoozed[node], as, 5_000)).toBe(true);
    expect(isToldOf(undefined, as, 1_000)).toBe(true);
    for (const now of [
      seenAs({ sha256: third }),
      seenAs({ sha256: other }, { disk: third }),
      seenAs({ sha256: other }, { envSha256: otherEnv }),
    ])
      expect(isToldOf(snoozed[node], markOf(now), 2_000)).toBe(true);
  });

  it('is folded once, and never back', () => {
    const once = fold(emptyLedger, said);
    expect(fold(once, said)).toBe(once);
    expect(fold(once, { ...said, at: 999, until: 9_000 })).toBe(once);
    expect(fold(emptyLedger, { ...said, until: 1_000 })).toBe(emptyLedger);
  });
});

describe('what somebody accepted', () => {
  const found = { version: 'v9.9.9', sha256: other, envSha256: otherEnv };
  const said: LedgerEvent = {
    type: 'accepted',
    at: tuesday + 5,
    by: 'U1',
    with: 'U2',
    node,
    reason: 'a hotfix',
    found,
  };
  const before: Ledger = { ...emptyLedger, nodes: { [node]: left } };
  const fleet = fleetOf();
  const running = (name: string, sha256: string) =>
    surveyOf(fleet).map((seen) => (seen.node === name ? { ...seen, sha256 } : { ...seen, sha256: record }));

  it('is the record of that node, and what a rollout leaves later is again', () => {
    const after = fold(before, said);
    expect(after.nodes[node]).toMatchObject({
      ...found,
      rollout: null,
      accepted: { by: 'U1', with: 'U2', proven: false },
    });
    expect(compared(seenAs({ sha256: other }, { disk: other, envSha256: otherEnv }), basis({ ledger: after }))).toEqual(
      { is: 'as-recorded' },
    );
    expect(compared(seenAs(), basis({ ledger: after }))).toMatchObject({ is: 'off', binary: 'both' });
    const { at: _, rollout: __, ...what } = left;
    const later = fold(after, { type: 'left', at: tuesday + 9, rollout: 'r2', nodes: { [node]: what } });
    expect(later.nodes[node]).toEqual({ ...left, at: tuesday + 9, rollout: 'r2' });
    expect(fold(later, said)).toBe(later);
  });

  it('is put on no node for that: not on a peer without a record, and not on itself', () => {
    const after = fold(before, said);
    const peer = 'us-east-op-2';
    expect(() => recordedFor(after, fleet, peer, running(node, other))).toThrow(/No rollout ever left anything proven/);
    expect(() => recordedFor(after, fleet, node, running(node, other))).toThrow(
      /accepted where it was found, and no rollout ever proved it/,
    );
    expect(isRecorded(after, peer, other, [node])).toBe(false);
    expect(isRecorded(after, node, other, [])).toBe(false);
  });

  it('is as good as any where a rollout proved that very binary, here or elsewhere, before or since', () => {
    const elsewhere = { ...left, sha256: other };
    const known = { ...before, nodes: { ...before.nodes, 'eu-west-op-1': elsewhere } };
    const envOnly: LedgerEvent = { ...said, found: { ...found, sha256: record } };
    for (const [ledger, sha256] of [
      [fold(known, said), other],
      [{ ...fold(before, said), nodes: { ...fold(before, said).nodes, 'eu-west-op-1': elsewhere } }, other],
      [fold(before, envOnly), record],
    ] as const) {
      expect(isRecorded(ledger, node, sha256, [])).toBe(true);
      expect(recordedFor(ledger, fleet, node, running(node, sha256))).toMatchObject({ sha256, recordOf: [node] });
    }
  });

  it('makes nothing proven by being accepted on one node after the other', () => {
    const once = fold(before, said);
    const twice = fold(once, { ...said, node: 'us-east-op-2', at: tuesday + 6 });
    expect(twice.nodes['us-east-op-2']?.accepted?.proven).toBe(false);
    expect(isRecorded(twice, 'us-east-op-3', other, [node, 'us-east-op-2'])).toBe(false);
  });
});

it('nodes are left unproven by what nobody signed, since nothing is recorded of them', () => {
  const begun = planned({ bake: 0 }, { regions: ['us-east'] });
  const { rollout } = drive(begun, worldOf(begun), { from: tuesday });
  expect(leftUnproven(begun)).toEqual([]);
  expect(leftUnproven(rollout)).toEqual([]);
  expect(leftUnproven({ ...rollout, onlyBack: true })).toHaveLength(3);
  const sick = { ...rollout, nodes: { ...rollout.nodes } };
  const first = rollout.nodes[node];
  if (first) sick.nodes[node] = { ...first, sick: { reason: 'x', at: tuesday } };
  expect(leftUnproven(sick)).toEqual([node]);
});
