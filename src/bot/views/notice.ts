import { inWords } from '../../base/duration.ts';
import { channel, type DueNotice, noticeOver, regionsOf, toldSince } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { broughtWords, titled } from './goal.ts';
import { count, foreign, names, span, when } from './text.ts';

const nameOf = (audience: string): string => (audience === channel ? 'this channel' : foreign(audience, 80));

/** What a major promises before it is started. */
export function promised({ notice }: Rollout): string[] {
  if (notice === undefined) return [];
  return [
    `*It is a major version*: its first node waits until ${span(notice.wanted)} after it was announced (${names(notice.audiences.map(nameOf))}); \`--now\` does not open that`,
  ];
}

/** Who knows of the start, since when, and who has still to be told: not those who read this. */
export function noticeLines(rollout: Rollout): string[] {
  const { notice } = rollout;
  if (notice === undefined) return [];
  const each = toldSince(rollout).map(({ audience, since }) =>
    since !== null
      ? `${nameOf(audience)} ${when(since)}`
      : `${nameOf(audience)} ${audience === channel ? 'with this message' : '*not yet*'}`,
  );
  const over = noticeOver(rollout);
  const until = over === null ? '' : `, over ${when(over)}`;
  return [`A major version, announced ${span(notice.wanted)} before its first node: ${each.join(', ')}${until}`];
}

/** Whether that was kept, once it is over. */
export function complianceLines(rollout: Rollout): string[] {
  const { notice, startedAt } = rollout;
  if (notice === undefined || startedAt === null) return [];
  const each = toldSince(rollout).map(({ audience, since }) =>
    since === null
      ? `${nameOf(audience)} never`
      : `${nameOf(audience)} ${inWords(startedAt - since, Math.floor)} before`,
  );
  return [`Announced: ${each.join(', ')} the first node; ${span(notice.wanted)} were promised`];
}

/**
 * What a webhook is told. Instants are ISO 8601 in UTC; `id` is the same for every repeat of one notice, and another one after
 * each move, also back to a time that was told before; `begins` is null when it was cancelled.
 */
export function noticeBody(rollout: Rollout, { kind, begins, move }: DueNotice) {
  const { id, fleet, service, release, nodes } = rollout;
  const regions = regionsOf(rollout);
  const at = begins === null ? null : new Date(begins).toISOString();
  const what = titled(rollout, broughtWords(rollout));
  const text =
    kind === 'cancelled'
      ? `The upgrade to ${what} does not take place as announced.`
      : `Upgrade to ${what}: ${count(Object.keys(nodes).length, 'node')} in ${regions.join(', ')}, one by one and without downtime, not before ${at}.`;
  return {
    id: `${id}.${kind}.${move ?? 0}`,
    kind,
    rollout: id,
    ...{ fleet, service: service.name, version: release.version, regions, begins: at, text },
  };
}
