import { describe, expect, it } from 'vitest';
import { type Exposition, readExposition } from '../../../src/upgrade/checks/prometheus.ts';
import { judgeLimits, judgeRate, sampleOf } from '../../../src/upgrade/checks/rate.ts';
import { Samples } from '../../../src/upgrade/checks/samples.ts';
import { selectorIn } from '../../../src/upgrade/checks/selector.ts';
import type { MetricsCheck } from '../../../src/upgrade/checks/types.ts';
import { fc } from '../../support/fast-check.ts';

/** As prom-client writes it: HELP, TYPE, series, a blank line between metrics. */
const written = String.raw`# HELP http_requests_total Requests, "all" of them \\ and more
# TYPE http_requests_total counter
http_requests_total{method="get",code="200"} 1027
http_requests_total{method="post",code="500",path="/a\"b\\c\nd",} 3

# HELP errors_total Nothing counted yet
# TYPE errors_total counter

# TYPE process_cpu_seconds gauge
process_cpu_seconds 1.5e-3
odd NaN
above +Inf
below -Inf 1395066363000
# TYPE latency_seconds histogram
latency_seconds_bucket{le="0.1"} 24
latency_seconds_bucket{le="+Inf"} 30 # {trace_id="a b"} 0.67 1.6
latency_seconds_sum 5.25
latency_seconds_count 30
# EOF
`;

const read = (text: string, ...names: string[]): Exposition => readExposition(text, new Set(names));
const values = (text: string, name: string) =>
  read(text, name)
    .series.get(name)
    ?.map(({ value }) => value);

