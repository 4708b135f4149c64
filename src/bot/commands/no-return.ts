import { noWayBack } from '../../upgrade/compatibility/index.ts';
import { isAskedChecks } from '../../upgrade/rollout/index.ts';
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
  const lost = noWayBack(rows, versions, await control.survey(nodes, patience, 'work'));
  return lost === null ? null : `Nothing was done: ${lost.reason}.`;
}
