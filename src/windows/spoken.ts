import { dayAt, instantOf, type Reading, weekdayOf } from './local.ts';
import { parseLocalTime } from './parse.ts';
import { type Weekday, weekdays } from './types.ts';

const spoken =
  /^(today|tomorrow|mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?|r)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)\s+(?:at\s+)?(\d{2}:\d{2})$/i;
/** Ends with how far its clock is from UTC: it means one instant everywhere. */
const withOffset = /:\d{2}\S*[+-]\d{2}:?\d{2}$/;

/**
 * Reads what a person says of a time to come, as epoch ms: all that `parseLocalTime` does, and `tomorrow 03:00`, `wed 03:00`
 * (the next one after `now`), each also with a place behind it: a zone (`Europe/Dublin`, `UTC`), or its city.
 * @param zones whose cities are known; the first one is meant where no place is named
 * @throws RangeError saying what is accepted
 */
export function parseSpokenTime(text: string, zones: readonly string[], now: number, reading?: Reading): number {
  const { words, zone } = placed(text.trim(), zones);
  const [, day = '', time = ''] = spoken.exec(words) ?? [];
  if (time === '' || !/^([01]\d|2[0-3]):[0-5]\d$/.test(time)) return parseLocalTime(words, zone, now, reading);
  return onDay(day.toLowerCase(), time, zone, now, reading);
}

function onDay(name: string, time: string, zone: string, now: number, reading?: Reading): number {
  const today = dayAt(now, zone);
  if (name === 'today' || name === 'tomorrow')
    return instantOf(name === 'today' ? today : today + 1, time, zone, reading);
  const wanted = name.slice(0, 3) as Weekday;
  const days = Array.from({ length: weekdays.length + 1 }, (_, ahead) => today + ahead);
  const instants = days
    .filter((each) => weekdayOf(each) === wanted)
    // Of a time that happens twice, the second one may be next.
    .flatMap((each) => [instantOf(each, time, zone, reading), instantOf(each, time, zone, reading ?? 'later')]);
  return Math.min(...instants.filter((each) => each > now));
}

/** `wed 03:00 New York` without its place, and the zone that it means. */
function placed(text: string, zones: readonly string[]): { words: string; zone: string } {
  const own = zones[0] ?? 'UTC';
  const [, words = '', place = ''] = /^(.*\d)\s+([a-z][a-z_/ -]*)$/i.exec(text) ?? [];
  if (place === '') return { words: text, zone: own };
  if (withOffset.test(words))
    throw new RangeError(`"${text}" names two places: write its offset, or ${place}, not both`);
  const zone = zoneOf(place, zones);
  if (zone === null) {
    const cities = [...new Set(zones.map(cityOf))].join(', ');
    throw new RangeError(
      `${place} is no place that is known here: write one of ${cities}, or a zone like Europe/Dublin`,
    );
  }
  return { words, zone };
}

function zoneOf(place: string, zones: readonly string[]): string | null {
  const same = (name: string) => name.toLowerCase() === place.toLowerCase().replaceAll('_', ' ');
  const known = zones.find((zone) => same(cityOf(zone)) || same(zone.replaceAll('_', ' ')));
  if (known !== undefined) return known;
  const isZone = place.includes('/') || /^utc$/i.test(place);
  if (!isZone) return null;
  try {
    dayAt(0, place);
    return place;
  } catch {
    return null;
  }
}

/** `New York` of `America/New_York`. */
const cityOf = (zone: string): string => (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ');
