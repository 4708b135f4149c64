import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused, wordsOf } from '../base/errors.ts';
import { type Audited, auditExport, type NoteLine } from '../jobs/index.ts';
import type { Notary } from '../trust/index.ts';
import { openBelief } from './belief.ts';
import { type End, Ended } from './cli/exit.ts';
import { stoppable } from './cli/live.ts';
import { createLog } from './log.ts';
import { chosen, openOwnRuntime, settings } from './open.ts';
import { packIn, packLine } from './pack.ts';
import { closeRuntime } from './wiring.ts';

interface Head {
  revision: number;
  hash: string;
}

interface How {
  /** LINE:HASH as it was written down in a thread. */
  head: string | null;
  /** What `zeitwork export` wrote; null: what stands in Redis. */
  file: string | null;
  /** Where `zeitwork report --out` wrote; its journal is examined, and each file beside it. */
  pack: string | null;
  /** One JSON object a line. */
  json: boolean;
}

/** Examines journals, a line each. */
export async function auditJournals(journal: string | null, { head, file, pack, json }: How): Promise<End> {
  const written = head === null ? undefined : readHead(head);
  if (pack !== null && file !== null) throw new Ended('usage', '--file and --pack exclude each other.');
  if (pack !== null) return auditPack(journal, pack, written, json);
  if (written && (journal === null || journal === 'notes'))
    throw new Ended('usage', '--head is of one journal: name its rollout, or ledger.');
  if (file !== null) return auditFile(journal, file, written, json);
  const ended = await stoppable(async (asked): Promise<End> => {
    const which = chosen();
    const runtime = await openOwnRuntime(which, createLog('cli', 'warn'));
    let end: End = 'done';
    try {
      for await (const audited of runtime.control.audit(journal, which.own.retention, written)) {
        if (asked.aborted) return 'interrupted';
        if (journal !== null && audited.lines === 0 && isWhole(audited))
          throw new Ended('refused', `There is no journal of ${journal}.`);
        console.log(json ? JSON.stringify(audited) : lineOf(audited));
        if (!json) for (const { event } of audited.notes ?? []) console.log(noteLine(event));
        if (!isWhole(audited)) end = 'wrong';
      }
      return end;
    } finally {
      await closeRuntime(runtime);
    }
  });
  return ended ?? 'interrupted';
}

/** The journal first: the files are only as good as that. */
async function auditPack(named: string | null, pack: string, written: Head | undefined, json: boolean): Promise<End> {
  const own = settings();
  const { rollout, files } = await packIn(own, pack).catch((error: unknown) => {
    if (error instanceof Refused) throw new Ended('wrong', `${pack} proves nothing: ${error.message}`);
    throw error;
  });
  if (named !== null && named !== rollout) throw new Ended('refused', `${pack} is of ${rollout}, and not of ${named}.`);
  const end = await auditFile(rollout, join(pack, `${rollout}.jsonl`), written, json);
  for (const each of files) console.log(json ? JSON.stringify(each) : packLine(each));
  return files.every(({ is }) => is === 'same') ? end : 'wrong';
}

/** Needs the keys of the settings, and neither Redis nor what was seen on this machine. */
async function auditFile(journal: string | null, file: string, written: Head | undefined, json: boolean): Promise<End> {
  const { notary } = await openBelief(settings(), 'bot', createLog('cli', 'warn'));
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Ended('refused', `${file} cannot be read: ${wordsOf(error)}`);
  });
  const all = auditedIn(file, text, notary, written).filter((each) => journal === null || each.journal === journal);
  if (all.length === 0) throw new Ended('refused', `There is no journal of ${journal} in ${file}.`);
  for (const audited of all) console.log(json ? JSON.stringify(audited) : lineOf(audited));
  return all.every(isWhole) ? 'done' : 'wrong';
}

function auditedIn(file: string, text: string, notary: Notary, written: Head | undefined): Audited[] {
  try {
    return auditExport(text, notary, written);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Ended('wrong', `${file} proves nothing: ${error.message}`);
  }
}

function readHead(text: string): Head {
  const [, line, hash] = /^(\d{1,9}):([0-9a-f]{8,64})$/.exec(text) ?? [];
  if (line === undefined || hash === undefined) {
    throw new Ended('usage', `--head is LINE:HASH as the thread says it, such as 42:1a2b3c4d5e6f7890; not ${text}.`);
  }
  return { revision: Number(line), hash };
}

const isWhole = ({ refused, flaws }: Audited): boolean =>
  refused === null && flaws.every(({ adopted }) => adopted !== null);

function lineOf(audited: Audited): string {
  const { journal, lines, unsigned, head, flaws, refused } = audited;
  const old = unsigned === 0 ? '' : `, ${unsigned} of them from a version that did not sign`;
  const told = flaws.map(({ what, adopted }) => {
    const by = adopted === null ? '' : ` (adopted by ${adopted.by}, ${new Date(adopted.at).toISOString()})`;
    return `\n    ${what}${by}`;
  });
  const stored = refused === null || flaws.some(({ what }) => what === refused) ? '' : `\n    ${refused}`;
  return `${isWhole(audited) ? '✓' : '✗'} ${journal}: ${lines} lines${old}${head === '' ? '' : `, head ${head.slice(0, 16)}`}${told.join('')}${stored}`;
}

function noteLine(note: NoteLine): string {
  const at = new Date(note.at).toISOString();
  switch (note.type) {
    case 'denied':
      return plain(`  ${at} ${note.by} was refused ${note.what}${about(note.rollout)}: ${note.reason}`);
    case 'cancelled':
      return plain(`  ${at} ${note.by} threw the plan ${note.plan} for ${note.version} away`);
    case 'looked':
      return plain(`  ${at} ${note.by} looked, with ${note.with}${about(note.node)}`);
    case 'gap':
      return `  ${at} notes up to ${note.seen} were taken away`;
  }
}

const about = (what: string | undefined): string => (what === undefined ? '' : ` (${what})`);

/** What people typed must not move the cursor. */
const plain = (line: string): string => line.replace(/\p{C}/gu, ' ');
