import { minute } from '../../base/duration.ts';
import type { Sample } from './rate.ts';
import type { MetricsCheck } from './types.ts';

type Counts = Pick<MetricsCheck, 'name' | 'over'>;

/** No rate of a watch is told over a longer time than this, ms: what is older helps nobody. */
const oldest = (over: number): number => Math.max(3 * over, 2 * minute);
/** Samples of one check on one node that are kept: each may hold thousands of series. */
const most = 8;

/** The last samples of what is counted, by node and check. */
export class Samples {
  readonly #kept = new Map<string, Sample[]>();

  /** One in half the time of a rate is enough for a partner of about its age; the last one stays, whatever its age. */
  keep({ name, over }: Counts, node: string, taken: Sample): void {
    const key = `${node} ${name}`;
    const known = this.of(node, name);
    const all = known.filter(
      (each, at) =>
        each.invocation === taken.invocation && (taken.at - each.at <= oldest(over) || at === known.length - 1),
    );
    const newest = all.at(-1);
    const isNew = newest === undefined || taken.at - newest.at >= over / 2;
    this.#kept.set(key, isNew ? [...all, taken].slice(-most) : all);
  }

  /** Of the same process, about as old as the rate is long; null when there is none. `far`: looks are far apart, and any age will do. */
  partner({ name, over }: Counts, node: string, now: Sample, far = false): Sample | null {
    const age = ({ at }: Sample) => now.at - at;
    const fitting = this.of(node, name).filter(
      (each) => each.invocation === now.invocation && age(each) >= over / 2 && (far || age(each) <= oldest(over)),
    );
    const off = (each: Sample) => Math.abs(age(each) - over);
    return fitting.sort((a, b) => off(a) - off(b))[0] ?? null;
  }

  of(node: string, name: string): readonly Sample[] {
    return this.#kept.get(`${node} ${name}`) ?? [];
  }
}
