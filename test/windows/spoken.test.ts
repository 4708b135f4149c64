import { expect, it } from 'vitest';
import { parseSpokenTime } from '../../src/windows/index.ts';

/** Monday, 12:00 UTC: 07:00 in New York, 12:00 in Dublin, 17:30 in Kolkata. */
const now = Date.parse('2026-11-23T12:00:00Z');
const zones = ['America/New_York', 'Europe/Dublin', 'Asia/Kolkata'];

it.each([
  ['tomorrow 03:00', '2026-11-24T08:00:00.000Z'],
  ['Tomorrow at 03:00', '2026-11-24T08:00:00.000Z'],
  ['today 23:30', '2026-11-24T04:30:00.000Z'],
  ['tue 02:00', '2026-11-24T07:00:00.000Z'],
  ['Wednesday 03:00', '2026-11-25T08:00:00.000Z'],
  ['wed 03:00 Dublin', '2026-11-25T03:00:00.000Z'],
  ['wed 03:00 new york', '2026-11-25T08:00:00.000Z'],
  ['wed 03:00 New_York', '2026-11-25T08:00:00.000Z'],
  ['wed 03:00 Asia/Kolkata', '2026-11-24T21:30:00.000Z'],
  ['wed 03:00 UTC', '2026-11-25T03:00:00.000Z'],
  ['tomorrow 03:00 Kolkata', '2026-11-23T21:30:00.000Z'],
  ['tomorrow 03:00 Australia/Lord_Howe', '2026-11-23T16:00:00.000Z'],
  // The same weekday: today while it is still to come, else a week later.
  ['mon 08:00', '2026-11-23T13:00:00.000Z'],
  ['mon 07:00', '2026-11-30T12:00:00.000Z'],
  ['03:00 Dublin', '2026-11-24T03:00:00.000Z'],
  ['2026-11-26 03:00 Kolkata', '2026-11-25T21:30:00.000Z'],
  ['2026-11-24T07:00:00Z', '2026-11-24T07:00:00.000Z'],
  ['02:00', '2026-11-24T07:00:00.000Z'],
  // Over a clock change: local days, not 24 hours.
  ['2027-03-14 02:30', '2027-03-14T07:30:00.000Z'],
])('"%s" is %s', (text, expected) => {
  expect(new Date(parseSpokenTime(text, zones, now)).toISOString()).toBe(expected);
});

it('tomorrow is the next local day also when a clock change makes today longer', () => {
  const evening = Date.parse('2026-11-01T05:30:00Z');
  expect(new Date(parseSpokenTime('tomorrow 00:30', zones, evening)).toISOString()).toBe('2026-11-02T05:30:00.000Z');
});

it('is the second one of a time that happens twice, where the first has passed', () => {
  const between = Date.parse('2026-11-01T05:45:00Z');
  expect(new Date(parseSpokenTime('sun 01:30', zones, between)).toISOString()).toBe('2026-11-01T06:30:00.000Z');
});

it.each([
  ['tomorrow', /is not a time/],
  ['tomorrow 25:00', /is not a time/],
  ['wed 3pm', /is not a time/],
  ['wed 03:00 Atlantis', /Atlantis is no place that is known here: write one of New York, Dublin, Kolkata, or a zone/],
  ['wed 03:00 Europe/Dubln', /is no place that is known here/],
  ['someday 03:00', /is not a time/],
  ['monkey 03:00', /is not a time/],
  ['sunset 03:00', /is not a time/],
  ['todays 03:00', /is not a time/],
  ['frisbee at 03:00', /is not a time/],
  ['2026-11-26T03:00:00+05:30 Dublin', /names two places/],
])('"%s" is refused with what is accepted', (text, reason) => {
  expect(() => parseSpokenTime(text, zones, now)).toThrow(reason);
});
