import type { Actor } from '../base/actor.ts';
import type { CommandContext } from './context.ts';

/** Something that somebody wanted and did not get. */
export interface Denial {
  actor: Actor;
  /** What was asked for: a right, a verb, or the button that was pressed. */
  what: string;
  reason: string;
  /** Which rollout or plan it was about, as far as is known. */
  rollout?: string;
}

/** The one place through which every denied command and click passes, with the name and the reason. */
export function refusedNote({ log }: Pick<CommandContext, 'log'>, denial: Denial): void {
  log.warn(denial, 'refused');
}
