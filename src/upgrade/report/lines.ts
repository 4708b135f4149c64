import { Refused } from '../../base/errors.ts';
import { lift, next } from '../rollout/index.ts';
import type { Actor, Event, Rollout } from '../rollout/types.ts';

/** A line of a rollout's journal. Whether it may be believed was found out by whoever read it. */
export interface Line {
  at: number;
  revision: number;
  hash: string;
  /** Fingerprint of the key that signed it; absent in lines of versions that did not sign. */
  key?: string;
  event: Event | Whole<'created'> | Whole<'adopted'>;
}

/** A line that says all that the rollout is. */
interface Whole<Type> {
  type: Type;
  at: number;
  by: Actor;
  with?: Actor;
  format?: number;
  rollout?: Rollout;
}

/** What one line made of the rollout; `before` is null at the first. */
export interface Frame {
  line: Line;
  before: Rollout | null;
  after: Rollout;
}

/** The rollout as each line left it. @throws Refused for a journal that never says what was planned */
export function* framesOf(lines: readonly Line[]): Generator<Frame> {
  let before: Rollout | null = null;
  for (const line of lines) {
    const after = follow(before, line);
    if (after === null) continue;
    yield { line, before, after };
    before = after;
  }
  if (before === null)
    throw new Refused(
      'No line of its journal says what was planned: it was begun by a version that did not sign. After `adopt` a report tells what came then.',
    );
}

function follow(before: Rollout | null, { event, revision }: Line): Rollout | null {
  if (event.type === 'created' || event.type === 'adopted') {
    if (event.rollout === undefined) return before;
    return lift({ format: event.format ?? 0, rollout: event.rollout });
  }
  return before === null ? null : { ...next(before, event), revision };
}
