import type { Settings } from '../config/index.ts';
import type { AskElsewhere } from '../jobs/index.ts';
import type { Release } from '../upgrade/rollout/types.ts';
import { type Finding, note, right } from './finding.ts';

const subject = 'proven';

/** Whether the newest release could be begun by its proof on another fleet; what lacks may still be brought before the night. */
export async function examineProven(
  { proven }: Pick<Settings, 'proven'>,
  newest: Release | null,
  elsewhere: AskElsewhere,
): Promise<Finding[]> {
  if (proven === null) return [note(subject, 'nothing is asked of another fleet (proven in the settings)')];
  if (newest === null) return [note(subject, `there is no release here to look for on ${proven.fleet}`)];
  const said = await elsewhere(newest);
  if (said.is === 'unproven') return [note(subject, `nothing of it is begun now: ${said.reason}`)];
  if (said.is === 'doubted') return [note(subject, `it would be begun all the same: ${said.reason}`)];
  return [right(subject, `${newest.version} stood on ${proven.fleet} for long enough`)];
}
