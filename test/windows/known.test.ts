import { describe, expect, it } from 'vitest';
import { nextOpening, openInterval } from '../../src/windows/index.ts';
import { dayAt, daysAfter, instantOf } from '../../src/windows/local.ts';
import { spanAt, spans, windowSpans } from '../../src/windows/spans.ts';
import type { Calendar, Window } from '../../src/windows/types.ts';
import { fc } from '../support/fast-check.ts';

const noon = Date.UTC(2026, 5, 2, 12);
const at = (from: string, to: string): Window[] => [{ days: ['tue'], from, to }];
const calendar = (windows: Window[], zone = 'UTC'): Calendar => ({ zone, windows, freezes: [] });

describe('what is remembered of windows', () => {
  it('is of these windows alone: others, or another zone, are asked for anew', () => {
    const open = (of: Calendar) => openInterval(of, noon)?.end;
    expect(open(calendar(at('11:00', '13:00')))).toBe(noon + 3_600_000);
    expect(open(calendar(at('11:00', '14:00')))).toBe(noon + 2 * 3_600_000);
    expect(open(calendar(at('11:00', '13:00'), 'Europe/Dublin'))).toBeUndefined();
    expect(open(calendar([{ days: ['wed'], from: '11:00', to: '13:00' }]))).toBeUndefined();
    expect(open(calendar([{ days: ['tue'], from: '11:00', to: '13:00', weeks: ['last'] }]))).toBeUndefined();
    expect(open(calendar(at('11:00', '13:00')))).toBe(noon + 3_600_000);
  });

  it('is never changed by a freeze, or by whoever got it', () => {
    const windows = at('11:00', '13:00');
    const freeze = { start: noon + 60_000, end: noon + 120_000, reason: 'audit', author: 'U1' };
    expect(openInterval({ zone: 'UTC', windows, freezes: [freeze] }, noon)?.end).toBe(freeze.start);
    const open = openInterval(calendar(windows), noon);
    expect(() => Object.assign(open ?? {}, { end: 0 })).toThrow(TypeError);
    expect(openInterval(calendar(structuredClone(windows)), noon)?.end).toBe(noon + 3_600_000);
  });
});

const someTime = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map((both) => both.map((part) => String(part).padStart(2, '0')).join(':'));
const someWindow = fc.record({
  days: fc.subarray(['mon', 'tue', 'sat'] as const, { minLength: 1 }),
  from: someTime,
  to: someTime,
});
const someInstant = fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2060, 0, 1) });

it('of spans in order the one that contains an instant is found, or none', () => {
  fc.assert(
    fc.property(fc.array(someWindow, { maxLength: 4 }), someInstant, (windows, now) => {
      const sorted = spans(calendar(windows), dayAt(now, 'UTC') - 3, 6);
      const found = sorted.find(({ start, end }) => start <= now && now < end);
      expect(spanAt(sorted, now)).toBe(found);
      const inAny = windowSpans(calendar(windows), dayAt(now, 'UTC') - 3, 6).some(
        ({ start, end }) => start <= now && now < end,
      );
      expect(found !== undefined).toBe(inAny);
    }),
    { numRuns: 500 },
  );
});

describe('UTC, which is counted', () => {
  // The same clock, looked up.
  const twin = 'Etc/GMT';

  it('is as Temporal has it', () => {
    fc.assert(
      fc.property(someInstant, fc.integer({ min: -400, max: 400 }), someTime, someWindow, (now, days, time, window) => {
        expect(dayAt(now, 'UTC')).toBe(dayAt(now, twin));
        expect(daysAfter(now, days, 'UTC')).toBe(daysAfter(now, days, twin));
        expect(instantOf(dayAt(now, twin), time, 'UTC')).toBe(instantOf(dayAt(now, twin), time, twin));
        expect(nextOpening(calendar([window]), now)).toEqual(nextOpening(calendar([window], twin), now));
      }),
      { numRuns: 300 },
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 0.5, 8.64e15 + 1])('refuses what is no instant: %s', (now) => {
    expect(() => dayAt(now, 'UTC')).toThrow(RangeError);
    expect(() => daysAfter(now, 1, 'UTC')).toThrow(RangeError);
  });

  it.each(['7:30', '25:00', '07:60', 'noon'])('refuses what is no time: %s', (time) => {
    expect(() => instantOf(20_000, time, 'UTC')).toThrow(RangeError);
  });
});
