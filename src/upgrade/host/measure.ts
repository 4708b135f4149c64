import type { Clock } from '../../base/clock.ts';
import { grownBetween, type MetricsCheck, type Sample, sampleOf } from '../checks/index.ts';
import type { Compare, Growth, Measure } from '../comparison/types.ts';
import type { Fetch } from '../http/types.ts';
import { metricsLimit } from './checks.ts';

export interface MeasureParts {
  /** Those by which nodes are compared. */
  checks: readonly MetricsCheck[];
  compare: Pick<Compare, 'look'>;
  fetch: Fetch;
  clock: Pick<Clock, 'monotonic'>;
}

/** What lies further apart than so many looks is a gap. */
const furthest = 3;

/**
 * Asks over HTTP alone: every node is asked again and again, and which process it was need not be known, since the counters of another
 * one begin anew. Remembers the last sample of each node and check.
 */
export function createMeasure({ checks, compare, fetch, clock }: MeasureParts): Measure {
  const last = new Map<string, Sample>();

  return async (node) => {
    const urls = [...new Set(checks.map((check) => urlOf(check, node)))].filter((url) => url !== '');
    const texts = new Map(await Promise.all(urls.map(async (url) => [url, await read(url, node)] as const)));
    const found = checks.flatMap((check): [string, Growth][] => {
      const { text = null, at = 0 } = texts.get(urlOf(check, node)) ?? {};
      const grown = text === null ? null : since(check, node, sampleOf(check, text, at, ''));
      return grown === null ? [] : [[check.name, grown]];
    });
    return Object.fromEntries(found);
  };

  async function read(url: string, node: string): Promise<{ text: string | null; at: number }> {
    const within = Math.max(...checks.filter((check) => urlOf(check, node) === url).map((check) => check.within));
    const heard = await fetch(url, { timeoutMs: within, limit: metricsLimit });
    const text = heard.is === 'answered' && heard.status === 200 ? heard.text : null;
    return { text, at: clock.monotonic() };
  }

  function since({ name }: MetricsCheck, node: string, now: Sample): Growth | null {
    const key = `${node} ${name}`;
    const before = last.get(key);
    last.set(key, now);
    if (before === undefined || now.at - before.at > furthest * compare.look) return null;
    return grownBetween(before, now);
  }
}

const urlOf = ({ urls }: MetricsCheck, node: string): string => (Object.hasOwn(urls, node) ? (urls[node] ?? '') : '');
