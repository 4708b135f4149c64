import { describe, expect, it } from 'vitest';
import { openingsUntil } from '../../src/windows/index.ts';
import { at, calendarOf, shown } from './tables.ts';

const tuesdays = 'Tue 02:00-06:00';
const nights = ['2024-12-03T02:00 2024-12-03T06:00', '2024-12-10T02:00 2024-12-10T06:00'];

function openings(zone: string, windows: string, from: string, until: string, freezes: string[] = []): string[] {
  return openingsUntil(calendarOf(zone, windows, freezes), at(from), at(until)).map(shown);
}

describe('the openings of a span', () => {
  it.each<[string, string, string, string[]]>([
    ['all that lie in it', '2024-12-01T00:00', '2024-12-14T00:00', nights],
    ['one that begins with it', '2024-12-03T02:00', '2024-12-10T02:00', nights.slice(0, 1)],
    ['one that is open at its start, whole', '2024-12-03T05:59', '2024-12-10T02:00', nights.slice(0, 1)],
    ['not one that ends where it begins', '2024-12-03T06:00', '2024-12-10T02:00', []],
    ['one that ends after it, whole', '2024-12-03T06:00', '2024-12-10T02:01', nights.slice(1)],
    ['one that it lies in, whole', '2024-12-03T03:00', '2024-12-03T03:01', nights.slice(0, 1)],
    ['none when it is empty, even in a window', '2024-12-03T03:00', '2024-12-03T03:00', []],
    ['none when it is turned around', '2024-12-14T00:00', '2024-12-01T00:00', []],
  ])('are %s', (_, from, until, expected) => {
    expect(openings('Etc/UTC', tuesdays, from, until)).toEqual(expected);
  });

  it('follow the clock on the wall', () => {
    expect(openings('America/New_York', tuesdays, '2024-03-01T00:00', '2024-03-20T00:00')).toEqual([
      '2024-03-05T07:00 2024-03-05T11:00',
      '2024-03-12T06:00 2024-03-12T10:00',
      '2024-03-19T06:00 2024-03-19T10:00',
    ]);
  });

  it('are what freezes leave of them', () => {
    const freezes = ['2024-12-03T03:00/2024-12-03T04:00', '2024-12-10T02:00/2024-12-10T06:00'];
    expect(openings('Etc/UTC', tuesdays, '2024-12-01T00:00', '2024-12-18T00:00', freezes)).toEqual([
      '2024-12-03T02:00 2024-12-03T03:00',
      '2024-12-03T04:00 2024-12-03T06:00',
      '2024-12-17T02:00 2024-12-17T06:00',
    ]);
  });

  it('are in order, joined where windows touch', () => {
    const windows = 'Wed 03:00-04:00 + Tue 22:00-24:00 + Wed 00:00-02:00';
    expect(openings('Asia/Kathmandu', windows, '2024-12-01T00:00', '2024-12-05T00:00')).toEqual([
      '2024-12-03T16:15 2024-12-03T20:15',
      '2024-12-03T21:15 2024-12-03T22:15',
    ]);
  });

  it('are one, cut more than a fortnight outside, when nothing ever closes', () => {
    expect(openings('Etc/UTC', 'daily 00:00-24:00', '2024-12-01T12:00', '2024-12-20T12:00')).toEqual([
      '2024-11-15T00:00 2025-01-06T00:00',
    ]);
  });

  it('are those of the weeks that windows name', () => {
    const windows = '1st and last Tue 02:00-06:00 + 5th Sat 22:00-04:00';
    expect(openings('America/New_York', windows, '2024-02-20T00:00', '2024-04-03T00:00')).toEqual([
      '2024-02-27T07:00 2024-02-27T11:00',
      '2024-03-05T07:00 2024-03-05T11:00',
      '2024-03-26T06:00 2024-03-26T10:00',
      '2024-03-31T02:00 2024-03-31T08:00',
      '2024-04-02T06:00 2024-04-02T10:00',
    ]);
    expect(openings('Etc/UTC', '5th Tue 02:00-06:00', '2024-01-01T00:00', '2025-01-01T00:00')).toEqual([
      '2024-01-30T02:00 2024-01-30T06:00',
      '2024-04-30T02:00 2024-04-30T06:00',
      '2024-07-30T02:00 2024-07-30T06:00',
      '2024-10-29T02:00 2024-10-29T06:00',
      '2024-12-31T02:00 2024-12-31T06:00',
    ]);
  });

  it('are whole however long named weeks leave them open', () => {
    const windows = '1st, 2nd, 3rd and 4th daily 00:00-24:00';
    expect(openings('Etc/UTC', windows, '2023-02-20T00:00', '2023-02-21T00:00')).toEqual([
      '2023-02-01T00:00 2023-03-29T00:00',
    ]);
  });

  it('are none without windows', () => {
    expect(openingsUntil({ zone: 'Etc/UTC', windows: [], freezes: [] }, 0, 1)).toEqual([]);
  });

  it('are told for 400 days and no more', () => {
    const calendar = calendarOf('Etc/UTC', tuesdays);
    const from = at('2024-01-01T00:00');
    const span = 400 * 86_400_000;
    expect(openingsUntil(calendar, from, from + span)).toHaveLength(57);
    for (const until of [from + span + 1, Number.POSITIVE_INFINITY, Number.NaN]) {
      expect(() => openingsUntil(calendar, from, until)).toThrow(/at most 400 days/);
    }
  });
});
