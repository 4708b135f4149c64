import { inWords } from '../../base/duration.ts';
import { Refused } from '../../base/errors.ts';
import type { Database } from '../../migrating/index.ts';
import type { ActionReport, Migration, Rollout } from '../rollout/types.ts';
import type { Action, ActionContext } from './types.ts';

/** Between two looks at one that runs, ms. */
const lookEvery = 2_000;

/**
 * Brings the schema to what was planned, once: by the schema that is seen, by the name of what runs on the database's host, and by the number that
 * its host remembers. What was begun is looked at and never begun again in the same run.
 */
export const migrateWith =
  (database: Database, limits: { maxAge: number }): Action =>
  async (context) => {
    const begun = { is: false };
    try {
      return await migrate(database, limits, context, begun);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return begun.is ? failed(error.message) : clean(error.message, context);
    }
  };

async function migrate(
  database: Database,
  { maxAge }: { maxAge: number },
  context: ActionContext,
  begun: { is: boolean },
) {
  const { rollout, signal, clock } = context;
  const wanted = migrationOf(rollout);
  if (wanted === null) return failed('the plan says nothing of a schema');
  const of = { name: nameOf(rollout), number: numberOf(rollout, context.fence) };
  // Nothing that comes late of an older try begins anything from here on.
  await database.fence(of.number, signal);
  const sight = await database.look(of, signal);
  begun.is = sight.is !== 'none';
  if (sight.is === 'running')
    return { is: 'later', reason: sight.lines.at(-1) ?? 'it runs', after: lookEvery } as const;
  const schema = await database.schema(signal);
  if (sight.is === 'ended') {
    const last = sight.lines.length === 0 ? '' : `; its last lines: ${sight.lines.slice(-5).join(' | ')}`;
    if (sight.wrong !== null) return failed(`${sight.wrong}, and the schema is ${schema}${last}`);
    if (schema !== wanted.to)
      return failed(`it ended well, and the schema is ${schema} instead of ${wanted.to}${last}`);
  }
  if (schema === wanted.to) return { is: 'succeeded', facts: { schema } } as const;
  if (schema !== wanted.from) return clean(`the schema is ${schema}, and this was planned for ${wanted.from}`, context);
  if (!isAttested(rollout)) {
    const at = await database.backedUpAt(signal);
    const age = clock.now() - at;
    if (age > maxAge)
      return clean(`the last backup is ${inWords(age)} old, and may be ${inWords(maxAge)} (database.backup)`, context);
  }
  const source = await database.resolve(rollout.release.version, signal);
  if (source.commit !== wanted.commit)
    return clean(`the tag ${rollout.release.version} was moved since this was planned`, context);
  const unchanged = isUntouched(context);
  const gates = await context.gates(unchanged);
  if (gates.length > 0) return { is: 'gated', gates, unchanged } as const;
  await database.start(of, source, wanted.when, signal);
  return { is: 'later', reason: 'it was begun', after: lookEvery } as const;
}

/** One for each run: what a person lets try again is begun again, once. */
export const nameOf = ({ fleet, id, run }: Pick<Rollout, 'fleet' | 'id' | 'run'>): string =>
  `zw-migrate-${fleet}-${id}-${run}`;

/** Rises with the run, and in it with every try; as many digits as a shell can compare. */
export const numberOf = ({ epoch }: Pick<Rollout, 'epoch'>, fence: number): string =>
  String(BigInt(epoch) * 1_000_000n + BigInt(fence));

export const migrationOf = ({ change }: Pick<Rollout, 'change'>): Migration | null =>
  change?.is === 'migrate' ? change : null;

const isAttested = (rollout: Rollout): boolean => migrationOf(rollout)?.attested !== undefined;

const failed = (reason: string): ActionReport => ({ is: 'failed', reason, retry: false });

/** It was not begun in this run, as its host tells; what an earlier one did a person has looked at. */
const clean = (reason: string, context: ActionContext): ActionReport =>
  isUntouched(context) ? { is: 'failed', reason, retry: false, clean: true } : failed(reason);

/** No try of any run has begun it. */
const isUntouched = ({ rollout, phase: { work } }: ActionContext): boolean =>
  rollout.run === 1 && work.state.is === 'working' && work.state.underWaySince === undefined;
