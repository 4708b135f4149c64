import type { JournalEntry } from '../src/jobs/types.ts';
import { median } from './statistics.ts';

/** From a journal: how long each step took, and how long it took to get from one to the next. Lines of a table. */
export function timesOf(journal: JournalEntry[]): string[] {
  const spans = new Map<string, number[]>();
  const add = (name: string, ms: number) => spans.set(name, [...(spans.get(name) ?? []), ms]);
  const begun = new Map<string, number>();
  let ended: { step: string; at: number } | null = null;
  for (const { event } of journal) {
    if (event.type !== 'begun' && event.type !== 'reported') continue;
    const key = `${event.node}.${event.step}`;
    if (event.type === 'begun') {
      begun.set(key, event.at);
      if (event.step !== 'stage' && ended !== null) add(`${ended.step} -> ${event.step}`, event.at - ended.at);
      continue;
    }
    add(event.step, event.at - (begun.get(key) ?? event.at));
    ended = { step: event.step, at: event.at };
  }
  return tableOf(spans);
}

/** One line for each name: how often, and how long, ms. */
export function tableOf(spans: Map<string, number[]>): string[] {
  return [...spans].map(
    ([name, ms]) =>
      `${name.padEnd(20)} ${String(ms.length).padStart(4)} x ${median(ms).toFixed(0)} ms (median), ${Math.max(...ms).toFixed(0)} ms (longest)`,
  );
}
