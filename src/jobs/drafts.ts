import type { Redis } from 'ioredis';
import type { Notary, Signature } from '../trust/index.ts';
import { keysOf } from './keys.ts';
import { decode, encode } from './reader.ts';
import { Tampered } from './replay.ts';
import type { Store } from './types.ts';

type Draft = { body: string } & Signature;

/** Plans that were shown and not yet confirmed. Signed: what is started is what was shown. */
export function draftsOf(
  redis: Redis,
  fleet: string,
  notary: Notary,
): { save: Store['saveDraft']; take: Store['takeDraft'] } {
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
