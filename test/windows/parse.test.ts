import { describe, expect, it } from 'vitest';
import { parseLocalTime } from '../../src/windows/index.ts';

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
