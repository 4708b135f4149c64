import type { WebClient } from '@slack/web-api';
import type { Actor } from '../../base/actor.ts';
import { Refused } from '../../base/errors.ts';
import { Denied, demand, timeOf } from '../commands/common.ts';
import { refuseTaken } from '../commands/upgrade.ts';
import type { CommandContext } from '../context.ts';
import type { UpgradeWish } from '../parse.ts';
import { ownWords } from '../views/text.ts';
import { saying, upgradeView } from './upgrade.ts';
import { type Kept, readWish, sealedWish } from './wish.ts';

export const wishesNothing: UpgradeWish = {
  ...{ version: null, strategy: null, regions: null, limit: null, when: { is: 'windows' }, dryRun: false },
};

interface Asker {
  user: Actor;
  /** Opens one view, within 3 s. */
  trigger: string;
  from: Kept['from'];
}

/** Opens at once, since what it shows may take longer than a trigger lives, and is filled in then. False when Slack did not open it. */
export async function openForm(
  context: CommandContext,
  client: WebClient,
  asker: Asker,
  wish: UpgradeWish,
): Promise<boolean> {
  const { log } = context;
  const opening = saying(['Looking at what can be installed …']);
  const opened = await client.views.open({ trigger_id: asker.trigger, view: opening }).catch((error: unknown) => {
    log.warn({ err: error, actor: asker.user }, 'a form could not be opened');
    return null;
  });
  if (opened === null) return false;
  const view = await filled(context, asker, wish);
  // Whoever closed it meanwhile does not want it any more.
  await client.views
    .update({ view_id: opened.view?.id ?? '', view })
    .catch((error: unknown) => log.warn({ err: error, actor: asker.user }, 'a form could not be filled in'));
  return true;
}

/** The form, or why this person gets none now. */
async function filled(context: CommandContext, { user, from }: Asker, wish: UpgradeWish) {
  const { fleet, sealer, releases, log } = context;
  try {
    await demand(context, { actor: user, rollout: null }, { is: 'start' });
    await refuseTaken(context);
    const versions = await releases.versions();
    if (versions.length === 0) return saying(['There is no release that could be installed.']);
    if (sealer === null)
      return saying(['Nobody could tell what comes back from it: type `/zeitwork upgrade VERSION`.']);
    const { limit, dryRun } = wish;
    const kept = { limit, dryRun, ...(wish.rehearse === undefined ? {} : { rehearse: wish.rehearse }) };
    const metadata = sealedWish({ wish: kept, from }, { fleet: fleet.name, user }, sealer);
    const regions = fleet.regions.map(({ name }) => name);
    return upgradeView(wish, { versions, regions, at: timeIn(context, wish) }, metadata);
  } catch (error) {
    if (error instanceof Denied) return saying([error.message]);
    if (error instanceof Refused) return saying([ownWords(error.message, 1_500)]);
    log.error({ err: error, actor: user }, 'a form could not be made');
    return saying(['What can be installed is not known now, so there is no form. Type `/zeitwork upgrade VERSION`.']);
  }
}

/** What cannot be read as a time is asked for anew. */
function timeIn(context: CommandContext, { when, regions }: UpgradeWish): number | null {
  if (when.is !== 'at') return null;
  try {
    return timeOf(context, ['--at', when.text], regions, context.clock.now());
  } catch {
    return null;
  }
}

/** What we put into a form that comes back; null when it is none that we opened for this person. */
export const keptIn = ({ fleet, sealer }: CommandContext, user: Actor, metadata: string): Kept | null =>
  sealer === null ? null : readWish(metadata, { fleet: fleet.name, user }, sealer);
