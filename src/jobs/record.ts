import { Refused } from '../base/errors.ts';
import { next, onlyBack } from '../upgrade/rollout/index.ts';
import type { Event, Rollout } from '../upgrade/rollout/types.ts';
import { unadopted } from './replay.ts';
import type { Recorded, Store } from './types.ts';

const goesOn: readonly Event['type'][] = ['approved', 'resumed', 'retried', 'decided'];

export type RecordEvent = (id: string, event: Event) => Promise<Recorded>;

/**
 * The one door through which anything happens to a rollout: button, command, timer and worker all enter here.
 * Folds the event in and saves; when somebody else was quicker, folds it into what they left.
 * @param wake told after every change; must not throw
 * @param saved told before that, of the rollout as it is now; must not throw, and may be told twice
 */
export function recorder(
  store: Pick<Store, 'load' | 'save' | 'adopt'>,
  wake: (id: string) => Promise<void>,
  saved: (rollout: Rollout, event: Event) => Promise<void> = async () => undefined,
): RecordEvent {
  return async (id, event) => {
    for (let overtaken = false; ; overtaken = true) {
      const stored = await store.load(id);
      if (stored === null) throw new Refused(`There is no rollout ${id}.`);
      const current = stored.unsigned ? await adopted(stored, event) : stored;
      if (current === null) return { rollout: stored, changed: false };
      const after = next(current, event);
      if (after === current) {
        if (current.onlyBack && goesOn.includes(event.type)) throw unadopted(id);
        // Our own save may have counted although its answer was lost on the way: nobody was woken then.
        if (overtaken) {
          await saved(current, event);
          await wake(id);
        }
        // What nobody had signed was taken up for this, and what was out of service is put back: that is an effect.
        if (stored.unsigned) {
          await wake(id);
          return { rollout: current, changed: true };
        }
        return { rollout: current, changed: false };
      }
      const newest = { ...after, revision: current.revision + 1 };
      if (!(await store.save(newest, event))) continue;
      await saved(newest, event);
      await wake(id);
      return { rollout: newest, changed: true };
    }
  };

  /** Going back and ending never wait, and open nothing else; that does until somebody has looked. Null: nothing happens. */
  async function adopted({ id }: Rollout, event: Event): Promise<Rollout | null> {
    if (event.type === 'rollback-asked' || event.type === 'stopped') {
      return store.adopt(id, event.by, event.at, { as: onlyBack });
    }
    if (!('by' in event)) return null;
    throw unadopted(id);
  }
}
