import { describe, expect, it } from 'vitest';
import { buildUnderWay, emptyLedger, fold, lastBuildNumber } from '../../../src/upgrade/ledger/index.ts';
import type { Ledger, LedgerEvent, Source } from '../../../src/upgrade/ledger/types.ts';

const source: Source = { tag: 't'.repeat(40), commit: 'c'.repeat(40), time: 1, signedBy: null };
const of = { version: 'v2.0.0', number: 1 };
const made = { archiveSha256: 'a', archiveBytes: 1, binarySha256: 'b', logSha256: 'l' };
const asked: LedgerEvent = { type: 'build-asked', at: 1, by: 'U0ROSA', ...of };
const begun: LedgerEvent = { type: 'build-begun', at: 2, ...of, source, worker: 'w' };
const built: LedgerEvent = { type: 'build-reported', at: 5, ...of, report: { is: 'built', ...made } };
const failed: LedgerEvent = { type: 'build-reported', at: 5, ...of, report: { is: 'failed', reason: 'no', last: [] } };
const stopped: LedgerEvent = { type: 'build-stopped', at: 3, by: 'U0INES', ...of };
const folded = (...events: LedgerEvent[]): Ledger => events.reduce(fold, emptyLedger);
const changes = (ledger: Ledger, event: LedgerEvent): boolean => fold(ledger, event) !== ledger;

describe('a build in the ledger', () => {
  it('goes from asked over begun to built', () => {
    const ledger = folded(asked, begun, built);
    expect(ledger.builds['v2.0.0']).toEqual({
      ...of,
      ...{ by: 'U0ROSA', at: 1, source },
      state: { is: 'built', at: 5, took: 3, ...made },
    });
    expect(buildUnderWay(ledger)).toBe(null);
  });

  it('changes nothing when it is told twice, late, or before its time', () => {
    expect(changes(folded(asked), asked)).toBe(false);
    expect(changes(folded(), begun)).toBe(false);
    expect(changes(folded(asked), built)).toBe(false);
    expect(changes(folded(asked, begun), begun)).toBe(false);
    expect(changes(folded(asked, begun, built), failed)).toBe(false);
    expect(changes(folded(asked, begun, built), stopped)).toBe(false);
    expect(changes(folded(asked, begun), { ...built, number: 2 })).toBe(false);
    expect(changes(folded(asked, stopped), { ...stopped, by: 'U0OTTO' })).toBe(false);
  });

  it('is the only one under way', () => {
    const other = { ...asked, version: 'v2.1.0', number: 2 };
    expect(changes(folded(asked), other)).toBe(false);
    expect(changes(folded(asked, begun), other)).toBe(false);
    expect(buildUnderWay(folded(asked, begun, failed, other))?.version).toBe('v2.1.0');
  });

  it('has a number of its own, above all others', () => {
    const ledger = folded(asked, failed);
    expect(lastBuildNumber(ledger)).toBe(1);
    expect(changes(ledger, asked)).toBe(false);
    expect(changes(ledger, { ...asked, number: 2 })).toBe(true);
  });

  it('of a version is of the same commit for ever, also of one that failed', () => {
    const again = { ...asked, number: 2 };
    const moved = { ...begun, number: 2, source: { ...source, commit: 'd'.repeat(40) } };
    expect(changes(folded(asked, begun, failed, again), moved)).toBe(false);
    expect(changes(folded(asked, begun, failed, again), { ...moved, source })).toBe(true);
  });

  it('is not begun once somebody stopped it, and is built when that came too late', () => {
    expect(changes(folded(asked, stopped), begun)).toBe(false);
    expect(folded(asked, begun, stopped, built).builds['v2.0.0']?.state.is).toBe('built');
    expect(folded(asked, stopped, failed).builds['v2.0.0']?.state.is).toBe('failed');
  });
});
