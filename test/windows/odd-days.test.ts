import { describe, expect, it } from 'vitest';
import { openInterval } from '../../src/windows/index.ts';
import { at, calendarOf, table } from './tables.ts';

describe('a clock change at midnight', () => {
  table('begins Friday at one in Cairo', 'Africa/Cairo', 'Fri 00:00-04:00', [
    ['2024-04-25T21:59', 'opens 2024-04-25T22:00 2024-04-26T01:00'],
    ['2024-04-25T22:00', 'open 2024-04-25T22:00 2024-04-26T01:00'],
    ['2024-04-26T01:00', 'opens 2024-05-02T21:00 2024-05-03T01:00'],
  ]);

  table('leaves nothing of that hour in Cairo', 'Africa/Cairo', 'Fri 00:00-01:00', [
    ['2024-04-25T22:00', 'opens 2024-05-02T21:00 2024-05-02T22:00'],
    ['2024-04-18T23:00', 'opens 2024-05-02T21:00 2024-05-02T22:00'],
  ]);

  table('does not move the end of Thursday in Cairo', 'Africa/Cairo', 'Thu 20:00-24:00', [
    ['2024-04-25T21:59', 'open 2024-04-25T18:00 2024-04-25T22:00'],
    ['2024-04-25T22:00', 'opens 2024-05-02T17:00 2024-05-02T21:00'],
  ]);

  table('repeats the last hour of Thursday in Cairo', 'Africa/Cairo', 'Thu 23:00-24:00', [
    ['2024-10-31T19:59', 'opens 2024-10-31T20:00 2024-10-31T22:00'],
    ['2024-10-31T21:30', 'open 2024-10-31T20:00 2024-10-31T22:00'],
    ['2024-10-31T22:00', 'opens 2024-11-07T21:00 2024-11-07T22:00'],
  ]);

  table('begins Sunday at one in Beirut', 'Asia/Beirut', 'Sat 23:00-01:30', [
    ['2024-03-30T20:59', 'opens 2024-03-30T21:00 2024-03-30T22:30'],
    ['2024-03-30T22:29', 'open 2024-03-30T21:00 2024-03-30T22:30'],
    ['2024-03-30T22:30', 'opens 2024-04-06T20:00 2024-04-06T22:30'],
  ]);

  table('repeats the last hour of Saturday in Beirut', 'Asia/Beirut', 'Sat 23:15-00:15', [
    ['2024-10-26T20:14', 'opens 2024-10-26T20:15 2024-10-26T22:15'],
    ['2024-10-26T22:14', 'open 2024-10-26T20:15 2024-10-26T22:15'],
    ['2024-10-26T22:15', 'opens 2024-11-02T21:15 2024-11-02T22:15'],
  ]);

  table('begins Sunday at one in São Paulo', 'America/Sao_Paulo', 'Sun 00:30-02:00', [
    ['2018-11-04T03:29', 'opens 2018-11-04T03:30 2018-11-04T04:00'],
    ['2018-11-04T03:30', 'open 2018-11-04T03:30 2018-11-04T04:00'],
    ['2018-11-04T04:00', 'opens 2018-11-11T02:30 2018-11-11T04:00'],
  ]);

  table('gives Saturday 25 hours in São Paulo', 'America/Sao_Paulo', 'Sat 00:00-24:00', [
    ['2018-02-17T01:59', 'opens 2018-02-17T02:00 2018-02-18T03:00'],
    ['2018-02-18T02:59', 'open 2018-02-17T02:00 2018-02-18T03:00'],
    ['2018-02-18T03:00', 'opens 2018-02-24T03:00 2018-02-25T03:00'],
  ]);

  table('repeats the first hour of Sunday in Havana', 'America/Havana', 'Sun 00:00-00:30', [
    ['2024-11-03T03:59', 'opens 2024-11-03T04:00 2024-11-03T04:30'],
    ['2024-11-03T04:29', 'open 2024-11-03T04:00 2024-11-03T04:30'],
    ['2024-11-03T05:15', 'opens 2024-11-10T05:00 2024-11-10T05:30'],
  ]);

  table('moves a start on Saturday to Sunday in Nuuk', 'America/Nuuk', 'Sat 23:00-04:00', [
    ['2024-03-31T00:59', 'opens 2024-03-31T01:00 2024-03-31T05:00'],
    ['2024-03-31T01:00', 'open 2024-03-31T01:00 2024-03-31T05:00'],
    ['2024-03-31T05:00', 'opens 2024-04-07T00:00 2024-04-07T05:00'],
  ]);

  table('goes back from Sunday to Saturday in Nuuk', 'America/Nuuk', 'Sat 23:30-00:30', [
    ['2024-10-27T00:29', 'opens 2024-10-27T00:30 2024-10-27T02:30'],
    ['2024-10-27T02:29', 'open 2024-10-27T00:30 2024-10-27T02:30'],
    ['2024-10-27T02:30', 'opens 2024-11-03T01:30 2024-11-03T02:30'],
  ]);

  table('takes half an hour from Friday in Pyongyang', 'Asia/Pyongyang', 'Fri 23:00-24:00 + Sat 00:00-01:00', [
    ['2018-05-04T14:29', 'opens 2018-05-04T14:30 2018-05-04T16:00'],
    ['2018-05-04T15:00', 'open 2018-05-04T14:30 2018-05-04T16:00'],
    ['2018-05-04T16:00', 'opens 2018-05-11T14:00 2018-05-11T16:00'],
  ]);
});

