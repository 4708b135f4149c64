import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { colours } from '../../../src/upgrade/report/colours.ts';
import { packOf, picture } from '../../../src/upgrade/report/index.ts';
import { framesOf } from '../../../src/upgrade/report/lines.ts';
import { scaleOf } from '../../../src/upgrade/report/scale.ts';
import { spansOf } from '../../../src/upgrade/report/spans.ts';
import { asked, plan } from '../../../src/upgrade/rollout/index.ts';
import { fc } from '../../support/fast-check.ts';
import { journalOf } from '../../support/journal.ts';
import { fleetOf, hours, inputOf, minutes, oneRegion, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';
import { badNight, goodNight, journalIn } from './nights.ts';

const names = { U0ROSA: 'rosa', U0INES: 'ines' };
const attributes = (svg: string, name: string): string[] =>
  [...svg.matchAll(new RegExp(`<rect class="zw-${name}"[^>]*>(?:<title>([^<]*)</title>)?`, 'g'))].map(
    ([, title = '']) => title,
  );

describe('the picture of a night', () => {
  const bad = packOf(journalIn(badNight()));

  it('is the same for the same journal', async () => {
    const file = resolve(import.meta.dirname, '../../golden/report/bad-night.svg');
    await expect(picture(bad, names)).toMatchFileSnapshot(file);
  });

  it('has each node from the first line of the journal to the last, with what it was at', () => {
    const frames = [...framesOf(journalIn(badNight()))];
    const spans = spansOf(frames)['us-east-op-2'] ?? [];
    expect(spans.map(({ kind }) => kind)).toEqual([
      ...[
        'staging',
        'waiting',
        'preparing',
        'restarting',
        'proving',
        'preparing',
        'going back',
        'soaking',
        'preparing',
        'back',
      ],
      ...['staging', 'waiting', 'preparing', 'restarting', 'soaking', 'preparing', 'done'],
      ...['going back', 'soaking', 'preparing', 'back'],
    ]);
    expect(spans[0]?.from).toBe(frames[0]?.line.at);
    expect(spans.at(-1)?.to).toBe(frames.at(-1)?.line.at);
  });

  it('splits a proof where its soak began', () => {
    const reports = badNight().events.map((event) =>
      event.type === 'reported' && event.step === 'verify' ? { ...event, at: event.at + 45_000 } : event,
    );
    const { planned } = badNight();
    const spans = spansOf([...framesOf(journalOf(planned, reports.slice(0, 27)))])['us-east-op-1'] ?? [];
    const told = spans.flatMap(({ kind, from, to }) =>
      kind === 'proving' || kind === 'soaking' ? [`${kind} ${to - from}`] : [],
    );
    expect(told).toEqual(['proving 16100', 'soaking 30000']);
  });

  it('shows windows only while they are open, and who was asked', () => {
    const fleet = fleetOf({ bake: 0 }, { windows: 'guide' });
    const planned = plan(inputOf(fleet, { strategy: 'regions' }));
    const until = (rollout: typeof planned) => asked(rollout).length > 0;
    const { events } = drive(planned, worldOf(planned), { from: tuesday, until });
    const svg = picture(packOf(journalOf(planned, events)));
    // New York from 02:00, Dublin never, Kolkata neither: it is 07:30 there, and 13:00.
    expect(attributes(svg, 'open').filter((title) => title !== '')).toEqual(['window of us-east open']);
    expect(attributes(svg, 'asked').filter((title) => title !== '')).toEqual(['eu-west asked for: asked']);
  });

  it('tells each thing by its shape and in words, and not by its colour alone', () => {
    const svg = picture(packOf(journalIn(goodNight())));
    for (const word of [
      'staging',
      'waiting',
      'restarting',
      'proving',
      'soaking',
      'going back',
      'done, proven',
      'failed, or needs a person',
    ])
      expect(svg, word).toContain(`>${word}</text>`);
    expect(attributes(svg, 'restarting').filter((title) => title !== '')).toHaveLength(9);
  });

  it('always has the name of a node in sight, on a phone too', () => {
    const places = [...picture(bad).matchAll(/<text class="zw-soft" x="([\d.]+)" y="([\d.]+)">us-east-op-1</g)].map(
      ([, x]) => Number(x),
    );
    const gaps = places.map((x, at) => x - (places[at - 1] ?? 0));
    // A name of 120 px fits into what is left.
    expect(Math.max(...gaps)).toBeLessThan(375 - 120);
    expect(places.length).toBeGreaterThan(2);
  });

  it('draws a thousand nodes as those that went wrong, and how many more there are', () => {
    const planned = plan(inputOf(oneRegion(1_000, { bake: 0 }), {}));
    const svg = picture(packOf(journalOf(planned, [])));
    expect(svg).toContain('and 960 more, which went as planned');
    expect(svg.length).toBeLessThan(200_000);
  });

  it('lets nothing that a host or a person said become more than text', () => {
    const { planned, events } = badNight();
    const evil = '</text><script>alert("1")</script>\u202e';
    const said = events.map((event) => (event.type === 'declined' ? { ...event, reason: evil } : event));
    const svg = picture(packOf(journalOf({ ...planned, fleet: `<b>${evil}` }, said)), { U0ROSA: evil });
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('\u202e');
    expect(svg).toContain('&lt;script&gt;alert(&quot;1&quot;)');
  });
});

describe('its scale', () => {
  it('keeps the order of instants, and is never wider than can be scrolled', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: hours(24 * 30) }), { minLength: 1, maxLength: 300 }),
        fc.nat(hours(30)),
        (marks, busy) => {
          const scale = scaleOf(marks, busy);
          const sorted = marks.toSorted((a, b) => a - b);
          const places = sorted.map((at) => scale.x(at));
          expect(places).toEqual(places.toSorted((a, b) => a - b));
          expect(scale.width).toBeLessThan(8_001);
          expect(places.at(-1)).toBeCloseTo(scale.width, 3);
        },
      ),
    );
  });

  it('cuts short a stretch in which nothing changes, and says so', () => {
    const scale = scaleOf([0, minutes(1), hours(40), hours(40) + minutes(1)], minutes(20));
    expect(scale.cuts).toEqual([{ from: minutes(1), to: hours(40) }]);
    expect(scale.x(hours(40)) - scale.x(minutes(1))).toBe(90);
  });
});

describe('its colours', () => {
  const luminance = (hex: string): number => {
    const parts = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
    const [r = 0, g = 0, b = 0] = parts.map((part) =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one: string, other: string): number => {
    const [light = 1, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  it.each(['light', 'dark'] as const)('can be told from the paper when it is %s', (which) => {
    const at = which === 'light' ? 0 : 1;
    for (const [name, both] of Object.entries(colours)) {
      if (name === 'paper') continue;
      const least = name === 'ink' || name === 'soft' ? 4.5 : 3;
      expect(contrast(both[at], colours.paper[at]), `${name} ${which}`).toBeGreaterThan(least);
    }
  });
});
