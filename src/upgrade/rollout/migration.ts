import { rowFor } from '../compatibility/index.ts';
import { unbegunAction } from './actions.ts';
import { actionTraits } from './traits.ts';
import {
  type ActionPhase,
  type Actor,
  type ApprovalPhase,
  type Fleet,
  type Migration,
  type NodeSurvey,
  Refused,
  type Rollout,
} from './types.ts';
import { unbegun } from './unbegun.ts';

/** What the database's host told when it was asked. */
export interface DatabaseSeen {
  schema: number;
  /** Of the tag of the version that was asked about. */
  commit: string;
  /** Epoch ms; null: the settings name nobody to ask. */
  backedUpAt: number | null;
}

export interface MigrationInput {
  id: string;
  fleet: Fleet;
  version: string;
  when: Migration['when'];
  seen: DatabaseSeen;
  /** Whoever answers for the backup by their name. */
  attestedBy: Actor | null;
  survey: NodeSurvey[];
  requester: Actor;
  now: number;
  epoch: number;
  /** SHA-256 of the commit's name, which stands for a binary where signatures are about one. */
  sha256: string;
}

/** How long a migration is expected to take where its limit is longer, ms. */
const usually = 5 * 60_000;

/**
 * A rollout that brings the schema to what the matrix says of a version, and touches no node: the approval of the database's approvers, then
 * the one action.
 * @throws Refused with what to do instead
 */
export function planMigration(input: MigrationInput): Rollout {
  const { fleet, version, when, seen, requester, now } = input;
  const { database } = fleet;
  if (database === undefined)
    throw new Refused(
      'Nothing was planned: the settings do not say how the database is migrated. Write `database`, see docs/migrations.md.',
    );
  const to = wantedBy(input);
  refuseUnfit(input, to);
  refuseUnsaved(input, database);
  const { region, approvers, needed, limit } = database;
  const action: ActionPhase = {
    ...{ id: 'action/migrate', title: `the migration to ${to}`, state: { is: 'pending' } },
    ...{ is: 'action', action: 'migrate', subject: 'fleet', region, undo: actionTraits.migrate.undo },
    ...{ limit: limit + 5 * 60_000, expected: Math.min(limit, usually), work: unbegunAction(now) },
  };
  const approval: ApprovalPhase = {
    ...{ id: 'approval/database', title: 'the database', state: { is: 'pending' }, is: 'approval' },
    ...{ opens: [action.id], by: approvers, needed, given: [] },
  };
  const { from, commit } = { from: seen.schema, commit: seen.commit };
  const attested = input.attestedBy === null ? {} : { attested: { by: input.attestedBy, at: now } };
  return {
    ...unbegun(fleet),
    id: input.id,
    fleet: fleet.name,
    service: fleet.service,
    release: {
      ...{ version, archive: 'source', archiveSha256: input.sha256, binarySha256: input.sha256 },
      ...{ archiveBytes: 0, binaryBytes: 0, signed: null },
    },
    strategy: 'rolling',
    policy: { ...fleet.policy, rehearse: 'never', autoRollback: 'none' },
    requester,
    createdAt: now,
    startAt: null,
    override: null,
    epoch: input.epoch,
    phases: [approval, action],
    calendars: Object.fromEntries(fleet.regions.map(({ name, calendar }) => [name, calendar])),
    nodes: {},
    pace: {},
    change: { is: 'migrate', when, from, to, commit, ...attested },
  };
}

function wantedBy({ fleet, version, when, seen }: MigrationInput): number {
  const row = rowFor(fleet.compatibility ?? [], version);
  const to = row?.[when] ?? null;
  if (to === null)
    throw new Refused(
      `Nothing was planned: compatibility does not say which schema the migration ${when} ${version} makes. Add ${when} to its row.`,
    );
  if (to === seen.schema) throw new Refused(`Nothing to do: the schema is ${to} already.`);
  if (to < seen.schema)
    throw new Refused(
      `Nothing was planned: the schema is ${seen.schema}, and the migration ${when} ${version} makes ${to}. A schema is never brought back.`,
    );
  return to;
}

/** Both what runs and what comes must work with the new schema: unknown counts as no. */
function refuseUnfit({ fleet, version, when, survey }: MigrationInput, to: number): void {
  const rows = fleet.compatibility ?? [];
  const accepts = (each: string | null) => {
    const schema = each === null ? null : (rowFor(rows, each)?.schema ?? null);
    return schema !== null && schema.min <= to && to <= schema.max;
  };
  const running = [...new Set(survey.map((seen) => seen.version))];
  const unfit = [...new Set([...running, version])].filter((each) => !accepts(each));
  if (unfit.length === 0) return;
  const names = unfit.map((each) => each ?? 'what runs on nodes that do not say it').join(', ');
  const out =
    when === 'after'
      ? `Bring every node to ${version} first.`
      : 'Widen its range in compatibility if its release notes say so, or migrate with a release that works with both.';
  throw new Refused(
    `Nothing was planned: schema ${to} is not among those that ${names} works with, and unknown counts as no. ${out}`,
  );
}

function refuseUnsaved(
  { seen, attestedBy, now }: MigrationInput,
  { attest, maxAge }: NonNullable<Fleet['database']>,
): void {
  if (attestedBy !== null && !attest)
    throw new Refused("Nothing was planned: the settings take nobody's word for the backup (database.backup.attest).");
  if (attestedBy !== null) return;
  if (seen.backedUpAt === null)
    throw new Refused(
      'Nothing was planned: nobody can tell when the last backup was made. Make one, then add --attest: you answer for it.',
    );
  if (now - seen.backedUpAt <= maxAge) return;
  const hours = Math.floor((now - seen.backedUpAt) / 3_600_000);
  throw new Refused(
    `Nothing was planned: the last backup is ${hours} h old, and may be ${Math.floor(maxAge / 3_600_000)} h (database.backup.maxAge). Make one first.`,
  );
}
