import { canonical, type Notary, type Signature } from '../trust/index.ts';

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
