import type { Redis } from 'ioredis';
import { emptyLedger, fold, format, leftBy, lift } from '../upgrade/ledger/index.ts';
import type { Ledger, LedgerEvent } from '../upgrade/ledger/types.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import { type Chained, chain } from './journal.ts';
import { keysOf } from './keys.ts';
import { reasonOf } from './log.ts';
import { ledgerScript } from './scripts.ts';
import type { LedgerStore } from './types.ts';

/** What the chain of its journal begins with. */
const firstLink = 'ledger';

/** What outlives the rollouts of one fleet, in Redis. Commands reject with ioredis' errors when Redis is away. */
export function createLedger(
  redis: Redis,
  fleet: string,
): LedgerStore & { journal(): Promise<Chained<LedgerEvent>[]> } {
  const keys = keysOf(fleet);
  const stored = async (): Promise<{ ledger: Ledger; hash: string }> => {
    const [body, hash] = await redis.hmget(keys.ledger, 'body', 'hash');
    return body ? { ledger: decode(body), hash: hash ?? '' } : { ledger: emptyLedger, hash: firstLink };
  };
  return {
    load: async () => (await stored()).ledger,
    async record(event) {
      for (;;) {
        const { ledger: before, hash } = await stored();
        const after = fold(before, event);
        if (after === before) return { ledger: before, changed: false };
        const ledger = { ...after, revision: before.revision + 1 };
        const entry = chain(hash, { at: event.at, revision: ledger.revision, event });
        const fields = [encode(ledger), String(ledger.revision), entry.hash, JSON.stringify(entry)];
        const last = String(before.revision);
        // When somebody else was quicker, it is folded into what they left.
        if ((await redis.eval(ledgerScript, 2, keys.ledger, keys.ledgerJournal, ...fields, last)) !== 1) continue;
        return { ledger, changed: true };
      }
    },
    journal: async () => (await redis.lrange(keys.ledgerJournal, 0, -1)).map(decodeEntry),
  };
}

/** Writes down what a rollout that is over left on its nodes; asking again is harmless. */
export async function noteLeft(ledger: LedgerStore, rollout: Rollout): Promise<void> {
  const event = leftBy(rollout);
  if (event !== null) await ledger.record(event);
}

const encode = (ledger: Ledger): string => JSON.stringify({ format, ledger });

/** What an earlier version stored is lifted; what a later one stored is left to it. */
function decode(body: string): Ledger {
  try {
    return lift(JSON.parse(body));
  } catch (error) {
    throw new Error(`The ledger of the fleet cannot be read: ${reasonOf(error)}`);
  }
}

const decodeEntry = (line: string): Chained<LedgerEvent> => JSON.parse(line);
