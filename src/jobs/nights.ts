import type { Redis } from 'ioredis';
import { canonical, type Notary, type Signature } from '../trust/index.ts';
import type { Compared } from '../upgrade/ledger/index.ts';
import { keysOf } from './keys.ts';

/** A node that was not found as it is recorded, or of which that could not be told. */
export interface NodeFound {
  node: string;
  found: Compared;
  /** Names exactly what was seen; see `markOf`. */
  as: string;
  version: string | null;
  /** What runs, and what lies there. */
  sha256: string | null;
  disk: string | null;
}

/** What was found in a region when it was looked at in one night. */
export interface NightFound {
  region: string;
  /** The local date on which it began. */
  night: string;
  /** Epoch ms. */
  at: number;
  /** How many nodes were looked at. */
  looked: number;
  nodes: NodeFound[];
}

/**
 * The last night of each region, one line each, however many nights go by. Whoever writes to Redis can take one away, or put an older
 * one there: both are seen by its date, and neither says anything that a worker did not.
 */
export interface Nights {
  keep(found: NightFound): Promise<void>;
  /** As far as they are signed by a worker and of these regions. */
  of(regions: readonly string[]): Promise<NightFound[]>;
}

export function createNights(redis: Redis, fleet: string, notary: Notary): Nights {
  const { drift } = keysOf(fleet);
  const text = (found: unknown): string => `night\n${canonical({ fleet, found })}`;
  const believed = (region: string, stored: string | null): NightFound[] => {
    const { found, key, signature } = parsed(stored);
    if (found === undefined || found.region !== region) return [];
    return notary.fault(text(found), { key, signature }, ['reports']) === null ? [found] : [];
  };
  return {
    async keep(found) {
      const signed = { found, ...notary.sign(text(found), ['reports']) };
      await redis.hset(drift, found.region, JSON.stringify(signed));
    },
    async of(regions) {
      if (regions.length === 0) return [];
      const stored = await redis.hmget(drift, ...regions);
      return regions.flatMap((region, index) => believed(region, stored[index] ?? null));
    },
  };
}

type Stored = Partial<{ found: NightFound }> & Signature;

/** What is not signed is not looked into. */
function parsed(stored: string | null): Stored {
  const nothing = { key: '', signature: '' };
  try {
    const read: unknown = JSON.parse(stored ?? 'null');
    if (typeof read !== 'object' || read === null) return nothing;
    const { found, key, signature }: Partial<Stored> = { ...read };
    if (typeof found !== 'object' || typeof key !== 'string' || typeof signature !== 'string') return nothing;
    return { found, key, signature };
  } catch {
    return nothing;
  }
}
