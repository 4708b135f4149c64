import { describe } from 'vitest';
import { table } from './tables.ts';

describe('a freeze', () => {
  table(
    'ends the window in which it begins, and lets it go on at its end',
    'Europe/Dublin',
    'Tue-Thu 02:00-06:00',
    [
      ['2024-12-03T01:59', 'opens 2024-12-03T02:00 2024-12-03T02:30'],
      ['2024-12-03T02:29', 'open 2024-12-03T02:00 2024-12-03T02:30'],
      ['2024-12-03T02:30', 'opens 2024-12-03T04:00 2024-12-03T06:00'],
      ['2024-12-03T03:59', 'opens 2024-12-03T04:00 2024-12-03T06:00'],
      ['2024-12-03T04:00', 'open 2024-12-03T04:00 2024-12-03T06:00'],
      ['2024-12-03T06:00', 'opens 2024-12-04T02:00 2024-12-04T06:00'],
    ],
    ['2024-12-03T02:30/2024-12-03T04:00'],
  );

  table(
    'that begins where the window ends takes nothing from it',
    'America/New_York',
    'Tue-Thu 02:00-06:00',
    [
      ['2024-12-03T06:59', 'opens 2024-12-03T07:00 2024-12-03T11:00'],
      ['2024-12-03T10:59', 'open 2024-12-03T07:00 2024-12-03T11:00'],
      ['2024-12-03T11:00', 'opens 2024-12-04T07:00 2024-12-04T11:00'],
    ],
    ['2024-12-03T11:00/2024-12-04T07:00'],
  );

  table(
    'that ends where the window begins takes nothing from it',
    'Asia/Kolkata',
    'Tue-Thu 02:00-06:00',
    [
      ['2024-12-02T20:29', 'opens 2024-12-02T20:30 2024-12-03T00:30'],
      ['2024-12-02T20:30', 'open 2024-12-02T20:30 2024-12-03T00:30'],
    ],
    ['2024-12-01T00:00/2024-12-02T20:30'],
  );

  table(
    'of exactly one window takes it and no more',
    'Etc/UTC',
    'Tue-Thu 02:00-06:00',
    [
      ['2024-12-03T00:00', 'opens 2024-12-04T02:00 2024-12-04T06:00'],
      ['2024-12-03T02:00', 'opens 2024-12-04T02:00 2024-12-04T06:00'],
      ['2024-12-04T06:00', 'opens 2024-12-05T02:00 2024-12-05T06:00'],
    ],
    ['2024-12-03T02:00/2024-12-03T06:00'],
  );

  table(
    'that leaves the last minute of a window leaves it open for a minute',
    'Pacific/Apia',
    'Tue-Thu 02:00-06:00',
    [
      ['2024-12-02T13:00', 'opens 2024-12-02T16:59 2024-12-02T17:00'],
      ['2024-12-02T16:59', 'open 2024-12-02T16:59 2024-12-02T17:00'],
    ],
    ['2024-12-02T13:00/2024-12-02T16:59'],
  );

  table(
    'that lasts no time, or less, takes nothing',
    'Etc/UTC',
    'Tue-Thu 02:00-06:00',
    [['2024-12-03T03:00', 'open 2024-12-03T02:00 2024-12-03T06:00']],
    ['2024-12-03T03:00/2024-12-03T03:00', '2024-12-03T05:00/2024-12-03T02:30'],
  );

  table(
    'cuts windows that were joined before, not each by itself',
    'Africa/Cairo',
    'Sat 22:00-24:00 + Sun 00:00-04:00',
    [
      ['2024-06-08T20:00', 'open 2024-06-08T19:00 2024-06-08T20:30'],
      ['2024-06-08T21:00', 'opens 2024-06-08T21:30 2024-06-09T01:00'],
      ['2024-06-08T21:30', 'open 2024-06-08T21:30 2024-06-09T01:00'],
    ],
    ['2024-06-08T20:30/2024-06-08T21:30'],
  );

  table(
    'of the repeated hour closes only that hour',
    'America/New_York',
    'Sun 00:00-04:00',
    [
      ['2024-11-03T05:59', 'open 2024-11-03T04:00 2024-11-03T06:00'],
      ['2024-11-03T06:00', 'opens 2024-11-03T07:00 2024-11-03T09:00'],
      ['2024-11-03T07:00', 'open 2024-11-03T07:00 2024-11-03T09:00'],
    ],
    ['2024-11-03T06:00/2024-11-03T07:00'],
  );
});

