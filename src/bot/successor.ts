import { isAny } from '../base/is-any.ts';
import { serviceIn } from '../base/sibling.ts';
import type { Store } from '../jobs/types.ts';
import { isOpen } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';

/** So many of the newest are looked through; what is older than those is not gone back to. */
const looked = 10;

/**
 * What keeps an older one from being brought back: it holds the fleet, or worked on nodes. What never began left them as they were, and so did a
 * restart and a migration; what the nodes run, and which schema there is, is looked at besides.
 */
const comesBetween = (rollout: Rollout): boolean =>
  isOpen(rollout) || (rollout.startedAt !== null && !isAny(rollout.change?.is, 'restart', 'migrate'));

/** Other services of the same hosts have their own files and units. */
const isBeside = (newer: Rollout, older: Rollout): boolean =>
  !isOpen(newer) && !servicesIn(newer).some((key) => servicesIn(older).includes(key));

const servicesIn = ({ nodes }: Rollout): (string | null)[] => [...new Set(Object.keys(nodes).map(serviceIn))];

type Known = Pick<Store, 'newestIds' | 'load'>;

/** Of a rollout that is over, what came after it and keeps it from being brought back; null when nothing does. */
export async function successorOf(store: Known, rollout: Rollout): Promise<Rollout | null> {
  let oldest: Rollout | null = null;
  for (const newer of await store.newestIds(looked)) {
    if (newer === rollout.id) return null;
    oldest = await store.load(newer);
    if (oldest !== null && comesBetween(oldest) && !isBeside(oldest, rollout)) return oldest;
  }
  return oldest;
}

/**
 * The one that can be brought back, or else the newest, for whoever names none; null when there is none at all.
 * @param isMeant says of which rollout something is meant that was named
 */
export async function lastToGoBack(
  store: Known,
  isMeant: (rollout: Rollout) => boolean = () => true,
): Promise<Rollout | null> {
  let newest: Rollout | null = null;
  for (const id of await store.newestIds(looked)) {
    const rollout = await store.load(id);
    if (rollout !== null && comesBetween(rollout) && isMeant(rollout)) return rollout;
    newest ??= rollout;
  }
  return newest;
}
