/** Days as written in the settings. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** Weeks of a month as written in the settings: which occurrence of its weekday a day is in its month. */
export const weeks = [1, 2, 3, 4, 5, 'last'] as const;
export type Week = (typeof weeks)[number];

/** A maintenance window in the region's own zone. `to <= from` ends on the next local day. */
export interface Window {
  days: Weekday[];
  /** Local wall-clock time, `HH:MM`. */
  from: string;
  /** Local wall-clock time, `HH:MM`, exclusive. */
  to: string;
  /** Absent: every week. Otherwise the days are only those of these weeks of the local month. */
  weeks?: Week[] | undefined;
}

/** A span in which nothing is begun although a window is open. Instants are epoch milliseconds. */
export interface Freeze {
  /** Of one that was declared with `freeze` and can be lifted; those of the settings have none. */
  id?: string;
  start: number;
  end: number;
  reason: string;
  author: string;
}

/** Half-open span `[start, end)` of epoch milliseconds. */
export interface Interval {
  start: number;
  end: number;
}

/** When work may begin somewhere: a region's zone with its windows and freezes. */
export interface Calendar {
  /** IANA zone, e.g. `Asia/Kolkata`. */
  zone: string;
  windows: Window[];
  freezes: Freeze[];
}

/** The next time that work may begin, or why there is none, in words for people. */
export type Opening = { is: 'opens'; interval: Interval } | { is: 'never'; reason: string };
