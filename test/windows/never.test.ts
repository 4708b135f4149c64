import { describe, expect, it } from 'vitest';
import { nextOpening } from '../../src/windows/index.ts';
import { at, calendarOf } from './tables.ts';

function reason(zone: string, windows: string, after: string, freezes: string[] = []): string {
  const opening = nextOpening(calendarOf(zone, windows, freezes), at(after));
  return opening.is === 'never' ? opening.reason : 'it opens';
}

const closed = 'no window (Tue 02:00–06:00, Etc/UTC) opens within 14 days: frozen';

describe('why nothing opens', () => {
  it.each([
    [
      'one freeze over both weeks',
      'Tue 02:00-06:00',
      '2024-12-02T00:00',
      ['2024-12-01T00:00/2024-12-20T00:00'],
      `${closed} until Fri 20 Dec 00:00 (Etc/UTC) by ana (sale)`,
    ],
    [
      'a freeze a week, in order of time, not as written',
      'Tue 02:00-06:00',
      '2024-12-02T00:00',
      ['2024-12-10T00:00/2024-12-11T00:00 bo', '2024-12-03T00:00/2024-12-04T00:00'],
      `${closed} until Wed 4 Dec 00:00 (Etc/UTC) by ana (sale), then until Wed 11 Dec 00:00 (Etc/UTC) by bo (sale)`,
    ],
    [
      'a freeze that another one contains goes without saying',
      'Tue 02:00-06:00',
      '2024-12-02T00:00',
      [
        '2024-12-03T00:00/2024-12-04T00:00 bo',
        '2024-12-01T00:00/2024-12-20T00:00',
        '2024-12-03T03:00/2024-12-09T00:00 cy',
      ],
      `${closed} until Fri 20 Dec 00:00 (Etc/UTC) by ana (sale)`,
    ],
    [
      'of two that begin together the longer one is named',
      'Tue 02:00-06:00',
      '2024-12-02T00:00',
      ['2024-12-01T00:00/2024-12-17T00:00 bo', '2024-12-01T00:00/2024-12-20T00:00'],
      `${closed} until Fri 20 Dec 00:00 (Etc/UTC) by ana (sale)`,
    ],
    [
      'a freeze that meets no window is not to blame',
      'Tue 02:00-06:00',
      '2024-12-02T00:00',
      [
        '2024-12-03T00:00/2024-12-04T00:00',
        '2024-12-05T00:00/2024-12-06T00:00 bo',
        '2024-12-10T02:00/2024-12-10T06:00',
        '2024-12-10T06:00/2024-12-17T00:00 cy',
      ],
      `${closed} until Wed 4 Dec 00:00 (Etc/UTC) by ana (sale), then until Tue 10 Dec 06:00 (Etc/UTC) by ana (sale)`,
    ],
    [
      'nor is one that is over',
      'Tue 02:00-06:00',
      '2024-12-03T12:00',
      ['2024-12-03T00:00/2024-12-03T12:00 bo', '2024-12-10T00:00/2024-12-20T00:00'],
      `${closed} until Fri 20 Dec 00:00 (Etc/UTC) by ana (sale)`,
    ],
    [
      'a freeze that ends in another year says which, when it is far',
      'Tue 02:00-06:00',
      '2024-12-02T00:00',
      ['2024-12-01T00:00/2025-12-02T00:00'],
      `${closed} until Tue 2 Dec 2025 00:00 (Etc/UTC) by ana (sale)`,
    ],
    [
      'what is open now is not said to be closed',
      'Tue 02:00-06:00',
      '2024-12-03T02:00',
      ['2024-12-03T05:00/2024-12-20T00:00'],
      'no other window (Tue 02:00–06:00, Etc/UTC) opens within 14 days: frozen until Fri 20 Dec 00:00 (Etc/UTC) by ana (sale)',
    ],
    [
      'what never closes, until a freeze begins, does not open again before it ends',
      'daily 00:00-24:00',
      '2024-12-02T00:00',
      ['2024-12-10T00:00/2025-02-01T00:00'],
      'no other window (daily 00:00–00:00, Etc/UTC) opens within 14 days: frozen until Sat 1 Feb 00:00 (Etc/UTC) by ana (sale)',
    ],
    [
      'what never closes cannot open',
      'daily 00:00-24:00',
      '2024-12-02T12:00',
      [],
      'the window (daily 00:00–00:00) is open all the time, so no other one opens',
    ],
    [
      'several windows that never close together',
      'Mon-Fri 06:00-06:00 + Sat 06:00-18:00 + Sat 18:00-06:00 + Sun 06:00-06:00',
      '2024-12-02T12:00',
      [],
      'the window (Mon-Fri 06:00–06:00, Sat 06:00–18:00, Sat 18:00–06:00, Sun 06:00–06:00) is open all the time, so no other one opens',
    ],
    [
      'what is frozen for good',
      'daily 00:00-24:00',
      '2024-12-02T12:00',
      ['2024-01-01T00:00/2035-01-01T00:00'],
      'no window (daily 00:00–00:00, Etc/UTC) opens within 14 days: frozen until Mon 1 Jan 2035 00:00 (Etc/UTC) by ana (sale)',
    ],
    [
      'what names weeks is looked for farther, and so are the freezes that take it away',
      '5th Tue 02:00-06:00',
      '2024-12-02T00:00',
      [
        '2024-12-31T00:00/2025-01-01T00:00',
        '2025-02-01T00:00/2025-03-01T00:00',
        '2025-04-01T00:00/2025-08-01T00:00 bo',
      ],
      'no window (5th Tue 02:00–06:00, Etc/UTC) opens within 210 days: ' +
        'frozen until Wed 1 Jan 00:00 (Etc/UTC) by ana (sale), then until Fri 1 Aug 00:00 (Etc/UTC) by bo (sale)',
    ],
    [
      'a freeze of other weeks is not to blame, of one weekly window and one that names weeks',
      'Tue 02:00-06:00 + last Sat 02:00-06:00',
      '2024-12-02T00:00',
      ['2024-12-01T00:00/2025-07-15T00:00', '2025-07-19T00:00/2025-07-20T00:00 bo'],
      'no window (Tue 02:00–06:00, last Sat 02:00–06:00, Etc/UTC) opens within 210 days: ' +
        'frozen until Tue 15 Jul 00:00 (Etc/UTC) by ana (sale)',
    ],
    [
      'weeks that leave no day out are open all the time',
      '1st, 2nd, 3rd, 4th and last Mon-Sun 00:00-24:00',
      '2024-12-02T12:00',
      [],
      'the window (1st, 2nd, 3rd, 4th and last Mon-Sun 00:00–00:00) is open all the time, so no other one opens',
    ],
  ])('%s', (_, windows, after, freezes, expected) => {
    expect(reason('Etc/UTC', windows, after, freezes)).toBe(expected);
  });

  it('tells times in the zone of the region', () => {
    expect(
      reason('Asia/Kolkata', 'Tue-Thu 02:00-06:00', '2024-12-02T00:00', ['2024-12-01T00:00/2024-12-20T18:30']),
    ).toBe(
      'no window (Tue-Thu 02:00–06:00, Asia/Kolkata) opens within 14 days: ' +
        'frozen until Sat 21 Dec 00:00 (Asia/Kolkata) by ana (sale)',
    );
  });

  it('says that no window is configured, or that those there are name no day or week', () => {
    const calendar = { zone: 'Etc/UTC', windows: [], freezes: [] };
    expect(nextOpening(calendar, 0)).toEqual({ is: 'never', reason: 'no maintenance window is configured' });
    const windows = [{ days: [], from: '02:00', to: '06:00' }];
    expect(nextOpening({ ...calendar, windows }, 0)).toEqual({
      is: 'never',
      reason: 'no window (no day 02:00–06:00, Etc/UTC) opens within 14 days',
    });
    const weeks = [{ days: ['tue' as const], from: '02:00', to: '06:00', weeks: [] }];
    expect(nextOpening({ ...calendar, windows: weeks }, 0)).toEqual({
      is: 'never',
      reason: 'no window (no week of Tue 02:00–06:00, Etc/UTC) opens within 210 days',
    });
  });
});
