import type { Actor } from '../../base/actor.ts';
import { Refused } from '../../base/errors.ts';
import { isMeantBy } from '../../base/sibling.ts';
import { rowFor } from '../../upgrade/compatibility/index.ts';
import { Incompatible, isOpen, wayOut } from '../../upgrade/rollout/index.ts';
import type { Release } from '../../upgrade/rollout/types.ts';
import { neverCloses, nextOpening } from '../../windows/index.ts';
import type { Command, When } from '../command.ts';
import type { Asking, CommandContext, Reply } from '../context.ts';
import { goalOf } from '../views/goal.ts';
import { unbuilt } from './build.ts';
import { demand, type Handler, knownRegion, timeOf } from './common.ts';
import { type Request, show } from './draft.ts';
import { unmigrated } from './migrate.ts';
import { type Wanted, wantedIn } from './services.ts';

/** Answers with a plan; nothing starts before it is confirmed. */
export const upgrade: Handler<'upgrade'> = async (context, asking, command) => {
  await demandFor(context, asking, command);
  const wanted = wantedIn(context.fleet, command.services ?? [{ service: null, version: command.version }]);
  const found = await Promise.all(wanted.map((each) => resolved(context, each)));
  const unbuiltOne = found.find((each) => 'is' in each);
  if (unbuiltOne !== undefined) return unbuiltOne.reply;
  const brought = found.flatMap((each) => ('is' in each ? [] : [each]));
  const services = brought.flatMap(({ key, release }) => (key === null ? [] : [{ key, release }]));
  for (const { release } of brought) refuseOther(release, command.archive);
  const request: Request = {
    release: brought[0]?.release ?? null,
    ...(services.length === 0 ? {} : { services }),
    ...asked(context, asking, command),
    ...(command.rehearse === undefined ? {} : { rehearse: command.rehearse }),
  };
  try {
    return await show(context, request, command.dryRun, null);
  } catch (error) {
    const version = request.release?.version ?? command.version;
    const to = error instanceof Incompatible ? migratesTo(context, version, error) : null;
    if (to === null || !(error instanceof Refused)) throw error;
    return unmigrated(version, to, error.message);
  }
};

/** The schema that the migration before it makes, where only the schema is in the way; null: that would not help. */
function migratesTo({ fleet }: CommandContext, version: string, { verdict }: Incompatible): number | null {
  if (fleet.database === undefined || verdict.refusals.some(({ what }) => what !== 'schema')) return null;
  return rowFor(fleet.compatibility ?? [], version)?.before ?? null;
}

/** The same name may stand for another archive in another fleet. */
function refuseOther({ version, archiveSha256 }: Release, wanted: string | undefined): void {
  if (wanted === undefined || wanted === archiveSha256) return;
  throw new Refused(
    `The archive of ${version} here has the hash ${archiveSha256.slice(0, 12)}…, and what was proven ${wanted.slice(0, 12)}…: it is another one. Bring exactly that archive here first.`,
  );
}

/** What is not there may be built: whoever asked for it is offered that. */
async function resolved(
  { releases, builds, fleet }: CommandContext,
  { service: key, version }: Wanted,
): Promise<{ key: string | null; release: Release } | { is: 'unbuilt'; reply: Reply }> {
  try {
    return { key, release: await releases.resolve(version, key) };
  } catch (error) {
    // What is built is the first service.
    const isBuilt = builds !== undefined && (key === null || key === fleet.services?.[0]?.key);
    if (!(error instanceof Refused) || !isBuilt) throw error;
    const isThere = await releases.versions(key).then(
      (all) => all.includes(version),
      () => true,
    );
    if (isThere) throw error;
    return { is: 'unbuilt', reply: unbuilt(version, error) };
  }
}

type Asked = Pick<Extract<Command, { verb: 'upgrade' }>, 'strategy' | 'regions' | 'limit' | 'when'>;

/** Whether it may be planned at all. @throws Refused, Denied */
export async function demandFor(context: CommandContext, asking: Asking, { when, regions }: Asked): Promise<void> {
  await demand(context, asking, { is: 'start' });
  if (when.is === 'now') {
    await demand(context, asking, { is: 'override' });
    if (context.fleet.policy.breakers > 1) refuseVague(regions, when.incident);
  }
  for (const name of regions ?? []) knownRegion(context, name);
  await refuseTaken(context);
}

/** What was asked, but for what is to be done. */
export const asked = (
  context: CommandContext,
  { actor }: Asking,
  { strategy, regions, limit, when }: Asked,
): Omit<Request, 'release'> => ({
  strategy: strategy ?? 'regions',
  requester: actor,
  ...{ regions, limit },
  startAt: startAt(context, when, regions),
  override: when.is === 'now' ? overrideBy(actor, when) : null,
});

/** Whoever reads of it the next day must find what it was for. */
function refuseVague(regions: string[] | null, incident: string | undefined): void {
  if (regions === null)
    throw new Refused('--now opens only what it names: add --regions, for example --regions us-east.');
  if (incident === undefined)
    throw new Refused('--now is for an incident: add where it is found, --incident https://….');
}

const overrideBy = (by: Actor, { reason, incident }: Extract<When, { is: 'now' }>): Request['override'] => ({
  ...{ by, reason },
  ...(incident === undefined ? {} : { incident }),
});

/** The same for later. */
export const schedule: Handler<'schedule'> = (context, asking, command) => upgrade(context, asking, command.upgrade);

function startAt(context: CommandContext, when: When, regions: string[] | null): number | null {
  const now = context.clock.now();
  if (when.is === 'at') return timeOf(context, ['--at', when.text], regions, now);
  return when.is === 'next' ? nextStart(context, regions, now) : null;
}

/** Of the region that is first then. */
function nextStart({ fleet }: CommandContext, regions: string[] | null, now: number): number {
  const chosen = fleet.regions.filter(({ name }) => regions?.some((word) => isMeantBy(name, word)) ?? true);
  if (chosen.length > 0 && chosen.every(({ calendar }) => neverCloses(calendar, now)))
    throw new Refused(
      'The windows are open all the time, so there is no next one. Give a time with --at, or leave --next out.',
    );
  const openings = chosen.map(({ calendar }) => nextOpening(calendar, now));
  const starts = openings.flatMap((opening) => (opening.is === 'opens' ? [opening.interval.start] : []));
  if (starts.length === 0) throw new Refused('No window opens in sight. Give a time with --at.');
  return Math.min(...starts);
}

export async function refuseTaken({ control }: CommandContext): Promise<void> {
  const open = await control.store.open();
  if (open === null || !isOpen(open)) return;
  throw new Refused(
    `${open.requester} holds the fleet with ${goalOf(open)} (rollout ${open.id}). ${wayOut(open.status)}`,
  );
}
