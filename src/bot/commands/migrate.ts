import { createHash } from 'node:crypto';
import { minute } from '../../base/duration.ts';
import { Refused } from '../../base/errors.ts';
import type { DatabaseTold } from '../../jobs/types.ts';
import { isAskedChecks, planMigration } from '../../upgrade/rollout/index.ts';
import type { Migration, NodeSurvey, Rollout } from '../../upgrade/rollout/types.ts';
import { type CommandContext, draftTtlMs, ended, type Reply, say, withFacts } from '../context.ts';
import { rolloutFacts } from '../facts/rollout.ts';
import { migrationPreview, statusLines } from '../views/migration.ts';
import { foreign } from '../views/text.ts';
import { demand, fleetNow, glance, type Handler, isSilence, Unanswered } from './common.ts';
import { newEpoch } from './forgotten.ts';
import { refuseTaken } from './upgrade.ts';

/** Fetching a tag takes longer than a look. */
const patience = 2 * minute;

/** What the schema is, or a plan to bring it on; nothing starts before it is confirmed. */
export const migrate: Handler<'migrate'> = async (context, asking, { act }) => {
  if (act.is === 'status') {
    await demand(context, asking, { is: 'look' });
    const told = await asked(context, act.version ?? (await newest(context)));
    return withFacts(
      { schema: told.schema, backedUpAt: told.backedUpAt },
      { parts: [{ is: 'lines', lines: statusLines(told, context.clock.now()) }] },
    );
  }
  await demand(context, asking, { is: 'start' });
  await refuseTaken(context);
  const { version, dryRun, attest } = act;
  const wanted = { version, when: act.is, attestedBy: attest ? asking.actor : null };
  const planned = await made(context, context.newId(), wanted, asking.actor);
  return show(context, planned, dryRun, null);
};

/** Made anew over what is there now, and started if nothing moved of what was shown. */
export async function confirmMigration(context: CommandContext, draft: Rollout, token: string): Promise<Reply> {
  const change = draft.change?.is === 'migrate' ? draft.change : null;
  if (change === null) throw new Refused('That is no migration.');
  const { version } = draft.release;
  const wanted = { version, when: change.when, attestedBy: change.attested?.by ?? null };
  const planned = await made(context, draft.id, wanted, draft.requester);
  if (tokenOf(planned.rollout, planned.seen) !== token)
    return show(context, planned, false, 'What was shown has changed since. This is the new plan:');
  await context.control.start(planned.rollout);
  context.log.info({ rollout: draft.id, version, to: change.to }, 'migration started');
  const words = `The migration to ${change.to} waits for the approval of the database's approvers. Rollout ${foreign(draft.id)}; the channel shows how it goes.`;
  return withFacts({ rollout: rolloutFacts(planned.rollout) }, say(words));
}

interface Planned {
  rollout: Rollout;
  told: DatabaseTold;
  seen: NodeSurvey[];
}

async function made(
  context: CommandContext,
  id: string,
  { version, when, attestedBy }: { version: string; when: Migration['when']; attestedBy: string | null },
  requester: string,
): Promise<Planned> {
  const told = await asked(context, version);
  const all = await glance(context, 'work');
  // The matrix speaks of the first service.
  const survey = all.filter(({ node }) => isAskedChecks(context.fleet, node));
  if (survey.every(isSilence)) throw new Unanswered(`Nothing was planned: ${survey[0]?.detail}. Is a worker running?`);
  const { schema, commit, backedUpAt } = told;
  const rollout = planMigration({
    ...{ id, version, when, attestedBy, survey, requester, fleet: await fleetNow(context) },
    ...{ seen: { schema, commit, backedUpAt }, now: context.clock.now(), epoch: await newEpoch(context) },
    sha256: createHash('sha256').update(commit).digest('hex'),
  });
  return { rollout, told, seen: survey };
}

async function show(context: CommandContext, planned: Planned, dryRun: boolean, remark: string | null): Promise<Reply> {
  const { rollout, told, seen } = planned;
  if (!dryRun) await context.control.store.saveDraft(rollout, draftTtlMs);
  const token = dryRun ? null : tokenOf(rollout, seen);
  const reply = withFacts(
    { plan: token, rollout: rolloutFacts(rollout), schema: told.schema },
    migrationPreview({ ...{ rollout, told, token, remark }, survey: seen, rows: context.fleet.compatibility ?? [] }),
  );
  return remark === null ? reply : ended('outdated', reply);
}

/** Of what it is about, so that whoever confirms it confirms exactly that. */
function tokenOf({ id, change }: Rollout, seen: NodeSurvey[]): string {
  const running = seen.map(({ node, version }) => `${node} ${version}`).sort();
  const about = change?.is === 'migrate' ? [change.when, change.from, change.to, change.commit] : [];
  return `${id}~${createHash('sha256')
    .update(JSON.stringify([about, running]))
    .digest('hex')
    .slice(0, 12)}`;
}

async function asked({ control, fleet }: CommandContext, version: string): Promise<DatabaseTold> {
  if (fleet.database === undefined)
    throw new Refused(
      'The settings do not say how the database is migrated. Write `database`, see docs/migrations.md.',
    );
  return control.database(fleet.database.region, version, patience);
}

/** By whose tag the status is asked where nobody named a version. */
async function newest({ releases }: CommandContext): Promise<string> {
  const version = (await releases.versions()).at(-1);
  if (version === undefined) throw new Refused('Which version? There is no release yet: migrate status VERSION');
  return version;
}

/** Why there is no plan, with the way to one: its migration comes first. */
export const unmigrated = (version: string, to: number, why: string): Reply => {
  const button = {
    label: `Migrate to ${to}`,
    action: `migrate-first:${version}`,
    reference: { r: '', g: version, v: 0 },
    style: 'primary' as const,
    typed: `migrate before ${version}`,
  };
  return ended('refused', {
    parts: [
      { is: 'lines', lines: [why] },
      { is: 'buttons', buttons: [button] },
    ],
  });
};
