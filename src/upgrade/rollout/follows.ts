import { rowFor } from '../compatibility/index.ts';
import { isAskedChecks } from './services.ts';
import type { Fleet, Follows, Rollout } from './types.ts';

/**
 * What the settings want once this is done: the migration after a version that every node runs by now, and after that a restart, so
 * that every node sees the schema. Null: nothing.
 */
export function followsOn(
  fleet: Pick<Fleet, 'compatibility' | 'database' | 'regions' | 'services'>,
  { status, change, recovery, release, nodes }: Rollout,
): Follows | null {
  if (status.is !== 'done' || recovery !== undefined) return null;
  if (change?.is === 'migrate')
    return change.when === 'after' ? { is: 'restart', service: fleet.services?.[0]?.key ?? null } : null;
  if (change !== undefined || fleet.database === undefined) return null;
  const all = fleet.regions.flatMap((region) => region.nodes).filter(({ name }) => isAskedChecks(fleet, name));
  const to = rowFor(fleet.compatibility ?? [], release.version)?.after ?? null;
  return to !== null && all.every(({ name }) => nodes[name]?.state.is === 'done') ? { is: 'migrate', to } : null;
}