describe('several freezes', () => {
  table(
    'that touch or overlap are one',
    'Europe/Dublin',
    'Tue-Thu 02:00-06:00',
    [
      ['2024-12-03T03:00', 'opens 2024-12-03T05:00 2024-12-03T06:00'],
      ['2024-12-03T03:30', 'opens 2024-12-03T05:00 2024-12-03T06:00'],
    ],
    ['2024-12-03T02:00/2024-12-03T03:30', '2024-12-03T03:30/2024-12-03T04:00', '2024-12-03T03:45/2024-12-03T05:00'],
  );

  table(
    'leave what is between them',
    'Europe/Dublin',
    'Tue-Thu 02:00-06:00',
    [
      ['2024-12-03T02:30', 'opens 2024-12-03T03:00 2024-12-03T03:15'],
      ['2024-12-03T03:14', 'open 2024-12-03T03:00 2024-12-03T03:15'],
      ['2024-12-03T03:15', 'opens 2024-12-05T02:00 2024-12-05T06:00'],
    ],
    ['2024-12-03T02:00/2024-12-03T03:00', '2024-12-03T03:15/2024-12-04T12:00'],
  );
});

describe('14 days', () => {
  table(
    'is as far as an opening may be',
    'Etc/UTC',
    'Tue 02:00-06:00',
    [
      ['2024-12-03T01:59', 'never'],
      ['2024-12-03T02:00', 'opens 2024-12-17T02:00 2024-12-17T06:00'],
      ['2024-12-03T06:00', 'opens 2024-12-17T02:00 2024-12-17T06:00'],
      ['2024-12-02T02:00', 'never'],
    ],
    ['2024-12-03T00:00/2024-12-16T00:00'],
  );

  table(
    'is a time on the wall, not hours, across a gap',
    'America/New_York',
    'Tue 02:00-06:00',
    [
      ['2024-03-05T06:59', 'never'],
      ['2024-03-05T07:00', 'opens 2024-03-19T06:00 2024-03-19T10:00'],
    ],
    ['2024-03-05T00:00/2024-03-14T00:00'],
  );

  table(
    'is a time on the wall, not hours, across an overlap',
    'America/New_York',
    'Tue 02:00-06:00',
    [
      ['2024-10-29T05:59', 'never'],
      ['2024-10-29T06:00', 'opens 2024-11-12T07:00 2024-11-12T11:00'],
    ],
    ['2024-10-29T00:00/2024-11-07T00:00'],
  );

  table(
    'counts to where a freeze lets the window go on',
    'Asia/Kathmandu',
    'Tue 02:00-06:00',
    [
      ['2024-12-02T22:14', 'never'],
      ['2024-12-02T22:15', 'opens 2024-12-16T22:15 2024-12-17T00:15'],
    ],
    ['2024-12-01T00:00/2024-12-16T22:15'],
  );
});

describe('what opens 14 local days later is still told', () => {
  table(
    'when they are 337 hours, at the last instant',
    'America/New_York',
    'Tue 02:00-06:00',
    [
      ['2024-10-29T06:00', 'opens 2024-11-12T07:00 2024-11-12T11:00'],
      ['2024-10-29T05:59', 'never'],
    ],
    ['2024-10-29T05:00/2024-11-05T12:00'],
  );

  table(
    'when they are 335 hours, and an instant earlier nothing is',
    'America/New_York',
    'Tue 02:00-06:00',
    [
      ['2024-03-05T07:00', 'opens 2024-03-19T06:00 2024-03-19T10:00'],
      ['2024-03-05T06:59', 'never'],
    ],
    ['2024-03-05T06:00/2024-03-12T12:00'],
  );
});
