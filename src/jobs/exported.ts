import { Refused } from '../base/errors.ts';
import { jsonIn, objectIn } from '../base/json.ts';
import { canonical, type Notary, type Signature } from '../trust/index.ts';
import { examine } from './examine.ts';
import { linesOf, type Stored } from './history.ts';
import { type ChainedEntry, lineIn, type Place, spelledLine } from './journal.ts';
import { Tampered } from './replay.ts';

/**
 * The last line of an export: how far each journal went at that moment, signed, so that nobody who carries the lines can leave out
 * what came last.
 */
export interface Exported extends Signature {
  is: 'exported';
  fleet: string;
  /** Epoch ms, from before anything was read. */
  at: number;
  /** Hash of the last line of each rollout's journal, by id. */
  heads: Record<string, string>;
}

const spelled = ({ fleet, at, heads }: Pick<Exported, 'fleet' | 'at' | 'heads'>): string =>
  canonical({ is: 'exported', fleet, at, heads });

/** @throws Refused when nobody would believe this program */
export function exportedLine(fleet: string, at: number, heads: Record<string, string>, notary: Notary): string {
  const said = { fleet, at, heads };
  return JSON.stringify({ is: 'exported', ...said, ...notary.sign(spelled(said), ['decisions']) } satisfies Exported);
}

/** What is wrong with it, in words; null when it counts. */
export const faultInExport = (line: Exported, notary: Notary): string | null =>
  notary.fault(spelled(line), line, ['decisions']);

/** One rollout as `zeitwork export` prints it; without the last line where nobody would believe it. */
export function exportOf(fleet: string, stored: Stored, at: number, notary: Notary): string[] {
  const head = lineIn(stored.journal.at(-1) ?? '')?.hash ?? '';
  const lines = linesOf(fleet, stored);
  try {
    return [...lines, exportedLine(fleet, at, { [stored.id]: head }, notary)];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return lines;
  }
}

/** What an export holds: the lines of each rollout's journal as they were stored, and its last line. */
export interface ExportRead {
  journals: Map<string, string[]>;
  end: Exported;
}

/** @throws Refused for what is not one whole export */
export function exportIn(text: string): ExportRead {
  const journals = new Map<string, string[]>();
  const ends: Exported[] = [];
  for (const each of text.split('\n')) {
    const line = objectIn(jsonIn(each));
    if (line?.is === 'entry' && typeof line.rollout === 'string' && typeof line.line === 'string') {
      const before = journals.get(line.rollout) ?? [];
      if (line.at !== before.length) throw new Refused(`the lines of ${line.rollout} are not there one after another`);
      before.push(line.line);
      journals.set(line.rollout, before);
    }
    if (line !== null && isExported(line)) ends.push(line);
  }
  const [end, ...more] = ends;
  if (end === undefined || more.length > 0)
    throw new Refused('it does not end as one export does: write it with zeitwork export, as a whole');
  return { journals, end };
}

function isExported(line: Record<string, unknown>): line is Record<string, unknown> & Exported {
  const heads = objectIn(line.heads);
  const words = [line.fleet, line.key, line.signature, ...Object.values(heads ?? {})];
  return (
    line.is === 'exported' &&
    heads !== null &&
    Number.isFinite(line.at) &&
    words.every((each) => typeof each === 'string')
  );
}

/**
 * The lines of a journal, all of them, once nothing was found to be wrong with them but what somebody answered for.
 * @param texts as they were stored
 * @throws Tampered naming the first line that is wrong
 */
export function provenLines(place: Place, texts: readonly string[], notary: Notary): ChainedEntry[] {
  const lines = texts.map((text) => spelledLine<ChainedEntry['event']>(text));
  const wrong = examine(place, lines, notary, texts).flaws.find(({ adopted }) => adopted === null);
  if (wrong !== undefined) throw new Tampered(place.journal, wrong.what);
  return lines.filter((line) => line !== null);
}
