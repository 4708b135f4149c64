import { describe, expect, it } from 'vitest';
import { emptyLedger, fold, freezesOf, retention, standing, withFreezes } from '../../../src/upgrade/ledger/index.ts';
import type { Ledger, LedgerEvent } from '../../../src/upgrade/ledger/types.ts';
import { fleetOf, hours, newImage, oldImage, tuesday } from '../../support/rollouts.ts';

const now = tuesday;
const froze = (id: string, changes: Partial<Extract<LedgerEvent, { type: 'froze' }>> = {}): LedgerEvent => ({
  type: 'froze',
  at: now,
  by: 'U1',
  id,
  regions: null,
  start: now,
  end: now + hours(4),
  reason: 'audit',
  ...changes,
});
const unfroze = (ids: string[], at = now + hours(1)): LedgerEvent => ({ type: 'unfroze', at, by: 'U2', ids });
const left = (rollout: string, at: number, sha256 = newImage): LedgerEvent => ({
  type: 'left',
  at,
  rollout,
  nodes: { 'us-east-op-1': { version: 'v2.0.0', sha256, envSha256: null } },
});
const ledgerOf = (...events: LedgerEvent[]): Ledger => events.reduce(fold, emptyLedger);

describe('the ledger', () => {
  it('notes who froze what, why and until when', () => {
    expect(ledgerOf(froze('f1', { regions: ['us-east'] })).freezes).toEqual([
      {
        id: 'f1',
        regions: ['us-east'],
        start: now,
        end: now + hours(4),
        reason: 'audit',
        author: 'U1',
        declaredAt: now,
      },
    ]);
  });

  const nothing: [string, Ledger, LedgerEvent][] = [
    ['a freeze whose id is there', ledgerOf(froze('f1')), froze('f1', { reason: 'another' })],
    ['the repeat of one that was lifted', ledgerOf(froze('f1'), unfroze(['f1'])), froze('f1')],
    [
      'the repeat of one that was lifted before it began',
      ledgerOf(froze('f1', { start: now + hours(2) }), unfroze(['f1'])),
      froze('f1', { start: now + hours(2) }),
    ],
    ['a freeze that is over already', emptyLedger, froze('f1', { start: now - hours(2), end: now })],
    ['a freeze that ends before it begins', emptyLedger, froze('f1', { start: now + hours(5) })],
    ['lifting what is not there', ledgerOf(froze('f1')), unfroze(['f2'])],
    ['lifting twice', ledgerOf(froze('f1'), unfroze(['f1'])), unfroze(['f1'], now + hours(2))],
    ['lifting what has ended', ledgerOf(froze('f1')), unfroze(['f1'], now + hours(4))],
    ['what a rollout left, told twice', ledgerOf(left('r1', now)), left('r1', now)],
    ['what an older rollout left', ledgerOf(left('r2', now)), left('r1', now - 1, oldImage)],
  ];
  it.each(nothing)('is not changed by %s', (_what, ledger, event) => {
    expect(fold(ledger, event)).toBe(ledger);
  });

  it('ends a freeze when it is lifted, and keeps that it was there', () => {
    const ledger = ledgerOf(froze('f1'), froze('f2'), unfroze(['f1']));
    expect(ledger.freezes.map(({ id, end }) => [id, end])).toEqual([
      ['f1', now + hours(1)],
      ['f2', now + hours(4)],
    ]);
    expect(standing(ledger, now + hours(1)).map(({ id }) => id)).toEqual(['f2']);
  });

  it('lets one that was lifted before it began freeze nothing, ever', () => {
    const ledger = ledgerOf(froze('f1', { start: now + hours(2) }), unfroze(['f1']));
    for (const at of [now, now + hours(2), now + hours(3)]) expect(freezesOf(ledger, 'us-east', at)).toEqual([]);
  });

  it('counts a freeze of the fleet everywhere, one of a region there', () => {
    const ledger = ledgerOf(froze('f1'), froze('f2', { regions: ['eu-west'], end: now + hours(2) }));
    const ids = (region: string) => freezesOf(ledger, region, now).map(({ id }) => id);
    expect([ids('us-east'), ids('eu-west')]).toEqual([['f1'], ['f2', 'f1']]);
    const [east, west] = withFreezes(fleetOf(), ledger, now).regions;
    expect([east?.calendar.freezes.length, west?.calendar.freezes.length]).toEqual([1, 2]);
  });

  it('keeps a freeze for 400 days after its end', () => {
    const ledger = ledgerOf(froze('f1'));
    const much = now + hours(4) + retention;
    expect(fold(ledger, left('r1', much)).freezes).toHaveLength(1);
    expect(fold(ledger, left('r1', much + 1)).freezes).toHaveLength(0);
  });

  it('has of each node what was left last', () => {
    const ledger = ledgerOf(left('r1', now), left('r2', now + 1, oldImage));
    expect(ledger.nodes).toEqual({
      'us-east-op-1': { version: 'v2.0.0', sha256: oldImage, envSha256: null, at: now + 1, rollout: 'r2' },
    });
  });
});
