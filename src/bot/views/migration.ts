import { inWords } from '../../base/duration.ts';
import type { DatabaseTold } from '../../jobs/types.ts';
import { type Row, rowFor } from '../../upgrade/compatibility/index.ts';
import type { NodeSurvey, Rollout } from '../../upgrade/rollout/types.ts';
import type { Reply } from '../context.ts';
import type { Part } from './parts.ts';
import { foreign, who } from './text.ts';

/** What the database's host told. */
export function statusLines({ schema, backedUpAt, commit, lines }: DatabaseTold, now: number): string[] {
  return [
    `*Schema ${schema}*, ${backupWords(backedUpAt, now)}; asked by commit ${foreign(commit.slice(0, 12))}`,
    ...(lines === null ? ['The settings have no `database.status`'] : lines.map((line) => foreign(line, 200))),
  ];
}

const backupWords = (at: number | null, now: number): string =>
  at === null
    ? 'and nobody can tell when the last backup was made'
    : `last backup ${inWords(Math.max(0, now - at))} ago`;

export interface MigrationPreview {
  rollout: Rollout;
  told: DatabaseTold;
  survey: NodeSurvey[];
  rows: readonly Row[];
  /** Confirms exactly this plan; null for a dry run. */
  token: string | null;
  remark: string | null;
}

/** What a migration would do, and what cannot come back after it. */
export function migrationPreview({ rollout, told, survey, rows, token, remark }: MigrationPreview): Reply {
  const { change, release, createdAt, phases } = rollout;
  if (change?.is !== 'migrate') return { parts: [] };
  const action = phases.find((phase) => phase.is === 'action');
  const attested =
    change.attested === undefined
      ? backupWords(told.backedUpAt, createdAt)
      : `${who(change.attested.by)} answers for the backup`;
  const parts: Part[] = [
    ...(remark === null ? [] : [{ is: 'lines' as const, lines: [`*${remark}*`] }]),
    { is: 'title', text: `${token === null ? 'Dry run' : 'Plan'}: schema ${change.from} → ${change.to}` },
    {
      is: 'lines',
      lines: [
        `*The migration ${change.when} ${foreign(release.version)}*, commit ${foreign(change.commit.slice(0, 12))}; ${attested}`,
        `Run once, on the database's host, in a window of ${foreign(action?.is === 'action' ? action.region : '')}; no node is touched`,
        'First the approvers of the database are asked',
        noReturn(change.to, survey, rows),
        'A schema is never brought back: what fails half-way is left as it is, and people are called',
      ],
    },
    {
      is: 'note',
      text: token === null ? 'Nothing was started.' : 'Nothing has started yet; this plan can be confirmed for 30 min.',
    },
  ];
  if (token === null) return { parts };
  const reference = { r: token, g: '', v: rollout.revision };
  const buttons = [
    {
      label: `Migrate to ${change.to}`,
      action: 'start',
      reference,
      style: 'primary' as const,
      typed: `start ${token}`,
    },
    { label: 'Cancel', action: 'cancel', reference, typed: `cancel ${token}` },
  ];
  return { parts: [...parts, { is: 'buttons', buttons }] };
}

/** Known before it is begun: which versions of the matrix the new schema excludes. */
function noReturn(to: number, survey: NodeSurvey[], rows: readonly Row[]): string {
  const running = [...new Set(survey.flatMap(({ version }) => version ?? []))];
  const own = running.flatMap((version) => rowFor(rows, version) ?? []);
  const gone = rows.filter(({ schema }) => schema !== null && (to < schema.min || schema.max < to));
  const names = gone.filter((row) => !own.includes(row)).map(({ operator }) => operator);
  return names.length === 0
    ? 'Every version of the matrix can still come back after it'
    : `*After this ${names.map((each) => foreign(each, 40)).join(', ')} cannot come back*: schema ${to} is not among those that they work with`;
}
