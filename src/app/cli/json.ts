import type { Facts } from '../../bot/context.ts';
import type { End } from './exit.ts';

/** Raised when a field goes away or changes its meaning; new fields may come at any time. */
const schema = 1;

/**
 * One line of JSON: what came of it, and either the facts or, where there are none, a message for people.
 * @param end null while it still goes on
 */
export function jsonLine(verb: string | null, end: End | null, at: number, content: Facts | string): string {
  const rest = typeof content === 'string' ? { message: content } : content;
  return JSON.stringify({ schema, verb, outcome: end, at: new Date(at).toISOString(), ...rest });
}
