import type { Clock } from '../base/clock.ts';
import { timeLimit } from '../base/time-limit.ts';
import type { Inventory, Told } from '../upgrade/compatibility/index.ts';
import type { Database } from './place.ts';

/** Every node of a survey asks at the same moment, ms; and how long one answer may take. */
const shared = 5_000;
const patience = 20_000;

type Ask = (node: string) => Promise<Inventory>;

/** What nodes tell of agents, with the schema as the database itself tells it: nobody else is asked for that. */
export function withSchemaOf(
  database: Pick<Database, 'schema'> | null,
  ask: Ask,
  clock: Pick<Clock, 'monotonic' | 'sleep' | 'now'>,
): Ask {
  if (database === null) return ask;
  let last: { at: number; told: Promise<Told<number>> } | null = null;
  const schema = (): Promise<Told<number>> => {
    const at = clock.monotonic();
    if (last === null || at - last.at > shared) last = { at, told: told(database, clock) };
    return last.told;
  };
  return async (node) => {
    const [inventory, seen] = await Promise.all([ask(node), schema()]);
    return { ...inventory, schema: seen };
  };
}

async function told(database: Pick<Database, 'schema'>, clock: Parameters<typeof timeLimit>[0]): Promise<Told<number>> {
  const limit = timeLimit(clock, patience);
  try {
    return { is: 'told', what: await database.schema(limit.signal) };
  } catch (error) {
    return { is: 'unknown', reason: error instanceof Error ? error.message : 'the database could not be asked' };
  } finally {
    limit.lift();
  }
}
