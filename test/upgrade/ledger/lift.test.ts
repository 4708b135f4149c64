import { expect, it } from 'vitest';
import { emptyLedger, format, lift } from '../../../src/upgrade/ledger/index.ts';

it('reads what it stored, and leaves what a later version stored to that', () => {
  expect(lift({ format, ledger: emptyLedger })).toEqual(emptyLedger);
  expect(() => lift({ format: 99, ledger: {} })).toThrow(/format 99.*use the version that stored it/);
});
