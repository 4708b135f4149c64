import { createHash } from 'node:crypto';
import { canonical } from './canonical.ts';

/** Names a JSON value in 16 hex digits: equal values have the same, however they are written. */
export const fingerprint = (value: unknown): string =>
  createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16);
