import { inSeconds } from '../../base/duration.ts';
import { type Exposition, readExposition, type Series } from './prometheus.ts';
import type { Judged, Limits, MetricsCheck, Selector } from './types.ts';
import { tame, unknown } from './words.ts';

/** What one sample says of one sum: each series by its labels, or why nobody knows. */
type Counted = { is: 'counted'; series: ReadonlyMap<string, number> } | { is: 'unknown'; why: string };

/** What one process of the service counted, at one moment of a monotonic clock (ms). */
export interface Sample {
  /** systemd's InvocationID: another one counts from zero again. */
  invocation: string;
  at: number;
  rate: Counted;
  /** null: nothing else is counted. */
  per: Counted | null;
}

/** Reads what a check needs from the text of Prometheus. */
export function sampleOf(check: MetricsCheck, text: string, at: number, invocation: string): Sample {
  const selectors = [...check.rate, ...(check.per ?? [])];
  try {
    const found = readExposition(text, new Set(selectors.map(({ name }) => name)));
    const per = check.per === null ? null : counted(found, check.per);
    return { invocation, at, rate: counted(found, check.rate), per };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const why: Counted = { is: 'unknown', why: error.message };
    return { invocation, at, rate: why, per: check.per === null ? null : why };
  }
}

/** Characters of all series of a sum: samples are remembered. */
const longest = 500_000;

/** Why nothing can be counted. */
class Uncounted extends Error {}

function counted(found: Exposition, selectors: readonly Selector[]): Counted {
  const series = new Map<string, number>();
  try {
    for (const selector of selectors) for (const [key, value] of chosen(found, selector)) series.set(key, value);
    const letters = [...series.keys()].reduce((sum, key) => sum + key.length, 0);
    if (letters > longest) throw new Uncounted('its labels are longer than anybody compares');
    return { is: 'counted', series };
  } catch (error) {
    if (!(error instanceof Uncounted)) throw error;
    return { is: 'unknown', why: error.message };
  }
}

/** A metric without a series has counted nothing yet, when it is declared; a label that no series has is a mistake. */
function chosen({ series, types }: Exposition, { name, labels }: Selector): [key: string, value: number][] {
  const family = series.get(name) ?? [];
  const type = types.get(name);
  if (family.length === 0 && type === undefined) throw new Uncounted(`there is no ${name}`);
  if (type === 'gauge') throw new Uncounted(`${name} is a gauge, which may fall`);
  const unheard = labels.find((label) => family.length > 0 && !family.some((each) => each.labels.has(label.name)));
  if (unheard !== undefined) throw new Uncounted(`no series of ${name} has the label ${unheard.name}`);
  const mine = family
    .filter((each) => fits(each, labels))
    .map(({ labels: of, value }) => [keyOf(name, of), value] as const);
  // Below zero it would outweigh what grew; and beyond what is exact one more makes no difference.
  const isCount = (value: number) => value >= 0 && value <= Number.MAX_SAFE_INTEGER;
  for (const [, value] of mine) if (!isCount(value)) throw new Uncounted(`${name} is ${value}`);
  if (new Set(mine.map(([key]) => key)).size < mine.length) throw new Uncounted(`a series of ${name} is told twice`);
  return mine.map(([key, value]) => [key, value]);
}

const fits = ({ labels }: Series, wanted: Selector['labels']): boolean =>
  wanted.every(({ name, is, value }) => ((labels.get(name) ?? '') === value) === (is === '='));

const keyOf = (name: string, labels: ReadonlyMap<string, string>): string =>
  JSON.stringify([name, ...[...labels].sort(([a], [b]) => (a < b ? -1 : 1))]);

/** What two samples of the same process say; a series that is new began at zero. */
export function judgeRate(check: MetricsCheck, first: Sample, second: Sample): Judged {
  if (first.invocation !== second.invocation || first.invocation === '')
    return unknown('the service was restarted between two samples');
  const ms = second.at - first.at;
  if (ms <= 0) return unknown('two samples of the same moment');
  const grown = growth(first.rate, second.rate);
  if (typeof grown === 'string') return unknown(tame(grown));
  const over = `over ${inSeconds(ms, ms < 10_000 ? 1 : 0)}`;
  if (check.per === null || first.per === null || second.per === null) {
    const each = (grown * 1_000) / ms;
    return counting(
      each,
      judgeLimits(each, check, (value) => `${digits(value)} per second`, over),
    );
  }
  const base = growth(first.per, second.per);
  if (typeof base === 'string') return unknown(tame(base));
  const names = check.per.map(({ written }) => written).join(', ');
  if (base === 0) return unknown(tame(`nothing was counted in ${names} ${over}`));
  return counting(
    grown / base,
    judgeLimits(grown / base, check, (value) => `${digits(value * 100)} %`, over),
  );
}

/**
 * How much was counted between two samples, and of what (seconds where nothing else is counted), for whoever compares nodes. null: nobody
 * can tell, as after a restart, when a counter falls.
 */
export function grownBetween(first: Sample, second: Sample): { grown: number; per: number } | null {
  const grown = growth(first.rate, second.rate);
  const per =
    first.per === null || second.per === null ? (second.at - first.at) / 1_000 : growth(first.per, second.per);
  return typeof grown === 'string' || typeof per === 'string' ? null : { grown, per };
}

const counting = (rate: number, judged: Judged): Judged => (judged.is === 'unknown' ? judged : { ...judged, rate });

/** How much was counted between; a sentence when nobody can tell. */
function growth(first: Counted, second: Counted): number | string {
  if (first.is === 'unknown') return first.why;
  if (second.is === 'unknown') return second.why;
  let sum = 0;
  for (const [key, before] of first.series) {
    const now = second.series.get(key);
    if (now === undefined) return 'a series is gone';
    if (now < before) return 'a counter went backwards';
    sum += now - before;
  }
  for (const [key, now] of second.series) if (!first.series.has(key)) sum += now;
  return sum;
}

const digits = (value: number): string => String(Number(value.toPrecision(3)));

/** @param words a number as people read it; `over` which time */
export function judgeLimits(
  value: number,
  { watch, bad }: Limits,
  words: (value: number) => string,
  over: string,
): Judged {
  if (!Number.isFinite(value)) return unknown('no number came out of it');
  const says = `${words(value)} ${over}`;
  if (bad !== null && value >= bad) return { is: 'bad', says: `${says}, bad from ${words(bad)}` };
  if (watch !== null && value >= watch) return { is: 'watch', says: `${says}, worth a look from ${words(watch)}` };
  return { is: 'good', says };
}