describe('the text of Prometheus', () => {
  it('is read with labels, escapes, timestamps and exemplars', () => {
    const [first, second] = read(written, 'http_requests_total').series.get('http_requests_total') ?? [];
    expect(Object.fromEntries(first?.labels ?? [])).toEqual({ method: 'get', code: '200' });
    expect(second?.labels.get('path')).toBe('/a"b\\c\nd');
    expect(values(written, 'latency_seconds_bucket')).toEqual([24, 30]);
    expect(values(written, 'latency_seconds_sum')).toEqual([5.25]);
    expect(values(written, 'process_cpu_seconds')).toEqual([0.0015]);
  });

  it.each([
    ['odd', Number.NaN],
    ['above', Number.POSITIVE_INFINITY],
    ['below', Number.NEGATIVE_INFINITY],
  ])('has %s as %d', (name, value) => {
    expect(values(written, name)).toEqual([value]);
  });

  it('tells of what is declared and has no series', () => {
    const found = read(written, 'errors_total', 'http_requests');
    expect([found.series.size, [...found.types]]).toEqual([0, [['errors_total', 'counter']]]);
    expect([...read('# TYPE jobs counter\n', 'jobs_total').types]).toEqual([['jobs_total', 'counter']]);
  });

  it.each([
    'm',
    'm ',
    'm x',
    'm 0x10',
    'm 1_000',
    'm{a="1" 2',
    'm{a="1"',
    'm{a=1} 2',
    'm{="1"} 2',
    'm{a="1",a="2"} 2',
    'm{a="1"b="2"} 2',
    'm{a="\\',
    'm-x 1',
  ])('is none where a wanted line is %j', (line) => {
    expect(() => read(`n 1\n${line}\n`, 'm')).toThrow(SyntaxError);
    expect(values(`n 1\n${line}\n`, 'n')).toEqual([1]);
  });

  const label = fc.stringMatching(/^[a-z_][a-z0-9_]{0,6}$/);
  const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  it('comes back as it was written, whatever the labels hold', () => {
    const series = fc.record({
      labels: fc.dictionary(label, fc.string(), { maxKeys: 4 }),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }),
    });
    fc.assert(
      fc.property(fc.array(series, { maxLength: 20 }), (all) => {
        const lines = all.map(({ labels, value }) => {
          const of = Object.entries(labels).map(([name, each]) => `${name}="${escaped(each)}"`);
          return `m${of.length === 0 ? '' : `{${of.join(',')}}`} ${value}`;
        });
        const found = read(`# TYPE m counter\n${lines.join('\n')}\n`, 'm').series.get('m') ?? [];
        expect(found.map((each) => ({ labels: Object.fromEntries(each.labels), value: each.value + 0 }))).toEqual(
          all.map(({ labels, value }) => ({ labels: { ...labels }, value: value + 0 })),
        );
      }),
    );
  });

  it('may be anything: it is read or refused, and nothing else', () => {
    const piece = fc.constantFrom(
      'm',
      '{',
      '}',
      '"',
      '\\',
      '\n',
      ' ',
      '=',
      ',',
      '1',
      '# TYPE m gauge',
      'NaN',
      '\0',
      'é',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), (pieces) => {
        try {
          read(pieces.join(''), 'm');
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });

  it.each(['m{a="', 'm{a="1",', 'm 1\n', '\\', 'm{', '# TYPE m ', ' '])(
    'holds nobody up with megabytes of %j',
    (piece) => {
      const text = piece.repeat(Math.ceil(4_000_000 / piece.length));
      const from = process.cpuUsage();
      for (const all of [text, `m${text}`, `m{a="${text}`]) {
        try {
          read(all, 'm');
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }
      expect(process.cpuUsage(from).user / 1_000).toBeLessThan(2_500);
    },
  );
});

describe('a selector', () => {
  it('names a metric and what its labels are', () => {
    expect(selectorIn('errors_total{code="500",method!="GET"}')).toEqual({
      written: 'errors_total{code="500",method!="GET"}',
      name: 'errors_total',
      labels: [
        { name: 'code', is: '=', value: '500' },
        { name: 'method', is: '!=', value: 'GET' },
      ],
    });
    expect(selectorIn('up')).toMatchObject({ name: 'up', labels: [] });
  });
  it.each(['', '1m', 'a b', 'a{}', 'a{b}', 'a{b="c"', 'a{b=~"c"}', 'a{b="c" }', 'rate(a)', `a${'b'.repeat(300)}`])(
    'is not %j',
    (text) => expect(selectorIn(text)).toBeNull(),
  );
});

const select = (...all: string[]) =>
  all.map((text) => {
    const found = selectorIn(text);
    if (found === null) throw new Error(text);
    return found;
  });
const check = (more: Partial<MetricsCheck> = {}): MetricsCheck => ({
  kind: 'metrics',
  name: 'errors',
  at: ['watch'],
  absent: 'bad',
  onBad: 'hold',
  within: 5_000,
  urls: {},
  rate: select('errors_total'),
  per: select('requests_total'),
  over: 60_000,
  watch: 0.01,
  bad: 0.05,
  ...more,
});

/** What a minute between two texts says. */
function minute(first: string, second: string, more: Partial<MetricsCheck> = {}, [a, b] = ['i1', 'i1']) {
  const of = check(more);
  return judgeRate(of, sampleOf(of, first, 1_000, a ?? ''), sampleOf(of, second, 61_000, b ?? ''));
}
const text = (errors: string | number, requests: string | number) =>
  `errors_total ${errors}\nrequests_total ${requests}\n`;

describe('the samples that are kept', () => {
  const counted = { is: 'counted', series: new Map() } as const;
  const sample = (at: number, invocation = 'i1') => ({ invocation, at, rate: counted, per: null });

  it('are few, however often somebody looks, and one of about the age of the rate is among them', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 200, max: 20_000 }), fc.integer({ min: 200, max: 3_600_000 })),
        fc.array(fc.double({ min: 0.05, max: 0.4, noNaN: true }), { minLength: 1, maxLength: 40, size: 'max' }),
        (over, parts) => {
          const samples = new Samples();
          const of = { name: 'errors', over };
          let at = 0;
          for (const part of [0, ...parts]) {
            at += part * over;
            const partner = samples.partner(of, 'n', sample(at));
            if (at >= 2 * over) expect(partner).not.toBeNull();
            if (partner !== null) {
              expect(at - partner.at).toBeGreaterThanOrEqual(over / 2);
              expect(at - partner.at).toBeLessThanOrEqual(1.5 * over);
            }
            samples.keep(of, 'n', sample(at));
            expect(samples.of('n', 'errors').length).toBeLessThanOrEqual(8);
          }
        },
      ),
    );
  });

  it('are of one process, one node and one check', () => {
    const samples = new Samples();
    samples.keep({ name: 'errors', over: 1_000 }, 'n', sample(0));
    expect(samples.partner({ name: 'errors', over: 1_000 }, 'n', sample(1_000))).toEqual(sample(0));
    expect(samples.partner({ name: 'errors', over: 1_000 }, 'n', sample(1_000, 'i2'))).toBeNull();
    expect(samples.partner({ name: 'errors', over: 1_000 }, 'o', sample(1_000))).toBeNull();
    expect(samples.partner({ name: 'other', over: 1_000 }, 'n', sample(1_000))).toBeNull();
    samples.keep({ name: 'errors', over: 1_000 }, 'n', sample(1_000, 'i2'));
    expect(samples.of('n', 'errors')).toEqual([sample(1_000, 'i2')]);
  });
});

