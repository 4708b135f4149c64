import { manual } from '../src/bot/command.ts';

/** What the composer completes: all that the manual has, and nothing else. */
export const suggestions = (): { text: string; about: string }[] =>
  Object.entries(manual).map(([verb, { usage, what }]) => ({
    text: `/zeitwork ${verb}${usage === verb ? '' : ' '}`,
    about: what,
  }));
