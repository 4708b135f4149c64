import { describe, expect, it } from 'vitest';
import { freezeIn, parseWindow } from '../../src/config/calendars.ts';
import { complaints, shortest } from './settings.ts';

function frozen(from: string, to: string, regionZone: string, zone?: string): string {
  const { start, end } = freezeIn({ from, to, reason: 'sale', author: 'ana', zone }, regionZone);
  return `${new Date(start).toISOString().slice(0, 16)} ${new Date(end).toISOString().slice(0, 16)}`;
}

describe('a freeze', () => {
  it.each([
    ['2026-12-20', '2026-12-20', 'Asia/Kathmandu', '2026-12-19T18:15 2026-12-20T18:15'],
    ['2026-11-01', '2026-11-01', 'America/New_York', '2026-11-01T04:00 2026-11-02T05:00'],
    ['2024-04-25', '2024-04-25', 'Africa/Cairo', '2024-04-24T22:00 2024-04-25T22:00'],
    ['2024-04-26', '2024-04-26', 'Africa/Cairo', '2024-04-25T22:00 2024-04-26T21:00'],
    ['2011-12-29', '2011-12-30', 'Pacific/Apia', '2011-12-29T10:00 2011-12-30T10:00'],
    ['2026-12-20 18:00', '2026-12-21T06:30', 'Asia/Kolkata', '2026-12-20T12:30 2026-12-21T01:00'],
    ['2026-12-20T18:00:00Z', '2026-12-21T06:00+02:00', 'Asia/Kolkata', '2026-12-20T18:00 2026-12-21T04:00'],
  ])('from %s to %s in %s is %s', (from, to, zone, expected) => {
    expect(frozen(from, to, zone)).toBe(expected);
  });

  it('has the dates of its own zone, where it names one', () => {
    expect(frozen('2026-12-20', '2026-12-20', 'Asia/Kolkata', 'America/New_York')).toBe(
      '2026-12-20T05:00 2026-12-21T05:00',
    );
  });

  it.each([
    [
      'lasts until a repeated time has come twice',
      '2026-10-31',
      '2026-11-01 01:30',
      '2026-10-31T04:00 2026-11-01T06:30',
    ],
    ['begins when a repeated time comes first', '2026-11-01 01:30', '2026-11-01', '2026-11-01T05:30 2026-11-02T05:00'],
    ['begins before a time that is skipped', '2027-03-14 02:30', '2027-03-14', '2027-03-14T06:30 2027-03-15T04:00'],
    ['ends after a time that is skipped', '2027-03-14', '2027-03-14 02:30', '2027-03-14T05:00 2027-03-14T07:30'],
  ])('%s', (_, from, to, expected) => {
    expect(frozen(from, to, 'America/New_York')).toBe(expected);
  });

  it('may last for as long as dates are written with four digits', () => {
    expect(freezeIn({ from: '2026-12-20', to: '9999-12-31', reason: 'sale', author: 'ana' }, 'Etc/UTC').end).toBe(
      Date.UTC(10_000, 0, 1),
    );
    const freeze = '{ from: 2026-12-20, to: 9999-12-31, reason: sold, author: ana }';
    expect(complaints(`${shortest}freezes: [${freeze}]\n`)).toEqual([]);
  });

  it.each(['2026-02-30', '2026-02-30 02:00', '2026-12-20 25:00', '02:00', 'soon'])('is refused from %s', (from) => {
    expect(() => frozen(from, '2026-12-31', 'Etc/UTC')).toThrow(/cannot be read/);
  });
});

describe('24:00', () => {
  it('is the end of a day', () => {
    expect(parseWindow('Sat 22:00-24:00')).toEqual({ days: ['sat'], from: '22:00', to: '00:00' });
    expect(parseWindow('Sat 00:00-24:00')).toEqual({ days: ['sat'], from: '00:00', to: '00:00' });
  });

  it('is no start: it would be a day early', () => {
    expect(parseWindow('Sat 24:00-04:00')).toBeUndefined();
  });

  it.each([
    ['Sat 24:00-04:00', /regions\[0\]\.windows\[0\]: "Sat 24:00-04:00" is not accepted here; write a window/],
    ['{ days: [sat], from: "24:00", to: "04:00" }', /from: "24:00" is not a time of day/],
  ])('is refused as a start in %s', (written, expected) => {
    const lines = complaints(shortest.replace('    zone:', `    windows: [${written}]\n    zone:`));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(expected);
  });
});
