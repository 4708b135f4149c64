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

/** Number of a line, and its hash or how that begins. */
interface Head {
  revision: number;
  hash: string;
}

/** Examines the journals of a fleet, or the one that is named, newest rollout first. */
export async function* audit(
  fleet: string,
  { store, ledger, belief }: { store: RolloutStore; ledger: ReturnType<typeof createLedger>; belief: Belief },
  only: string | null,
  head?: Head,
): AsyncGenerator<Audited> {
  const ids = only === null ? await store.ids() : only === 'ledger' ? [] : [only];
  for (const id of ids) {
    const lines = await store.journal(id);
    const examined = examine({ fleet, journal: id }, lines, belief.notary);
    const refused = absence(lines, head) ?? (await refusal(() => store.load(id)));
    yield { journal: id, ...examined, refused };
  }
  if (only !== null && only !== 'ledger') return;
  const lines = await ledger.journal();
  const last = lines.at(-1)?.hash ?? '';
  const refused = absence(lines, head) ?? (await refusal(ledger.load));
  yield { journal: 'ledger', lines: lines.length, unsigned: 0, head: last, flaws: [], refused };
}

/** Why a line that somebody wrote down does not stand there; null when it does. */
function absence(lines: readonly { revision: number; hash: string }[], head: Head | undefined): string | null {
  if (head === undefined) return null;
  const there = lines.find(({ revision }) => revision === head.revision);
  if (there === undefined) return `line ${head.revision}, which was written down, is not there`;
  return there.hash.startsWith(head.hash) ? null : `line ${head.revision} is not the one that was written down`;
}

async function refusal(load: () => Promise<unknown>): Promise<string | null> {
  try {
    await load();
    return null;
  } catch (error) {
    return error instanceof Tampered ? error.what : wordsOf(error);
  }
}
