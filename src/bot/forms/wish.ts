import type { Actor } from '../../base/actor.ts';
import type { Sealer } from '../../trust/index.ts';
import type { UpgradeWish } from '../parse.ts';

/** What the form does not ask for, and where it was opened. */
export interface Kept {
  wish: Pick<UpgradeWish, 'limit' | 'rehearse' | 'dryRun'>;
  from: 'command' | 'home';
}

/** Of a form: only its own person may send it, here, and only one that we opened. */
export interface Place {
  fleet: string;
  user: Actor;
}

const scope = (kept: Kept, place: Place) => ({ form: 'upgrade', ...kept, ...place });

/** Goes with the form and comes back with it. */
export const sealedWish = (kept: Kept, place: Place, sealer: Sealer): string =>
  JSON.stringify({ ...kept, s: sealer.seal(scope(kept, place)) });

/** null when it is not one of ours, or was made for somebody else. */
export function readWish(metadata: string, place: Place, sealer: Sealer): Kept | null {
  const read = parsed(metadata);
  if (read === null || typeof read.s !== 'string' || typeof read.wish !== 'object' || read.wish === null) return null;
  const { limit, rehearse, dryRun }: { limit?: unknown; rehearse?: unknown; dryRun?: unknown } = { ...read.wish };
  if (limit !== null && typeof limit !== 'number') return null;
  const wish = { limit, ...(rehearse === true ? { rehearse: true as const } : {}), dryRun: dryRun === true };
  const kept: Kept = { wish, from: read.from === 'home' ? 'home' : 'command' };
  return sealer.fits(scope(kept, place), read.s) ? kept : null;
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null ? { ...read } : null;
  } catch {
    return null;
  }
}
