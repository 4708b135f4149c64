import { checkOf, isTickable } from '../../upgrade/rollout/index.ts';
import type { Entry, Rollout, Tick } from '../../upgrade/rollout/types.ts';
import { iso } from './instants.ts';

/** An item for programs. `by`: the person, or the check, that ticked it; `tickable`: a person may tick it now. */
export function entryFacts(rollout: Rollout, entry: Entry, tick: Tick) {
  const { number, list, phase, item } = entry;
  return {
    number,
    list,
    phase: phase?.id ?? null,
    text: item.text,
    check: checkOf(entry),
    ticked: tick.is === 'ticked',
    by: tick.is === 'ticked' ? tick.by : null,
    at: iso(tick.at),
    says: tick.says,
    tickable: checkOf(entry) === null && isTickable(rollout, entry),
  };
}
