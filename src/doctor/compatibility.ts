import type { Settings } from '../config/index.ts';
import { rowFor } from '../upgrade/compatibility/index.ts';
import type { AskInventory } from '../upgrade/http/types.ts';
import { isAskedChecks } from '../upgrade/rollout/index.ts';
import type { Release } from '../upgrade/rollout/types.ts';
import { type Finding, note, right, wrong } from './finding.ts';

const subject = 'versions';

/** Whether the newest release stands in the matrix, and whether what the matrix asks for can be asked, from where the doctor runs. */
export async function examineCompatibility(
  { fleet, inventory }: Pick<Settings, 'fleet' | 'inventory'>,
  newest: Release | null,
  ask: AskInventory,
): Promise<Finding[]> {
  const rows = fleet.compatibility;
  if (rows === undefined) return [note(subject, 'nothing is checked (compatibility in the settings)')];
  const listed =
    newest === null || rowFor(rows, newest.version) !== null
      ? []
      : [note(subject, `${newest.version} stands in no row of compatibility, so no plan is made for it: add one`)];
  if (inventory === null)
    return listed.length > 0 ? listed : [right(subject, `${count(rows.length)}, and nobody to ask`)];
  const nodes = fleet.regions.flatMap((region) => region.nodes).filter(({ name }) => isAskedChecks(fleet, name));
  const answers = await Promise.all(nodes.map(async ({ name }) => ({ name, said: await ask(name) })));
  const silent = (['agents', 'schema'] as const).flatMap((what) => {
    const all = answers.flatMap(({ name, said }) => {
      const told = said[what];
      return told?.is === 'unknown' ? [{ name, reason: told.reason }] : [];
    });
    return all.length === 0 ? [] : [silence(what, all, nodes.length)];
  });
  const found = [...listed, ...silent];
  return found.length > 0
    ? found
    : [right(subject, `${count(rows.length)}, asked on ${nodes.length} of ${nodes.length} nodes`)];
}

const count = (rows: number): string => (rows === 1 ? '1 row' : `${rows} rows`);

const keys = { agents: 'inventory.agent', schema: 'inventory.schema' };
const things = { agents: 'agents', schema: 'the schema' };

/** One that answers is enough for the schema, and for a list of agents; that some do not is worth knowing all the same. */
function silence(what: 'agents' | 'schema', all: { name: string; reason: string }[], nodes: number): Finding {
  const [first] = all;
  const some =
    all.length === nodes
      ? `can be asked on none of ${nodes} nodes`
      : `cannot be asked on ${all.map(({ name }) => name).join(', ')}`;
  const text = `${things[what]} ${some}: ${first?.reason}; see ${keys[what]}`;
  return all.length === nodes ? wrong(subject, `${text}, since unknown counts as no`) : note(subject, text);
}
