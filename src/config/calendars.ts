import { z } from 'zod';
import { parseLocalDate, parseLocalTime, weekNames } from '../windows/index.ts';
import { type Freeze, type Interval, type Week, type Weekday, type Window, weekdays, weeks } from '../windows/types.ts';
import { block, leaf, list, oneOf, withDefault } from './blocks.ts';
import { name, words, zone } from './values.ts';

export const defaultWindow = 'Tue-Thu 02:00-06:00';

const clock = (read: (written: string) => string | undefined) =>
  leaf('a time of day', 'one in quotes like "02:00"', (written) =>
    typeof written === 'string' ? read(written) : undefined,
  );

const week = leaf('a week of the month', '1, 2, 3, 4, 5 or last', (written) => weeks.find((each) => each === written));
const weeksOfMonth = list(week, 'weeks of the month: 1, 2, 3, 4, 5 or last', 1).superRefine((written, context) => {
  const again = written.findIndex((each, index) => written.indexOf(each) < index);
  if (again < 0) return;
  const message = `${written[again]} is written twice; write each of 1, 2, 3, 4, 5 or last at most once`;
  context.addIssue({ code: 'custom', path: [again], message });
});

/** Either `Tue-Thu 02:00-06:00`, or `1st and last Tue 02:00-06:00`, or the keys. */
export const window = z.preprocess(
  (written) => (typeof written === 'string' ? (parseWindow(written) ?? written) : written),
  block(
    {
      days: list(oneOf(weekdays), 'days like tue', 1),
      from: clock(clockOf),
      to: clock(endClockOf),
      weeks: weeksOfMonth.optional(),
    },
    `a window like ${defaultWindow}`,
  ),
);

const moment = leaf(
  'a date or time',
  'a date like 2026-12-20, or a date and time like 2026-12-20 18:00 or 2026-12-20T18:00:00Z',
  (written) => (typeof written === 'string' && spanOf(written, 'UTC') !== undefined ? written : undefined),
);

const freezeKeys = { from: moment, to: moment, reason: words, author: words, zone: zone.optional() };

export const regionFreeze = block(freezeKeys);
export const fleetFreeze = block({ ...freezeKeys, region: name.optional() });
export type WrittenFreeze = z.output<typeof fleetFreeze>;

export const windows = withDefault([defaultWindow], list(window, `windows like ${defaultWindow}`, 1));

/**
 * A freeze as instants. Dates are those of `freeze.zone`, else of the region's own zone; a `to` that is a date is
 * frozen until its midnight. A time that a clock change skips or repeats is read so that the freeze is longer.
 */
export function freezeIn(freeze: Omit<WrittenFreeze, 'region'>, regionZone: string): Freeze {
  const { from, to, reason, author, zone: own = regionZone } = freeze;
  const first = spanOf(from, own);
  const last = spanOf(to, own);
  if (first === undefined || last === undefined) throw new RangeError(`a freeze from ${from} to ${to} cannot be read`);
  return { start: first.start, end: last.end, reason, author };
}

const weekSeparator = /\s*,\s*|\s+and\s+/;
const oneWeek = `(?:${weekNames.join('|')})`;
const weeksFirst = new RegExp(`^(?:(${oneWeek}(?:(?:${weekSeparator.source})${oneWeek})*)\\s+)?(.+)$`);

/** Reads what `describeWindow` writes; undefined when it is no window. */
export function parseWindow(written: string): Window | undefined {
  const [, daysWritten, fromWritten, toWritten] =
    /^(.+?)\s+(\d{2}:\d{2})\s*[-–]\s*(\d{2}:\d{2})$/.exec(written.trim()) ?? [];
  if (daysWritten === undefined || fromWritten === undefined || toWritten === undefined) return undefined;
  const [, weeksWritten, rest = ''] = weeksFirst.exec(daysWritten.toLowerCase()) ?? [];
  const days = daysOf(rest);
  const from = clockOf(fromWritten);
  const to = endClockOf(toWritten);
  if (days === undefined || from === undefined || to === undefined) return undefined;
  if (weeksWritten === undefined) return { days, from, to };
  const named = weeksWritten.split(weekSeparator).flatMap(weekOf);
  return new Set(named).size < named.length ? undefined : { days, from, to, weeks: named };
}

function weekOf(written: string): Week[] {
  return weeks.filter((_, index) => weekNames[index] === written);
}

function daysOf(written: string): Weekday[] | undefined {
  if (written === 'daily') return [...weekdays];
  const runs = written.split(/\s*,\s*/).map((run) => runOf(run.split(/\s*-\s*/)));
  return runs.includes(undefined) ? undefined : runs.flatMap((run) => run ?? []);
}

/** `fri-mon` goes over the end of the week. */
function runOf([first = '', last = first, ...rest]: string[]): Weekday[] | undefined {
  const order: readonly string[] = weekdays;
  const start = order.indexOf(first);
  const end = order.indexOf(last);
  if (start < 0 || end < 0 || rest.length > 0) return undefined;
  return start <= end ? weekdays.slice(start, end + 1) : [...weekdays.slice(start), ...weekdays.slice(0, end + 1)];
}

function clockOf(written: string): string | undefined {
  return /^([01]\d|2[0-3]):[0-5]\d$/.test(written) ? written : undefined;
}

/** Midnight at the end of a day may be written 24:00. As a start it would be that of the day before: 24 hours early. */
function endClockOf(written: string): string | undefined {
  return written === '24:00' ? '00:00' : clockOf(written);
}

/** The whole of a day, or the earliest and the latest instant that a date and time may mean. */
function spanOf(written: string, zoneName: string): Interval | undefined {
  if (!/^\d{4}-/.test(written)) return undefined;
  try {
    const read = (as: 'earlier' | 'later') => parseLocalTime(written, zoneName, 0, as);
    return parseLocalDate(written, zoneName) ?? { start: read('earlier'), end: read('later') };
  } catch {
    return undefined;
  }
}
