import type { Calendar } from './types.ts';

/** Nothing is looked for further away: who waits longer wants to know why. A clock change can swallow a window once. */
const weeklyDays = 14;

/** The same where weeks are named: up to 17 weeks lie between two fifth weekdays of a month, up to 30 between three. */
const monthlyDays = 210;

/** How many local days ahead to look, the nearer first: far away seldom matters, and costs a millisecond a week. */
export function horizons({ windows }: Calendar): number[] {
  return windows.some(({ weeks }) => weeks !== undefined) ? [weeklyDays, monthlyDays] : [weeklyDays];
}

/** Beyond this number of local days nothing is looked for. */
export function horizonDays(calendar: Calendar): number {
  return Math.max(...horizons(calendar));
}
