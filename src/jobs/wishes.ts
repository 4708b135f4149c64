import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Actor } from '../base/actor.ts';
import { minute } from '../base/duration.ts';
import type { Notary, Signature } from '../trust/index.ts';
import { keysOf } from './keys.ts';
import type { Store } from './types.ts';
import type { Used } from './used.ts';

/** Milliseconds in which a second person may want the same. */
const waitsFor = 30 * minute;

type Wish = { by: Actor; until: number } & Signature;

/** What it takes two to decide, while one of them has. Signed: nobody who writes to Redis is the first of two. */
export function wishesOf(redis: Redis, fleet: string, notary: Notary, used: Used): Store['seconded'] {
  const keys = keysOf(fleet);
  const textOf = (what: string, { by, until }: Pick<Wish, 'by' | 'until'>) => `wish ${fleet} ${until} ${by}\n${what}`;
  return async (what, by, at) => {
    const key = keys.draft(`wish-${createHash('sha256').update(what).digest('hex').slice(0, 32)}`);
    const stored = await redis.getdel(key);
    const first = stored === null ? null : readWish(stored);
    const counts =
      first !== null &&
      first.until > at &&
      !used.has(first.signature) &&
      notary.fault(textOf(what, first), first, ['decisions']) === null;
    if (counts && first.by !== by) {
      used.add(first.signature, first.until, at);
      return first.by;
    }
    const mine = { by, until: at + waitsFor };
    const wish: Wish = { ...mine, ...notary.sign(textOf(what, mine), ['decisions']) };
    await redis.set(key, JSON.stringify(wish), 'PX', waitsFor);
    return null;
  };
}

/** Null for what no bot of ours wrote. */
function readWish(stored: string): Wish | null {
  try {
    const wish: Partial<Wish> | null = JSON.parse(stored);
    const { by, until, key, signature } = wish ?? {};
    if (typeof by !== 'string' || typeof until !== 'number') return null;
    return typeof key === 'string' && typeof signature === 'string' ? { by, until, key, signature } : null;
  } catch {
    return null;
  }
}
