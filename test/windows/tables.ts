import { describe, expect, it } from 'vitest';
import { parseWindow } from '../../src/config/calendars.ts';
import { nextOpening, openInterval } from '../../src/windows/index.ts';
import type { Calendar, Freeze, Interval } from '../../src/windows/types.ts';
import { Oracle } from './oracle.ts';

/** An instant in UTC -> `open START END` with what is open then, else `opens START END` with what is next, else `never`. */
export type Row = [now: string, answer: string];

/**
 * A table of instants for one region. `windows` are written as in the settings, with ` + ` between two; freezes as
 * `START/END` in UTC.
 *
 * Where the answers come from: a Python script wrote them, with `zoneinfo` on Debian's tzdata 2025b and the rules of
 * docs/windows.md (`datetime(2024, 3, 12, 2, 0, tzinfo=ZoneInfo(zone), fold=0)` is what 'compatible' means), and they were
 * read row by row. One answer is checked on a shell with `TZ=America/New_York date -d @1710223200`, which is
 * 2024-03-12T06:00Z. At every run each row is also held against a second witness, the minutes of Intl (`oracle.ts`).
 * The years are past ones, so that no later decision about clocks changes a row.
 */
export function table(title: string, zone: string, windows: string, rows: Row[], freezes: string[] = []): void {
  describe(`${title} (${zone}, ${windows})`, () => {
    const calendar = calendarOf(zone, windows, freezes);
    it.each(rows)('%s: %s', (now, answer) => {
      expect(witnessed(calendar, at(now)), 'as Intl sees it').toBe(answer);
      expect(answered(calendar, at(now))).toBe(answer);
    });
  });
}

/** The same windows in many zones. */
export function zoneTable(title: string, windows: string, rows: [zone: string, ...Row][]): void {
  describe(`${title} (${windows})`, () => {
    it.each(rows)('%s at %s: %s', (zone, now, answer) => {
      const calendar = calendarOf(zone, windows);
      expect(witnessed(calendar, at(now)), 'as Intl sees it').toBe(answer);
      expect(answered(calendar, at(now))).toBe(answer);
    });
  });
}

export function calendarOf(zone: string, windows: string, freezes: string[] = []): Calendar {
  const read = windows.split(' + ').map((written) => {
    const window = parseWindow(written);
    if (window === undefined) throw new Error(`not a window: ${written}`);
    return window;
  });
  return { zone, windows: read, freezes: freezes.map(freezeOf) };
}

/** `2024-03-12T06:00/2024-03-13T00:00`; an author may follow after a blank. */
export function freezeOf(written: string): Freeze {
  const [span = '', author = 'ana'] = written.split(' ');
  const [start = '', end = ''] = span.split('/');
  return { start: at(start), end: at(end), reason: 'sale', author };
}

export function at(utc: string): number {
  const instant = Date.parse(`${utc}Z`);
  if (Number.isNaN(instant)) throw new Error(`not an instant: ${utc}`);
  return instant;
}

export function shown({ start, end }: Interval): string {
  return `${new Date(start).toISOString().slice(0, 16)} ${new Date(end).toISOString().slice(0, 16)}`;
}

function answered(calendar: Calendar, now: number): string {
  const open = openInterval(calendar, now);
  if (open !== null) return `open ${shown(open)}`;
  const next = nextOpening(calendar, now);
  return next.is === 'opens' ? `opens ${shown(next.interval)}` : 'never';
}

function witnessed(calendar: Calendar, now: number): string {
  const oracle = new Oracle(calendar, now);
  const open = oracle.openAt(now);
  if (open !== null) return `open ${shown(open)}`;
  const next = oracle.nextAfter(now);
  return next === null ? 'never' : `opens ${shown(next)}`;
}
