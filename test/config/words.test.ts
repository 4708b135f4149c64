import { describe, expect, it } from 'vitest';
import { parseWindow } from '../../src/config/calendars.ts';
import { formatDuration, parseDuration } from '../../src/config/durations.ts';
import { describeWindow } from '../../src/windows/index.ts';
import { type Week, weekdays, weeks } from '../../src/windows/types.ts';
import { fc } from '../support/fast-check.ts';

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
    ['0s', 0],
    ['30', undefined],
    ['1.5h', undefined],
    ['1h30m', undefined],
    ['-5s', undefined],
    ['5 s', undefined],
    ['5S', undefined],
    ['', undefined],
    ['9999999999s', undefined],
  ])('%j is %s ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
      { seed: 7 },
    );
  });

  it.each([
    [0, '0ms'],
    [1_500, '1500ms'],
    [90_000, '90s'],
    [3_600_000, '1h'],
    [172_800_000, '2d'],
  ])('of %s ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('a window', () => {
  it.each([
    ['Tue-Thu 02:00-06:00', ['tue', 'wed', 'thu'], '02:00', '06:00'],
    ['sat 22:00 - 24:00', ['sat'], '22:00', '00:00'],
    ['Mon, Wed 01:30-02:00', ['mon', 'wed'], '01:30', '02:00'],
    ['fri-mon 00:00-04:00', ['fri', 'sat', 'sun', 'mon'], '00:00', '04:00'],
    ['daily 01:00-03:00', [...weekdays], '01:00', '03:00'],
  ])('%s is understood', (text, days, from, to) => {
    expect(parseWindow(text)).toEqual({ days, from, to });
  });

  it.each<[string, Week[]]>([
    ['1st Tue 02:00-06:00', [1]],
    ['Last Tue 02:00-06:00', ['last']],
    ['1st and 3rd tue 02:00-06:00', [1, 3]],
    ['last, 2nd Tue 02:00-06:00', ['last', 2]],
    ['2nd, 4th and 5th Tue 02:00-06:00', [2, 4, 5]],
  ])('%s is understood', (text, named) => {
    expect(parseWindow(text)).toEqual({ days: ['tue'], from: '02:00', to: '06:00', weeks: named });
  });

  it.each([
    '',
    'Tue',
    '02:00-06:00',
    '1st 02:00-06:00',
    '1 Tue 02:00-06:00',
    '6th Tue 02:00-06:00',
    '2th Tue 02:00-06:00',
    '1st, Tue 02:00-06:00',
    '1st3rd Tue 02:00-06:00',
    '1st and 1st Tue 02:00-06:00',
    'Tue last 02:00-06:00',
    'Tue 2:00-6:00',
    'Tue 02:00',
    'Tue 02:00-25:00',
    'Tues 02:00-06:00',
    'Tue-Wed-Thu 02:00-06:00',
    'Tue, 02:00-06:00',
  ])('%j is not', (text) => {
    expect(parseWindow(text)).toBeUndefined();
  });

  it('is read back as it is described', () => {
    const clock = fc.constantFrom('00:00', '02:00', '13:45', '23:59');
    const window = fc.record(
      {
        days: fc.subarray([...weekdays], { minLength: 1 }),
        from: clock,
        to: clock,
        weeks: fc.subarray([...weeks], { minLength: 1 }),
      },
      { requiredKeys: ['days', 'from', 'to'] },
    );
    fc.assert(
      fc.property(window, (each) => {
        expect(parseWindow(describeWindow(each))).toEqual(each);
      }),
      { seed: 7 },
    );
  });
});
