import { describe, expect, it } from 'vitest';
import { parseLocalDate, parseLocalTime } from '../../src/windows/index.ts';

const now = Date.parse('2026-11-23T12:00:00Z');

describe('a time that a person writes', () => {
  it.each([
    ['2026-11-24T07:00:00Z', 'America/New_York', '2026-11-24T07:00:00.000Z'],
    ['2026-11-24T07:00Z', 'Asia/Kolkata', '2026-11-24T07:00:00.000Z'],
    ['2026-11-24t07:00:00.250z', 'Asia/Kolkata', '2026-11-24T07:00:00.250Z'],
    ['2026-11-24T02:00:00+05:30', 'UTC', '2026-11-23T20:30:00.000Z'],
    ['2026-11-24T02:00-0500', 'UTC', '2026-11-24T07:00:00.000Z'],
    ['2026-11-24 02:00', 'America/New_York', '2026-11-24T07:00:00.000Z'],
    ['2026-11-24T02:00', 'Asia/Kolkata', '2026-11-23T20:30:00.000Z'],
    [' 2026-11-24 02:00:30 ', 'UTC', '2026-11-24T02:00:30.000Z'],
    ['02:00', 'America/New_York', '2026-11-24T07:00:00.000Z'],
    ['07:01', 'America/New_York', '2026-11-23T12:01:00.000Z'],
    ['07:00', 'America/New_York', '2026-11-24T12:00:00.000Z'],
    ['2027-03-14 02:30', 'America/New_York', '2027-03-14T07:30:00.000Z'],
  ])('"%s" in %s is %s', (text, zone, expected) => {
    expect(new Date(parseLocalTime(text, zone, now)).toISOString()).toBe(expected);
  });

  it.each([
    '',
    'tomorrow',
    '2am',
    '2:00',
    '25:00',
    '02:60',
    '2026-02-30 02:00',
    '2026-11-24',
    '24.11.2026 02:00',
    '1700000000',
  ])('"%s" is refused with what is accepted', (text) => {
    expect(() => parseLocalTime(text, 'Europe/Dublin', now)).toThrow(
      new RangeError(
        `"${text}" is not a time: write 02:00, 2026-11-24 02:00 (both in Europe/Dublin) or 2026-11-24T07:00:00Z`,
      ),
    );
  });

  it('is refused for another reason when the zone is unknown', () => {
    expect(() => parseLocalTime('02:00', 'Europe/Dubln', now)).toThrow(/Dubln/i);
  });
});

describe('a time that comes twice, or not at all', () => {
  it.each([
    ['01:30', 'America/New_York', '2026-11-01T05:00:00Z', '2026-11-01T05:30:00.000Z'],
    ['01:30', 'America/New_York', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00.000Z'],
    ['01:30', 'America/New_York', '2026-11-01T06:30:00Z', '2026-11-02T06:30:00.000Z'],
    ['02:30', 'America/New_York', '2027-03-14T06:00:00Z', '2027-03-14T07:30:00.000Z'],
    ['02:30', 'America/New_York', '2027-03-14T07:30:00Z', '2027-03-15T06:30:00.000Z'],
    ['00:00', 'America/St_Johns', '2010-11-07T03:00:00Z', '2010-11-07T03:30:00.000Z'],
    ['12:00', 'Pacific/Apia', '2011-12-29T23:00:00Z', '2011-12-30T22:00:00.000Z'],
  ])('%s in %s after %s is %s', (text, zone, after, expected) => {
    expect(new Date(parseLocalTime(text, zone, Date.parse(after))).toISOString()).toBe(expected);
  });

  it.each([
    ['2026-11-01 01:30', 'compatible', '2026-11-01T05:30:00.000Z'],
    ['2026-11-01 01:30', 'earlier', '2026-11-01T05:30:00.000Z'],
    ['2026-11-01 01:30', 'later', '2026-11-01T06:30:00.000Z'],
    ['2027-03-14 02:30', 'compatible', '2027-03-14T07:30:00.000Z'],
    ['2027-03-14 02:30', 'earlier', '2027-03-14T06:30:00.000Z'],
    ['2027-03-14 02:30', 'later', '2027-03-14T07:30:00.000Z'],
    ['2026-07-01 02:30', 'earlier', '2026-07-01T06:30:00.000Z'],
  ] as const)('"%s" in New York, the %s reading, is %s', (text, reading, expected) => {
    expect(new Date(parseLocalTime(text, 'America/New_York', now, reading)).toISOString()).toBe(expected);
  });
});

describe('a date that a person writes', () => {
  const span = (text: string, zone: string) => {
    const day = parseLocalDate(text, zone);
    return day && `${new Date(day.start).toISOString().slice(0, 16)} ${new Date(day.end).toISOString().slice(0, 16)}`;
  };

  it.each([
    ['2026-11-24', 'Asia/Kathmandu', '2026-11-23T18:15 2026-11-24T18:15'],
    ['2026-11-01', 'America/New_York', '2026-11-01T04:00 2026-11-02T05:00'],
    ['2024-04-26', 'Africa/Cairo', '2024-04-25T22:00 2024-04-26T21:00'],
    ['2024-11-03', 'America/Havana', '2024-11-03T04:00 2024-11-04T05:00'],
    ['2011-12-30', 'Pacific/Apia', '2011-12-30T10:00 2011-12-30T10:00'],
    ['2024-02-29', 'Etc/UTC', '2024-02-29T00:00 2024-03-01T00:00'],
  ])('%s in %s is %s', (text, zone, expected) => {
    expect(span(text, zone)).toBe(expected);
  });

  it.each(['', '2026-11-24 02:00', '24.11.2026', '02:00'])('"%s" is none', (text) => {
    expect(span(text, 'Etc/UTC')).toBeUndefined();
  });

  it('is refused when no calendar has it, or the zone is unknown', () => {
    expect(() => span('2026-02-30', 'Etc/UTC')).toThrow(RangeError);
    expect(() => span('2026-02-28', 'Europe/Dubln')).toThrow(RangeError);
  });
});
