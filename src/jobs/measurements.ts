import type { Redis } from 'ioredis';
import { canonical, type Notary, type Signature } from '../trust/index.ts';
import { keptBlocks } from '../upgrade/comparison/index.ts';
import type { Block } from '../upgrade/comparison/types.ts';
import { keysOf } from './keys.ts';
import { measuringScript } from './scripts.ts';

/**
 * What was measured on the nodes of each region, block by block; only so much of it is kept. In no journal: it is what a verdict is made
 * of, and that is. Each block is signed by the worker that measured it: whoever writes to Redis can take some away, which are gaps then.
 */
export interface Measurements {
  /** @param length of a block, ms */
  keep(region: string, length: number, block: Block): Promise<void>;
  /** In no order, and not one for each time. */
  of(region: string, length: number): Promise<Block[]>;
  /** Whether this worker measures the region for the next `ms`; another one does as long as it said so. */
  claim(region: string, worker: string, ms: number): Promise<boolean>;
}

/** `text`: the block, as it was signed: with a thousand nodes nobody spells it anew. */
interface Stored extends Signature {
  length: number;
  text: string;
}

export function createMeasurements(redis: Redis, fleet: string, notary: Notary): Measurements {
  const keys = keysOf(fleet);
  const signed = (region: string, length: number, text: string): string =>
    `measured\n${canonical({ fleet, region, length })}\n${text}`;
  return {
    async keep(region, length, block) {
      const text = JSON.stringify(block);
      const stored: Stored = { length, text, ...notary.sign(signed(region, length, text), ['reports']) };
      const key = keys.measured(region);
      await redis.rpush(key, JSON.stringify(stored));
      await redis.ltrim(key, -keptBlocks, -1);
      await redis.pexpire(key, 2 * keptBlocks * length);
    },
    async of(region, length) {
      const lines = await redis.lrange(keys.measured(region), -keptBlocks, -1);
      return lines.flatMap((line) => {
        const stored = parsed(line);
        if (stored === null || stored.length !== length) return [];
        const { text } = stored;
        return notary.fault(signed(region, length, text), stored, ['reports']) === null ? [JSON.parse(text)] : [];
      });
    },
    async claim(region, worker, ms) {
      return (await redis.eval(measuringScript, 1, keys.measuring(region), worker, ms)) === 1;
    },
  };
}

/** Of what is not signed no more is looked at. */
function parsed(line: string): Stored | null {
  try {
    const read = JSON.parse(line);
    const isWhole =
      typeof read?.text === 'string' && typeof read.key === 'string' && typeof read.signature === 'string';
    return isWhole ? read : null;
  } catch {
    return null;
  }
}
