import {
  approvals,
  longWatch,
  takenBy,
  type Waiting,
  waitingForPeople,
  workingNodes,
} from '../../upgrade/rollout/index.ts';
import type { Rollout, Taken } from '../../upgrade/rollout/types.ts';
import { mineButtons } from './buttons.ts';
import type { Button } from './parts.ts';
import { foreign, when, who } from './text.ts';

export const hasIt = ({ by, at }: Taken): string => `${who(by)} has it since ${when(at)}`;

/** Who acts on what this message tells of, or the button with which somebody says that they do. */
export function handOf(rollout: Rollout, what: string): { lines: string[]; buttons: Button[] } {
  const waiting = waitingForPeople(rollout).filter((each) => each.what === what);
  const taken = waiting.flatMap((each) => takenBy(rollout, each) ?? []);
  return { lines: taken.map((each) => `→ ${hasIt(each)}.`), buttons: mineButtons(rollout, what) };
}

/** Everything that somebody has, for whoever asks how things stand. */
export function takenLines(rollout: Rollout): string[] {
  return waitingForPeople(rollout).flatMap((waiting) => {
    const taken = takenBy(rollout, waiting);
    return taken === null ? [] : [`${hasIt(taken)}: ${waitWords(rollout, waiting)}`];
  });
}

/** What waits, behind "has it". */
export function waitWords(rollout: Rollout, { what }: Waiting): string {
  const phase = approvals(rollout).find(({ id }) => id === what);
  if (phase !== undefined) return `the approval of ${foreign(phase.title, 80)}`;
  if (what === 'held') return 'the hold';
  const watch = longWatch(rollout);
  if (watch?.phase.id === what) return `the watch of ${foreign(watch.phase.title, 80)}, which does not end`;
  if (what === 'start') return 'the start that was missed';
  return foreign(what.slice(what.indexOf(' ') + 1), 80);
}

/** Who acts on a hold; empty while none is. */
export const whoActs = (rollout: Rollout): string =>
  waitingForPeople(rollout).some(({ what }) => what === 'held')
    ? whoActsOn(rollout, 'held', untilDecided(rollout))
    : '';

/** What failed goes back by itself meanwhile, and others may be under way. */
export const untilDecided = (rollout: Rollout): string =>
  workingNodes(rollout).length === 0
    ? 'nothing moves until somebody decides'
    : 'nothing new is begun until somebody decides';

/** Who has what waits, before `still`: what is so whoever has it. */
export function whoActsOn(rollout: Rollout, what: string, still: string): string {
  const waiting = waitingForPeople(rollout).find((each) => each.what === what);
  const taken = waiting === undefined ? null : takenBy(rollout, waiting);
  return taken === null ? still : `${hasIt(taken)}, ${still}`;
}
