import type { Host } from '../upgrade/ssh/types.ts';

/** Where and how the database is migrated, as the settings have it. Commands are words: a program, then its arguments. */
export interface Migrating {
  host: Host;
  /** Absolute path on that host: what is in it (an address with its password) never leaves it. */
  env: string;
  /** In an export of the release's commit. */
  folder: string;
  /** Run before each migration; null: nothing. */
  prepare: readonly string[] | null;
  /** Tells what is applied; null: nobody asks. */
  status: readonly string[] | null;
  before: readonly string[];
  after: readonly string[] | null;
  /** Takes SQL on its stdin. */
  query: readonly string[];
  /** SQL that answers with the schema, a whole number. */
  version: string;
  /** Says when the last backup was made, as seconds since the epoch or a time in ISO 8601; null: nobody can ask. */
  backup: { command: readonly string[] | null; maxAge: number };
  /** ms */
  limit: number;
  /** Of the repository that releases are built from. */
  repository: string;
  signedBy: readonly { name: string; keys: string[] }[] | null;
}
