import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hour, minute } from '../../src/base/duration.ts';
import { nightAt } from '../../src/windows/index.ts';

const at = (text: string) => Date.parse(text);

describe('a night', () => {
  it.each([
    ['2026-11-30T08:30:00Z', '03:30', 'America/New_York', '2026-11-30', '2026-11-30T08:30:00Z'],
    ['2026-11-30T08:29:59Z', '03:30', 'America/New_York', '2026-11-29', '2026-11-29T08:30:00Z'],
    ['2026-11-29T22:00:00Z', '03:30', 'Asia/Kolkata', '2026-11-30', '2026-11-29T22:00:00Z'],
    // The clock goes from 01:00 to 02:00 in Dublin: 01:30 is 02:30 then.
    ['2026-03-29T12:00:00Z', '01:30', 'Europe/Dublin', '2026-03-29', '2026-03-29T01:30:00Z'],
    // It shows 01:30 twice, and the first counts, also while it is shown again.
    ['2026-10-25T01:10:00Z', '01:30', 'Europe/Dublin', '2026-10-25', '2026-10-25T00:30:00Z'],
  ])('at %s, begun at %s in %s, is that of %s', (now, time, zone, name, begins) => {
    expect(nightAt(at(now), time, zone)).toEqual({ name, begins: at(begins) });
  });

  it('has begun, is the last one, and there is one of each date', () => {
    const zones = fc.constantFrom(
      'America/New_York',
      'Europe/Dublin',
      'Asia/Kolkata',
      'Etc/UTC',
      'Australia/Lord_Howe',
    );
    const times = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map((parts) => parts.map((each) => String(each).padStart(2, '0')).join(':'));
    const from = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') });
    fc.assert(
      fc.property(zones, times, from, (zone, time, now) => {
        const nights = Array.from({ length: 73 }, (_, hours) => now + hours * hour).map((each) => {
          const night = nightAt(each, time, zone);
          expect(night.begins).toBeLessThanOrEqual(each);
          expect(each - night.begins).toBeLessThan(25 * hour + minute);
          return night;
        });
        const begins = new Map(nights.map((night) => [night.name, night.begins]));
        for (const night of nights) expect(night.begins).toBe(begins.get(night.name));
        expect(begins.size).toBeGreaterThanOrEqual(3);
      }),
      { numRuns: 40 },
    );
  });
});
