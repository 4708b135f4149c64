import type { Actor } from '../base/actor.ts';
import { redact } from '../base/redact.ts';
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

/** The one place through which every denied command and click passes; it is noted for the fleet, with the name and the reason. */
export function refusedNote(
  { log, control, clock }: Pick<CommandContext, 'log' | 'control' | 'clock'>,
  denial: Denial,
): void {
  log.warn(denial, 'refused');
  const { actor: by, what, reason, ...about } = denial;
  control.note({ type: 'denied', at: clock.now(), by, what: redact(what).slice(0, 200), reason, ...about });
}
