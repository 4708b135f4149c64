import { noWayBack } from '../../upgrade/compatibility/index.ts';
import { Refused, type RollbackScope, type Rollout } from '../../upgrade/rollout/types.ts';
import type { CommandContext } from '../context.ts';
import { touchedIn } from '../views/words.ts';

/** Whoever goes back is in trouble: what is not told within this time (ms) keeps nobody. */
const patience = 5_000;
/** So many nodes of each region are asked; one that answers is enough. */
const asked = 2;

/**
 * Asked anew, since a migration may have been run after the last look, or after the rollout.
 * @throws Refused when the schema excludes what a node of this scope would be brought back to
 */
export async function refuseNoReturn(context: CommandContext, rollout: Rollout, scope: RollbackScope): Promise<void> {
  const { control, fleet } = context;
  const rows = fleet.compatibility ?? [];
  const versions = touchedIn(rollout, scope).flatMap(({ touched, before }) =>
    touched && before?.version != null ? [before.version] : [],
  );
  if (versions.length === 0 || rows.every(({ schema }) => schema === null)) return;
  const nodes = fleet.regions.flatMap((region) => region.nodes.slice(0, asked));
  const lost = noWayBack(rows, versions, await control.survey(nodes, patience, 'work'));
  if (lost !== null) throw new Refused(`Nothing was brought back: ${lost.reason}.`);
}
