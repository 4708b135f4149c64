import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Redis } from 'ioredis';
import { keysOf } from './keys.ts';

/** A rollout as it is stored, with what its removal must still find unchanged. */
export interface Stored {
  id: string;
  /** JSON: its format, and the rollout. */
  body: string;
  revision: string;
  /** Of the last line of its journal. */
  hash: string;
  /** Lines of JSON, each chained to the one before. */
  journal: string[];
}

/** Null when there is none. */
export async function readStored(redis: Redis, fleet: string, id: string): Promise<Stored | null> {
  const keys = keysOf(fleet);
  const [body, revision, hash] = await redis.hmget(keys.rollout(id), 'body', 'revision', 'hash');
  if (!body || !revision) return null;
  return { id, body, revision, hash: hash ?? '', journal: await redis.lrange(keys.journal(id), 0, -1) };
}

/** Ids of all rollouts, the oldest first. */
export const storedIds = (redis: Redis, fleet: string): Promise<string[]> =>
  redis.zrange(keysOf(fleet).rollouts, '0', '-1');

/** What is kept of a rollout outside of Redis, as lines of JSON: its journal from the beginning, then how it ended. */
export function linesOf(fleet: string, { id, body, revision, hash, journal }: Stored): string[] {
  const entries = journal.map((line, at) => ({ is: 'entry', rollout: id, at, line }));
  return [...entries, { is: 'rollout', fleet, rollout: id, revision: Number(revision), hash, body }].map((each) =>
    JSON.stringify(each),
  );
}

/** The same of the ledger; none before anything was written into it. */
export async function ledgerLines(redis: Redis, fleet: string): Promise<string[]> {
  const { ledger, ledgerJournal } = keysOf(fleet);
  const [body, revision, hash] = await redis.hmget(ledger, 'body', 'revision', 'hash');
  if (!body) return [];
  const entries = (await redis.lrange(ledgerJournal, 0, -1)).map((line, at) => ({ is: 'ledger entry', at, line }));
  return [...entries, { is: 'ledger', fleet, revision: Number(revision), hash, body }].map((each) =>
    JSON.stringify(each),
  );
}

/** Ids name files: one that somebody else put into Redis must not lead out of the directory. */
export const isFileName = (id: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(id);

/**
 * Writes `lines` so that after a crash the file is there as a whole or not at all, readable by its owner only.
 * @returns the file
 */
export async function keep(directory: string, id: string, lines: string[]): Promise<string> {
  const file = join(directory, `${id}.jsonl`);
  const half = `${file}.half`;
  const handle = await open(half, 'w', 0o600);
  try {
    // One of an earlier try keeps the mode that it had.
    await handle.chmod(0o600);
    await handle.writeFile(`${lines.join('\n')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(half, file);
  const folder = await open(dirname(file), 'r');
  await folder.sync().finally(() => folder.close());
  return file;
}
