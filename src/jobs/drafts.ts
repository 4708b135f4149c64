import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Actor } from '../base/actor.ts';
import { canonical, type Notary, type Signature } from '../trust/index.ts';
import { keysOf } from './keys.ts';
import { decode, encode } from './reader.ts';
import { Tampered } from './replay.ts';
import type { Store } from './types.ts';

type Draft = { body: string } & Signature;
/** Somebody wants what takes two, and another one has to say the same. */
type Word = { by: Actor; at: number } & Signature;

/** Plans that were shown and not yet confirmed. Signed: what is started is what was shown. */
export function draftsOf(
  redis: Redis,
  fleet: string,
  notary: Notary,
): { save: Store['saveDraft']; take: Store['takeDraft']; agree: Store['agree'] } {
  const keys = keysOf(fleet);
  return {
    async save(rollout, ttlMs) {
      const body = encode(rollout);
      const draft: Draft = { body, ...notary.sign(signedText(rollout.id, body), ['decisions']) };
      await redis.set(keys.draft(rollout.id), JSON.stringify(draft), 'PX', ttlMs);
    },
    async take(id) {
      const stored = await redis.getdel(keys.draft(id));
      if (stored === null) return null;
      const wrong = (what: string) => new Tampered(id, `the plan that was shown: ${what}`);
      const { body, ...signed } = readDraft(stored) ?? {};
      if (body === undefined) throw wrong('it cannot be read');
      const fault = notary.fault(signedText(id, body), { key: '', signature: '', ...signed }, ['decisions']);
      if (fault !== null) throw wrong(fault);
      const rollout = decode(id, body);
      if (rollout.fleet !== fleet || rollout.id !== id) throw wrong(`it is ${rollout.id} of ${rollout.fleet}`);
      return rollout;
    },
    async agree(what, by, at, ttlMs) {
      const key = keys.draft(`agree-${createHash('sha256').update(what).digest('hex')}`);
      const wordOf = (who: Actor, then: number) => `agreed\n${canonical({ fleet, what, by: who, at: then })}`;
      const first = readWord(await redis.get(key));
      const counts =
        first !== null &&
        first.at <= at &&
        at - first.at < ttlMs &&
        notary.fault(wordOf(first.by, first.at), first, ['decisions']) === null;
      if (counts && first.by !== by) {
        // Two who say it at once are one second word.
        return (await redis.del(key)) === 1 ? first.by : null;
      }
      const word: Word = { by, at, ...notary.sign(wordOf(by, at), ['decisions']) };
      if (!counts) await redis.set(key, JSON.stringify(word), 'PX', ttlMs);
      return null;
    },
  };
}

const signedText = (id: string, body: string): string => `plan ${id}\n${body}`;

function readDraft(stored: string): Partial<Draft> | null {
  try {
    const draft: unknown = JSON.parse(stored);
    return typeof draft === 'object' ? draft : null;
  } catch {
    return null;
  }
}

function readWord(stored: string | null): Word | null {
  try {
    const word: Partial<Word> | null = JSON.parse(stored ?? 'null');
    const { by, at, key, signature } = word ?? {};
    if (typeof by !== 'string' || typeof at !== 'number') return null;
    return typeof key === 'string' && typeof signature === 'string' ? { by, at, key, signature } : null;
  } catch {
    return null;
  }
}
