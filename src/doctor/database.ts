import { inWords } from '../base/duration.ts';
import { wordsOf } from '../base/errors.ts';
import type { Settings } from '../config/index.ts';
import type { Database } from '../migrating/index.ts';
import { type Finding, note, right, wrong } from './finding.ts';

const subject = 'database';
const patience = 60_000;

/** Whether its host is there with the file and the commands, tells the schema and the last backup, and is spoken to directly. */
export async function examineDatabase(
  { database }: Pick<Settings, 'database'>,
  place: Pick<Database, 'schema' | 'backedUpAt' | 'pooled'> | null,
  now: () => number,
): Promise<Finding[]> {
  if (database === null || place === null) return [];
  const { host, env, backup } = database;
  const signal = AbortSignal.timeout(patience);
  const schema = await place.schema(signal).catch(wordsOf);
  if (typeof schema === 'string')
    return [wrong(subject, `${host.name}: ${schema}; see database.query, database.version and ${env} there`)];
  const [pooled, age] = await Promise.all([
    place.pooled(signal).catch(() => null),
    backup.command === null ? null : place.backedUpAt(signal).then((at) => now() - at, wordsOf),
  ]);
  return [
    right(subject, `${host.name}: schema ${schema}${typeof age === 'number' ? `, backup ${inWords(age)} old` : ''}`),
    ...(pooled === true
      ? [
          wrong(
            subject,
            `${env} leads through a pooler of transactions, where no lock holds: write a direct connection`,
          ),
        ]
      : []),
    ...(pooled === null ? [note(subject, 'it does not tell whether it is spoken to directly')] : []),
    ...(typeof age === 'string' ? [wrong(subject, `${host.name}: ${age}; see database.backup.command`)] : []),
    ...(typeof age === 'number' && age > backup.maxAge
      ? [note(subject, `a migration wants a backup that is at most ${inWords(backup.maxAge)} old`)]
      : []),
    ...(age === null ? [note(subject, 'nobody is asked when the last backup was made (database.backup.command)')] : []),
  ];
}
