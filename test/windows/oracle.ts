import type { Calendar, Interval, Week, Window } from '../../src/windows/types.ts';
import { type Wall, wallOf } from './wall.ts';

const dayMinutes = 24 * 60;
const minuteMs = 60_000;
const names = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/**
 * The rules of docs/windows.md once more, in the plainest way: one flag for each minute, open or not. It knows nothing
 * of the code under test and nothing of Temporal: local time comes from Intl. Windows and freezes are whole minutes.
 */
export class Oracle {
  readonly #wall: Wall;
  readonly #open: Uint8Array;
  /** What is open without a break, in order. */
  readonly runs: Interval[] = [];

  readonly #horizon: number;

  /** Knows `days` days before and after the month in which `around` (epoch ms) lies; with named weeks, far more. */
  constructor(calendar: Calendar, around: number, days = 45) {
    const named = calendar.windows.some(({ weeks }) => weeks !== undefined);
    this.#horizon = (named ? 210 : 14) * dayMinutes;
    const known = (named ? 270 : days) * dayMinutes;
    const month = (named ? 180 : 30) * dayMinutes;
    const first = Math.floor(around / minuteMs / month) * month - known;
    this.#wall = wallOf(calendar.zone, first, month + 2 * known);
    this.#open = new Uint8Array(this.#wall.count);
    for (const day of this.#days()) for (const window of calendar.windows) this.#openOn(day, window);
    for (const { start, end } of calendar.freezes) this.#fill(start / minuteMs, end / minuteMs, 0);
    this.#findRuns();
  }

  openAt(now: number): Interval | null {
    return this.runs.find(({ start, end }) => start <= now && now < end) ?? null;
  }

  /** Up to the same time on the wall, 14 days later; 210 when weeks are named. */
  nextAfter(now: number): Interval | null {
    return this.runs.find(({ start }) => start > now && start <= this.latest(now)) ?? null;
  }

  /** The last instant (epoch ms) at which an opening is still looked for from `now`. */
  latest(now: number): number {
    const minute = Math.floor(now / minuteMs);
    const shown = this.#wall.shows[minute - this.#wall.first] ?? Number.NaN;
    return this.#wall.means(shown + this.#horizon) * minuteMs + (now - minute * minuteMs);
  }

  /** The dates that somebody there lived, without the first and the last one, which are not whole. */
  #days(): number[] {
    return this.#wall.dates.slice(1, -2);
  }

  #openOn(day: number, { days, from, to, weeks }: Window): void {
    const weekday = names[new Date(day * dayMinutes * minuteMs).getUTCDay()];
    if (!days.some((each) => each === weekday) || !(weeks?.some((week) => isWeek(day, week)) ?? true)) return;
    const endDay = minutes(to) > minutes(from) ? day : day + 1;
    this.#fill(
      this.#wall.means(day * dayMinutes + minutes(from)),
      this.#wall.means(endDay * dayMinutes + minutes(to)),
      1,
    );
  }

  #fill(start: number, end: number, flag: 0 | 1): void {
    const { first, count } = this.#wall;
    if (start < end) this.#open.fill(flag, Math.max(start - first, 0), Math.min(Math.max(end - first, 0), count));
  }

  #findRuns(): void {
    for (let from = this.#open.indexOf(1); from >= 0; ) {
      const closed = this.#open.indexOf(0, from);
      const to = closed < 0 ? this.#wall.count : closed;
      this.runs.push({ start: (this.#wall.first + from) * minuteMs, end: (this.#wall.first + to) * minuteMs });
      from = this.#open.indexOf(1, to);
    }
  }
}

/** Counts the same weekdays of the month, back to its first. A date that nobody lived counts like any other. */
function isWeek(day: number, week: Week): boolean {
  const month = (each: number) => new Date(each * dayMinutes * minuteMs).getUTCMonth();
  if (week === 'last') return month(day + 7) !== month(day);
  let nth = 1;
  while (month(day - 7 * nth) === month(day)) nth++;
  return nth === week;
}

function minutes(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
}
