import type { Frame } from './lines.ts';

/** How many of a region answered healthy, each time that this changed from one look to the next; and of how many. */
export interface Health {
  at: number;
  healthy: number;
  of: number;
  /** Those that did not. */
  missing: string[];
}

export type Healths = Record<string, Health[]>;

/** As the looks saw it: what nobody looked at is not told. By region. */
export function healthOf(frames: readonly Frame[]): Healths {
  const found: Healths = {};
  for (const { line } of frames) {
    const { event } = line;
    if (event.type !== 'watched') continue;
    const names = Object.keys(event.seen);
    const missing = names.filter((name) => event.seen[name]?.standing !== 'healthy');
    const all = found[event.region] ?? [];
    found[event.region] = all;
    const last = all.at(-1);
    if (last?.missing.join() === missing.join() && last.of === names.length) continue;
    all.push({ at: line.at, healthy: names.length - missing.length, of: names.length, missing });
  }
  return found;
}
