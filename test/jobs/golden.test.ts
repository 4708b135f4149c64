import { describe, expect, it } from 'vitest';
import { createLedger, createStore } from '../../src/jobs/index.ts';
import { lift } from '../../src/upgrade/rollout/index.ts';
import { belief, flawsIn } from '../support/belief.ts';
import { bodyOf, golden2, golden3, putBack } from '../support/golden.ts';
import { production } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

const rig = makeRig();

describe('a journal of format 2, as the version that had it signed it', () => {
  it.each([...golden2(), ...golden3()])(
    '%s: is folded to exactly what is stored, and nothing in it is wrong',
    async (_name, stored) => {
      const redis = rig.redis.handle.caller;
      await putBack(redis, stored);
      const store = createStore(redis, production, belief());
      expect(await store.load('r1')).toEqual(lift(bodyOf(stored)));
      expect(flawsIn('r1', await store.journal('r1'))).toEqual([]);
      const ledger = await createLedger(redis, production, belief()).load();
      expect([ledger.begun.length, ledger.freezes.length]).toEqual([1, 1]);
    },
  );
});
