import { noWayBack } from '../../upgrade/compatibility/index.ts';
import { actions, isAskedChecks } from '../../upgrade/rollout/index.ts';
import type { RollbackScope, Rollout } from '../../upgrade/rollout/types.ts';
import type { CommandContext } from '../context.ts';
import { touchedIn } from '../views/words.ts';

/** Whoever goes back is in trouble: what is not told within this time (ms) keeps nobody. */
const patience = 5_000;
/** So many nodes of each region are asked; one that answers is enough. */
const asked = 2;

/**
 * Why the schema excludes what a node of this scope would be brought back to; null when nothing says so. Asked anew, since a
 * migration may have been run after the last look, or after the rollout.
 */
export async function noReturn(
  context: CommandContext,
  rollout: Rollout,
  scope: RollbackScope,
): Promise<string | null> {
  const { control, fleet } = context;
  const rows = fleet.compatibility ?? [];
  const versions = touchedIn(rollout, scope).flatMap(({ name, touched, before }) =>
    touched && before?.version != null && isAskedChecks(fleet, name) ? [before.version] : [],
  );
  if (versions.length === 0 || rows.every(({ schema }) => schema === null)) return null;
  const nodes = fleet.regions
    .flatMap((region) => region.nodes.slice(0, asked))
    .filter(({ name }) => isAskedChecks(fleet, name));
  const seen = await control.survey(nodes, patience, 'work');
  const isTold = seen.some(({ inventory }) => inventory?.schema?.is === 'told');
  const lost = noWayBack(rows, versions, isTold ? seen : await lastMade(control));
  return lost === null ? null : `Nothing was done: ${lost.reason}.`;
}

/** So many of the newest rollouts are looked through. */
const looked = 10;

/** The schema that the last migration made here, for when nobody tells it in time. */
async function lastMade({ store }: CommandContext['control']): Promise<Parameters<typeof noWayBack>[2]> {
  for (const id of await store.newestIds(looked)) {
    const rollout = await store.load(id);
    for (const { work } of rollout === null ? [] : actions(rollout))
      if (work.state.is === 'done' && work.facts.schema !== undefined)
        return [{ node: 'the last migration', inventory: { schema: { is: 'told', what: work.facts.schema } } }];
  }
  return [];
}