describe('a rate', () => {
  it.each([
    ['good', 0, '0 % over 60 s'],
    ['watch', 1, '1 % over 60 s, worth a look from 1 %'],
    ['watch', 4, '4 % over 60 s, worth a look from 1 %'],
    ['bad', 5, '5 % over 60 s, bad from 5 %'],
    ['bad', 100, '100 % over 60 s, bad from 5 %'],
  ])('is %s where %i of a hundred fail', (is, errors, says) => {
    expect(minute(text(7, 50), text(7 + errors, 150))).toEqual({ is, says, rate: errors / 100 });
  });

  it('is each second where nothing else is counted', () => {
    expect(minute(text(0, 0), text(6, 0), { per: null, bad: 0.1, watch: null })).toEqual({
      is: 'bad',
      says: '0.1 per second over 60 s, bad from 0.1 per second',
      rate: 0.1,
    });
  });

  it('sums series, and one that is new began at zero', () => {
    const first = 'errors_total{code="500"} 2\nrequests_total 0\n';
    const second = 'errors_total{code="500"} 3\nerrors_total{code="503"} 9\nrequests_total 1000\n';
    expect(minute(first, second)).toMatchObject({ is: 'watch', says: expect.stringMatching(/^1 %/) });
    const only = { rate: select('errors_total{code="500"}') };
    expect(minute(first, second, only)).toMatchObject({ is: 'good', says: '0.1 % over 60 s' });
    const both = { rate: select('errors_total{code="500"}', 'errors_total{code="503"}', 'errors_total') };
    expect(minute(first, second, both)).toMatchObject({ says: expect.stringMatching(/^1 %/) });
  });

  it('of a counter that is declared and has no series yet is zero', () => {
    const none = '# TYPE errors_total counter\n';
    const found = minute(`${none}requests_total 0`, `${none}requests_total 9`);
    expect(found).toEqual({ is: 'good', says: '0 % over 60 s', rate: 0 });
  });

  it.each([
    ['a counter that fell', text(9, 10), text(1, 20), 'a counter went backwards'],
    ['a series that is gone', 'errors_total{a="1"} 1\nrequests_total 1', text(2, 2), 'a series is gone'],
    ['a NaN', text('NaN', 1), text(1, 2), 'errors_total is NaN'],
    ['an infinity', text(1, 1), text(1, '+Inf'), 'requests_total is Infinity'],
    ['a series that begins below zero', text(1, 1), `${text(9, 9)}errors_total{a="1"} -8\n`, 'errors_total is -8'],
    ['a number to which one more adds nothing', text(1, 1), text('1e17', 9), 'errors_total is 100000000000000000'],
    [
      'labels without an end',
      text(1, 1),
      `${Array.from({ length: 600 }, (_, at) => `errors_total{a="${'x'.repeat(900)}${at}"} 1\n`).join('')}requests_total 2`,
      'its labels are longer than anybody compares',
    ],
    ['nothing counted', text(1, 5), text(1, 5), 'nothing was counted in requests_total over 60 s'],
    ['errors without requests', text(1, 5), text(2, 5), 'nothing was counted in requests_total over 60 s'],
    ['no such metric', 'requests_total 1', 'requests_total 2', 'there is no errors_total'],
    ['no text', '', '', 'there is no errors_total'],
    ['a line that is none', text('x', 1), text(1, 2), 'a line of errors_total cannot be read'],
    ['a series told twice', text(1, 1), `${text(1, 2)}errors_total 3\n`, 'a series of errors_total is told twice'],
    ['a gauge', `# TYPE errors_total gauge\n${text(1, 1)}`, text(1, 2), 'errors_total is a gauge, which may fall'],
  ])('is unknown with %s', (_, first, second, says) => {
    expect(minute(first, second)).toEqual({ is: 'unknown', says });
  });

  it('is unknown where a label of the settings is on no series: a typing mistake would count nothing for ever', () => {
    const rate = select('errors_total{cdoe="500"}');
    const of = 'errors_total{code="500"} 1\nrequests_total 1';
    expect(minute(of, of, { rate })).toEqual({
      is: 'unknown',
      says: 'no series of errors_total has the label cdoe',
    });
  });

  it.each<[[string, string]]>([[['i1', 'i2']], [['', '']]])('is unknown over two processes %j', (invocations) => {
    const says = 'the service was restarted between two samples';
    expect(minute(text(1, 1), text(2, 100), {}, invocations)).toEqual({ is: 'unknown', says });
  });

  it('is never good or bad of what is no number', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect(judgeLimits(value, { watch: 1, bad: 2 }, String, '')).toMatchObject({ is: 'unknown' });
  });

  it('says the same of two counters, however they are parted into series', () => {
    const counts = fc.array(fc.tuple(fc.nat(1_000), fc.nat(1_000)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 10_000 }), (parts, requests) => {
        const of = (total: (part: [number, number]) => number) =>
          parts.map((part, at) => `errors_total{n="${at}"} ${total(part)}`).join('\n');
        const sum = parts.reduce((all, [, grown]) => all + grown, 0);
        const parted = minute(
          `${of(([start]) => start)}\nrequests_total 0`,
          `${of(([start, grown]) => start + grown)}\nrequests_total ${requests}`,
        );
        expect(parted).toEqual(minute(text(0, 0), text(sum, requests)));
      }),
    );
  });
});
