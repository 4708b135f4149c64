import type { Actor } from '../base/actor.ts';
import { minute } from '../base/duration.ts';
import type { LookFor } from '../jobs/types.ts';
import type { NodeSurvey } from '../upgrade/rollout/types.ts';
import type { Command } from './command.ts';

/** Milliseconds for which a look at all nodes answers everybody who asks. */
const sharedMs = 3_000;
/** Looks of one person in a minute; the home tab takes three. */
const mostPerMinute = 30;

/** Verbs that change nothing, and that everybody may ask as often as they like if nobody counts. */
const looking: readonly Command['verb'][] = [
  'bare',
  'status',
  'why',
  'windows',
  'history',
  'verify',
  'diagnose',
  'whoami',
  'upgrade',
  'recover',
  'drift',
  'restart',
  'config',
];

export const isLooking = (command: Command): boolean =>
  looking.includes(command.verb) || (command.verb === 'rollback' && command.dryRun);

/** Looks cost the nodes something: they are shared between those who ask at the same time, and counted per person. */
export interface Looks {
  /** What was seen a moment ago, or is being looked at; else looks anew. A look that failed is not kept. */
  shared(look: () => Promise<NodeSurvey[]>, how?: LookFor): Promise<NodeSurvey[]>;
  /** Counts one look; milliseconds to wait when it is one too many, else null. */
  tooMany(actor: Actor): number | null;
}

/** @param now epoch ms */
export function createLooks(now: () => number): Looks {
  type Look = { at: number; seen: Promise<NodeSurvey[]> };
  const last: Partial<Record<LookFor, Look>> = {};
  const times = new Map<Actor, number[]>();
  return {
    shared(look, how = 'answer') {
      const known = last[how];
      if (known !== undefined && now() >= known.at && now() - known.at < sharedMs) return known.seen;
      const mine = { at: now(), seen: look() };
      last[how] = mine;
      mine.seen.catch(() => {
        if (last[how] === mine) delete last[how];
      });
      return mine.seen;
    },
    tooMany(actor) {
      const at = now();
      const recent = (times.get(actor) ?? []).filter((each) => each <= at && at - each < minute);
      const [oldest = at] = recent;
      if (recent.length >= mostPerMinute) return oldest + minute - at;
      if (times.size > 1_000) times.clear();
      times.set(actor, [...recent, at]);
      return null;
    },
  };
}