describe('a clock change a minute after midnight', () => {
  table('shows Saturday again after Sunday has begun', 'America/St_Johns', 'Sun 00:00-04:00', [
    ['2010-11-07T02:29', 'opens 2010-11-07T02:30 2010-11-07T07:30'],
    ['2010-11-07T02:30', 'open 2010-11-07T02:30 2010-11-07T07:30'],
    ['2010-11-07T03:00', 'open 2010-11-07T02:30 2010-11-07T07:30'],
    ['2010-11-07T07:29', 'open 2010-11-07T02:30 2010-11-07T07:30'],
    ['2010-11-07T07:30', 'opens 2010-11-14T03:30 2010-11-14T07:30'],
  ]);

  table('shows the end of a window twice and means the first', 'America/St_Johns', 'Sat 22:00-23:30', [
    ['2010-11-07T00:29', 'opens 2010-11-07T00:30 2010-11-07T02:00'],
    ['2010-11-07T01:59', 'open 2010-11-07T00:30 2010-11-07T02:00'],
    ['2010-11-07T02:45', 'opens 2010-11-14T01:30 2010-11-14T03:00'],
  ]);

  table('leaves one minute of a window', 'America/St_Johns', 'Sun 00:00-01:01', [
    ['2011-03-13T03:29', 'opens 2011-03-13T03:30 2011-03-13T03:31'],
    ['2011-03-13T03:30', 'open 2011-03-13T03:30 2011-03-13T03:31'],
    ['2011-03-13T03:31', 'opens 2011-03-20T02:30 2011-03-20T03:31'],
  ]);
});

describe('a day that was skipped', () => {
  table('has no window', 'Pacific/Apia', 'Fri 02:00-06:00', [
    ['2011-12-23T16:00', 'opens 2012-01-05T12:00 2012-01-05T16:00'],
    ['2011-12-30T10:00', 'opens 2012-01-05T12:00 2012-01-05T16:00'],
    ['2011-12-30T13:00', 'opens 2012-01-05T12:00 2012-01-05T16:00'],
  ]);

  table('has no whole day either', 'Pacific/Apia', 'Fri 00:00-24:00', [
    ['2011-12-30T09:59', 'opens 2012-01-05T10:00 2012-01-06T10:00'],
    ['2011-12-30T10:00', 'opens 2012-01-05T10:00 2012-01-06T10:00'],
  ]);

  table('takes no time from a window over it', 'Pacific/Apia', 'Thu 22:00-02:00', [
    ['2011-12-30T07:59', 'opens 2011-12-30T08:00 2011-12-30T12:00'],
    ['2011-12-30T09:59', 'open 2011-12-30T08:00 2011-12-30T12:00'],
    ['2011-12-30T11:59', 'open 2011-12-30T08:00 2011-12-30T12:00'],
    ['2011-12-30T12:00', 'opens 2012-01-05T08:00 2012-01-05T12:00'],
  ]);

  table('makes Thursday and Saturday touch', 'Pacific/Apia', 'Thu 20:00-24:00 + Sat 00:00-03:00', [
    ['2011-12-30T05:59', 'opens 2011-12-30T06:00 2011-12-30T13:00'],
    ['2011-12-30T10:00', 'open 2011-12-30T06:00 2011-12-30T13:00'],
    ['2011-12-30T13:00', 'opens 2012-01-05T06:00 2012-01-05T10:00'],
  ]);

  table('leaves the window of the next day alone', 'Pacific/Apia', 'Sat 02:00-06:00', [
    ['2011-12-30T11:59', 'opens 2011-12-30T12:00 2011-12-30T16:00'],
    ['2011-12-30T15:59', 'open 2011-12-30T12:00 2011-12-30T16:00'],
    ['2011-12-30T16:00', 'opens 2012-01-06T12:00 2012-01-06T16:00'],
  ]);

  it.each(['2011-12-30T09:59', '2011-12-30T10:00', '2012-01-13T09:59'])(
    'brings the cut of what never closes no nearer than two weeks: %s',
    (now) => {
      const open = openInterval(calendarOf('Pacific/Apia', 'daily 03:00-03:00'), at(now));
      expect(open?.start).toBeLessThanOrEqual(at(now) - 14 * 86_400_000);
      expect(open?.end).toBeGreaterThanOrEqual(at(now) + 14 * 86_400_000);
    },
  );
});

table('a leap day', 'Etc/UTC', 'Thu 23:00-01:00', [
  ['2024-02-29T22:59', 'opens 2024-02-29T23:00 2024-03-01T01:00'],
  ['2024-03-01T00:59', 'open 2024-02-29T23:00 2024-03-01T01:00'],
]);

table('the last night of a year', 'Asia/Kathmandu', 'Tue 22:00-04:00', [
  ['2024-12-31T16:14', 'opens 2024-12-31T16:15 2024-12-31T22:15'],
  ['2024-12-31T22:14', 'open 2024-12-31T16:15 2024-12-31T22:15'],
  ['2024-12-31T22:15', 'opens 2025-01-07T16:15 2025-01-07T22:15'],
]);
