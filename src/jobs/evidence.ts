import { minute } from '../base/duration.ts';
import { placeOf } from '../base/sibling.ts';
import { freezesOf } from '../upgrade/ledger/index.ts';
import type { EvidenceName, Findings, Release } from '../upgrade/rollout/types.ts';
import type { Freeze } from '../windows/types.ts';
import { reasonOf } from './log.ts';
import { askAll, standings } from './looks.ts';
import type { WorkOnNodes } from './parts.ts';
import type { LedgerStore } from './types.ts';

/** What looks things up. */
export type Sources = Pick<
  WorkOnNodes,
  'probe' | 'alerting' | 'elsewhere' | 'compatible' | 'halt' | 'freezes' | 'clock' | 'log'
> & {
  ledger: Pick<LedgerStore, 'load'>;
};

/** A region with the names of all its nodes, and what is to be brought there. */
interface Place {
  region: string;
  nodes: readonly string[];
  /** Of other services, whose standing counts with theirs. */
  beside: readonly string[];
  release: Release;
  /** By node, the version that it ran when it was staged. */
  before: Record<string, string>;
}

/** Finds one thing out, now; it does not throw, and what it cannot know keeps the gate shut. */
type Collector<Name extends EvidenceName> = (place: Place, sources: Sources) => Promise<Findings[Name]>;

const collectors: { [Name in EvidenceName]: Collector<Name> } = {
  standing: async ({ nodes, beside }, { probe, clock }) => standings(await askAll(probe, [...nodes, ...beside], clock)),
  freezes: freezesNow,
  alerts: ({ region }, { alerting }) => alerting.ask(placeOf(region)),
  elsewhere: ({ release }, { elsewhere }) => elsewhere(release),
  compatibility: (place, { compatible }) => compatible(place),
  halt: ({ region }, { halt }) => halt(region),
};

/** Everything that was asked for by name, at once. */
export async function collect<Name extends EvidenceName>(
  names: readonly Name[],
  place: Place,
  sources: Sources,
): Promise<Pick<Findings, Name>> {
  const found = await Promise.all(names.map(async (name) => [name, await collectors[name](place, sources)]));
  return Object.fromEntries(found);
}

/** Asked for anew each time: whoever freezes a region means also what is under way. */
async function freezesNow({ region }: Place, { freezes, ledger, clock, log }: Sources): Promise<Freeze[]> {
  const written = freezes(region).filter(({ end }) => end > clock.now());
  try {
    const declared = await ledger.load();
    return [...written, ...freezesOf(declared, region, clock.now())];
  } catch (error) {
    log.warn({ region, reason: reasonOf(error) }, 'the ledger cannot be read');
    return [...written, unread(reasonOf(error), clock.now())];
  }
}

/** Whoever cannot know what is frozen stops nothing new; what goes back is never kept waiting by a freeze. */
function unread(why: string, now: number): Freeze {
  return { start: now, end: now + minute, reason: `nobody knows, ${why}`, author: 'whoever keeps Redis' };
}
