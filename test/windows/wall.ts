/** What the clock on the wall shows at every minute of a span, by Intl.DateTimeFormat; times are minutes since 1970. */
export interface Wall {
  /** The first minute (UTC) of the span, and how many there are. */
  first: number;
  count: number;
  /** The wall's minute at each of them. */
  shows: Int32Array;
  /** The dates that it shows, as days since 1970. */
  dates: number[];
  /** The wall's minute -> the minute (UTC) it means: the first that shows it, or as far into a gap as it is written. */
  means: (shown: number) => number;
}

const day = 24 * 60;
const stride = 6 * 60;
const walls = new Map<string, Wall>();

/** From `first` (minutes since 1970) on, `count` a whole number of days; kept, since many questions fall into the same span. */
export function wallOf(zone: string, first: number, count: number): Wall {
  const key = `${zone} ${first} ${count}`;
  const made = walls.get(key) ?? makeWall(zone, first, count);
  walls.set(key, made);
  return made;
}

function makeWall(zone: string, first: number, count: number): Wall {
  const shows = read(zone, first, count);
  const lowest = Math.min(shows[0] ?? 0, shows.at(-1) ?? 0) - 2 * day;
  const meanings = new Int32Array(count + 4 * day).fill(-1);
  let before = shows[0] ?? 0;
  for (const [index, shown] of shows.entries()) {
    for (let skipped = before + 1; skipped < shown; skipped++) {
      meanings[skipped - lowest] = first + index - 1 + skipped - before;
    }
    if (meanings[shown - lowest] === -1) meanings[shown - lowest] = first + index;
    before = shown;
  }
  return { first, count, shows, dates: datesOf(shows), means: (shown) => meanings[shown - lowest] ?? -1 };
}

/** No date is shown for less than half an hour. */
function datesOf(shows: Int32Array): number[] {
  const dates = new Set<number>();
  for (let minute = 0; minute < shows.length; minute += 30) dates.add(Math.floor((shows[minute] ?? 0) / day));
  return [...dates];
}

/** Intl is asked every six hours, and for every minute of six hours in which the clock was changed. */
function read(zone: string, first: number, count: number): Int32Array {
  const clock = clockOf(zone);
  const shows = new Int32Array(count);
  for (let start = 0, shown = clock(first); start < count; start += stride) {
    const later = clock(first + start + stride);
    const steady = later === shown + stride;
    for (let minute = 0; minute < stride; minute++) {
      shows[start + minute] = steady ? shown + minute : clock(first + start + minute);
    }
    shown = later;
  }
  return shows;
}

function clockOf(zone: string): (minute: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (minute) => {
    const part = Object.fromEntries(
      format.formatToParts(minute * 60_000).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 0, day: date = 0, hour = 0, minute: minutes = 0 } = part;
    return Date.UTC(year, month - 1, date, hour, minutes) / 60_000;
  };
}
