import { wordsOf } from '../base/errors.ts';
import { redact } from '../base/redact.ts';

/** Where the job side tells what it does; a pino logger fits. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * A reporter for what repeats several times a second while Redis is away: the same reason is said once in `ms`.
 * @param say gets the reason and how often it was held back since the last time
 */
export function seldom(ms: number, say: (reason: string, heldBack: number) => void): (error: unknown) => void {
  const last = new Map<string, { at: number; heldBack: number }>();
  let newest = { words: '', reason: '' };
  return (error) => {
    const words = wordsOf(error);
    if (words !== newest.words) newest = { words, reason: reasonOf(error) };
    const { reason } = newest;
    const seen = last.get(reason);
    if (seen && performance.now() - seen.at < ms) {
      seen.heldBack += 1;
      return;
    }
    if (last.size > 100) last.clear();
    last.set(reason, { at: performance.now(), heldBack: 0 });
    say(reason, seen?.heldBack ?? 0);
  };
}

/** What may be stored or shown of an error: BullMQ keeps a job's failure in clear text. */
export function reasonOf(error: unknown): string {
  return redact(wordsOf(error)).slice(0, 2_000);
}
