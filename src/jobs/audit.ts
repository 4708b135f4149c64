import { wordsOf } from '../base/errors.ts';
import { type Examined, examine } from './examine.ts';
import type { createLedger } from './ledger.ts';
import { Tampered } from './replay.ts';
import type { Belief, RolloutStore } from './store.ts';

/** What one journal proves, and whether what is stored beside it agrees. */
export interface Audited extends Examined {
  /** A rollout's id, or `ledger`. */
  journal: string;
  /** Why nothing is done with what is stored; null when it may be believed. */
  refused: string | null;
}

/** Examines the journals of a fleet, or the one that is named, newest rollout first. */
export async function* audit(
  fleet: string,
  { store, ledger, belief }: { store: RolloutStore; ledger: ReturnType<typeof createLedger>; belief: Belief },
  only: string | null,
): AsyncGenerator<Audited> {
  const ids = only === null ? await store.ids() : only === 'ledger' ? [] : [only];
  for (const id of ids) {
    const examined = examine({ fleet, journal: id }, await store.journal(id), belief.notary);
    yield { journal: id, ...examined, refused: await refusal(() => store.load(id)) };
  }
  if (only !== null && only !== 'ledger') return;
  const lines = await ledger.journal();
  const head = lines.at(-1)?.hash ?? '';
  yield { journal: 'ledger', lines: lines.length, unsigned: 0, head, flaws: [], refused: await refusal(ledger.load) };
}

async function refusal(load: () => Promise<unknown>): Promise<string | null> {
  try {
    await load();
    return null;
  } catch (error) {
    return error instanceof Tampered ? error.what : wordsOf(error);
  }
}
