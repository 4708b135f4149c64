import { wordsOf } from '../base/errors.ts';
import type { Notary } from '../trust/index.ts';
import type { Anchor } from './anchors.ts';
import { type Examined, examine } from './examine.ts';
import { exportIn, faultInExport } from './exported.ts';
import { type Chained, type ChainedEntry, spelledLine } from './journal.ts';
import { type createLedger, examineLedger, type LedgerLine } from './ledger.ts';
import { flawsInNotes, type NoteLine, type Notes } from './notes.ts';
import { Tampered } from './replay.ts';
import type { Belief, RolloutStore } from './store.ts';

/** What one journal proves, and whether what is stored beside it agrees. */
export interface Audited extends Examined {
  /** A rollout's id, `ledger`, or `notes`. */
  journal: string;
  /** Why nothing is done with what is stored; null when it may be believed. */
  refused: string | null;
  /** Of the notes, when they were asked for: who was refused, who threw a plan away, who looked. */
  notes?: Chained<NoteLine>[];
}

/** Number of a line, and its hash or how that begins. */
interface Head {
  revision: number;
  hash: string;
}

export interface AuditParts {
  store: RolloutStore;
  ledger: ReturnType<typeof createLedger>;
  notes: Pick<Notes, 'lines'>;
  belief: Belief;
}

/**
 * Examines the journals of a fleet, or the one that is named, newest rollout first.
 * @param since epoch ms: what was seen to be written after it cannot have been removed for its age
 */
export async function* audit(
  fleet: string,
  parts: AuditParts,
  only: string | null,
  since: number,
  head?: Head,
): AsyncGenerator<Audited> {
  const { store, ledger, belief } = parts;
  const { anchors, notary } = belief;
  // Before anything is read: reading is remembered as well.
  const seen = new Map(anchors.all());
  const ids = only === null ? await store.ids() : [only].filter((each) => !ofFleet.includes(each));
  const gone = [...seen].filter(([id, { at }]) => !ofFleet.includes(id) && !ids.includes(id) && at > since);
  for (const id of only === null ? [...ids, ...gone.map(([each]) => each)] : ids) {
    const texts = await store.lines(id);
    const lines = texts.map((line) => spelledLine<ChainedEntry['event']>(line));
    const loaded = await refusal(() => store.load(id));
    const refused = loaded ?? rewound(lines, seen.get(id), since) ?? absence(lines, head);
    yield { journal: id, ...examine({ fleet, journal: id }, lines, notary, texts), refused };
  }
  if (only === null || only === 'ledger') {
    const texts = await ledger.lines();
    const lines = texts.map((line) => spelledLine<LedgerLine>(line));
    const loaded = await refusal(ledger.load);
    const refused = loaded ?? rewound(lines, seen.get('ledger'), 0) ?? absence(lines, head);
    yield { journal: 'ledger', ...examineLedger(fleet, lines, notary, texts), refused };
  }
  if (only === null || only === 'notes') yield auditedNotes(fleet, parts, seen.get('notes'), only !== null);
}

const ofFleet = ['ledger', 'notes'];

async function auditedNotes(
  fleet: string,
  { notes, belief }: AuditParts,
  anchor: Anchor | undefined,
  shown: boolean,
): Promise<Audited> {
  const lines = (await notes.lines()).map((line) => spelledLine<NoteLine>(line));
  const flaws = flawsInNotes(fleet, lines, belief).map((what) => ({ what, adopted: null }));
  const refused = rewound(lines, anchor, 0);
  const head = lines.at(-1)?.hash ?? '';
  const found = { journal: 'notes', lines: lines.length, unsigned: 0, head, flaws, refused };
  return shown ? { ...found, notes: lines.filter((line) => line !== null) } : found;
}

/** What was seen here is not there any more, or is another one; null when it is, or somebody adopted what is there since. */
function rewound(
  lines: readonly (Chained<{ type: string }> | null)[],
  anchor: Anchor | undefined,
  since: number,
): string | null {
  if (anchor === undefined || (lines.length === 0 && anchor.at <= since)) return null;
  if (lines.some((line) => line?.event.type === 'adopted' && line.at > anchor.at)) return null;
  if (lines.some((line) => line?.revision === anchor.revision && line.hash === anchor.hash)) return null;
  return `line ${anchor.revision}, which was seen here, is not there any more`;
}

/** The journals of rollouts in an export, and whether it is as whole as it was when it was written. @throws Refused for what is none */
export function auditExport(text: string, notary: Notary, head?: Head): Audited[] {
  const { journals, end } = exportIn(text);
  const fault = faultInExport(end, notary);
  const isOther = (id: string, hash: string | undefined): string | null =>
    end.heads[id] === hash ? null : 'it does not go as far as it did when it was exported';
  return [...new Set([...journals.keys(), ...Object.keys(end.heads)])].map((journal) => {
    const texts = journals.get(journal) ?? [];
    const lines = texts.map((line) => spelledLine<ChainedEntry['event']>(line));
    const examined = examine({ fleet: end.fleet, journal }, lines, notary, texts);
    const wrong = fault === null ? isOther(journal, lines.at(-1)?.hash) : `the last line of the export: ${fault}`;
    return { journal, ...examined, refused: wrong ?? absence(lines, head) };
  });
}

/** Why a line that somebody wrote down does not stand there; null when it does. */
function absence(lines: readonly (Head | null)[], head: Head | undefined): string | null {
  if (head === undefined) return null;
  const there = lines.find((line) => line?.revision === head.revision);
  if (!there) return `line ${head.revision}, which was written down, is not there`;
  return there.hash.startsWith(head.hash) ? null : `line ${head.revision} is not the one that was written down`;
}

async function refusal(load: () => Promise<unknown>): Promise<string | null> {
  try {
    await load();
    return null;
  } catch (error) {
    return error instanceof Tampered ? error.what : wordsOf(error);
  }
}
